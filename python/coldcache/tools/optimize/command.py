"""The command ``coldcache optimize``: from the command line to a plan, from a result to files."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from coldcache.tools.lab.environment import parse_settings
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.private_file import write_private
from coldcache.tools.lab.target import Target
from coldcache.tools.options import check_destinations, function_options, open_console

from .document import to_document, write_document
from .plan import OptimizePlan, cores
from .progress import ConsoleReporter
from .report import print_report
from .run import run_optimize

__all__ = ["optimize"]

_PIPED_WIDTH = 140


@click.command()
@click.argument("target", metavar="FOLDER:module.handler")
@click.option(
    "--event",
    "events",
    metavar="FILE",
    multiple=True,
    required=True,
    help="JSON file with an event that has to be answered as before. Repeatable.",
)
@click.option(
    "--same",
    metavar="EXPRESSION|SCRIPT",
    help="When answers count as equal: a Python expression over a and b, "
    "or a script that gets two JSON files.  [default: byte for byte]",
)
@click.option(
    "--out",
    default="coldcache.lock",
    show_default=True,
    metavar="FILE",
    help="Where to write the plan, if it is worth one.",
)
@click.option("--json", "json_out", metavar="OUT", help="Write all findings and figures.")
@click.option("--html", "html_out", metavar="OUT", help="Write a report page.")
@click.option(
    "--budget",
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="Time for the search; the best plan proved by then is used.",
)
@click.option("--runs", default=10, show_default=True, help="Counted samples of each case.")
@click.option(
    "--workers",
    default=None,
    type=int,
    help="Processes at the same time while searching; 1 for functions that get in each other's "
    "way.  [default: one a core]",
)
@function_options("Interpreter of the function, which has awslambdaric and coldcache.")
def optimize(
    target: str,
    events: tuple[str, ...],
    same: str | None,
    out: str,
    json_out: str | None,
    html_out: str | None,
    budget: float,
    runs: int,
    workers: int | None,
    python: str,
    settings: tuple[str, ...],
    init_timeout: float,
    timeout: float,
) -> None:
    """Find the imports a function can defer, prove it by its own events, and write coldcache.lock.

    The function is run many times, in fresh processes; nothing of it or of its packages is edited.
    The plan is written only if init and first answer together get shorter beyond noise.
    """
    plan = OptimizePlan(
        target=Target.parse(target),
        events=Event.read_all([Path(event) for event in events]),
        same=same,
        budget_s=budget,
        runs=runs,
        workers=cores() if workers is None else workers,
        python=python,
        settings=parse_settings(settings),
        init_timeout_s=init_timeout,
        timeout_s=timeout,
    )
    check_destinations({"--out": out, "--json": json_out, "--html": html_out})
    result = run_optimize(plan, ConsoleReporter(Console(stderr=True)))
    lock = None
    if result.lock is not None:
        write_private(result.lock.text(), Path(out), option="--out")
        lock = out
    document = to_document(result, lock)
    if json_out is not None:
        write_document(document, Path(json_out))
    if html_out is not None:
        from coldcache.tools.page import write_page  # noqa: PLC0415 - only where it is asked for

        write_page(document, Path(html_out))
    console = open_console(_PIPED_WIDTH)
    print_report(result, console, lock=lock, out=out)
