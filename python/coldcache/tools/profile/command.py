"""The command ``coldcache profile``: from the command line to a plan, from a result to files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from coldcache.tools.lab.environment import parse_settings
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.private_file import write_private
from coldcache.tools.lab.target import Target
from coldcache.tools.options import check_destinations, function_options, open_console
from coldcache.tools.page import write_page

from .document import importtime_document, to_document, write_json
from .formats import Track, to_chrome_trace, to_collapsed, to_speedscope
from .importtime import read_importtime
from .plan import ProfilePlan
from .report import print_importtime, print_profile
from .run import run_profile

__all__ = ["profile"]

_PIPED_WIDTH = 160


@click.command()
@click.argument("target", metavar="FOLDER:module.handler", required=False)
@click.option(
    "--event",
    "events",
    metavar="FILE",
    multiple=True,
    help="JSON file with an event to call the function with. Repeatable, a profile each.",
)
@click.option(
    "--importtime",
    metavar="FILE",
    help="Show what a process with -X importtime wrote to stderr, instead of running a function.",
)
@click.option("--runs", default=3, show_default=True, help="Processes of each event.")
@click.option("--calls", default=2, show_default=True, help="Calls in each process.")
@click.option("--top", default=40, show_default=True, help="Imports that the tree shows.")
@click.option("--html", metavar="OUT", help="Write a page for a browser.")
@click.option("--json", "json_out", metavar="OUT", help="Write all imports and sums.")
@click.option("--speedscope", metavar="OUT", help="Write a file for speedscope.app.")
@click.option("--chrome-trace", metavar="OUT", help="Write a file for Perfetto, chrome://tracing.")
@click.option("--collapsed", metavar="OUT", help="Write collapsed stacks for flame graphs.")
@function_options("Interpreter of the function, which has awslambdaric and coldcache.")
def profile(
    target: str | None,
    events: tuple[str, ...],
    importtime: str | None,
    runs: int,
    calls: int,
    top: int,
    html: str | None,
    json_out: str | None,
    speedscope: str | None,
    chrome_trace: str | None,
    collapsed: str | None,
    python: str,
    settings: tuple[str, ...],
    init_timeout: float,
    timeout: float,
) -> None:
    """Show what a function imports during init and on its calls, and what each import costs.

    The function runs in fresh processes of the real Lambda runtime client, with a native tracer
    inside importlib. With --importtime, what an interpreter wrote is shown instead.
    """
    if top < 1:
        raise UsageError(f"top must be at least 1; got {top}")
    outputs = {
        "--html": html,
        "--json": json_out,
        "--speedscope": speedscope,
        "--chrome-trace": chrome_trace,
        "--collapsed": collapsed,
    }
    check_destinations(outputs)
    if importtime is not None:
        if target is not None or events:
            raise UsageError("--importtime shows a file; a function and events have no place there")
        found = read_importtime(Path(importtime))
        tracks: list[Track] = [(Path(importtime).name, found.imports)]
        _write(outputs, importtime_document(found), tracks)
        print_importtime(found, open_console(_PIPED_WIDTH), top=top)
        return
    if target is None:
        raise UsageError("name a function, FOLDER:module.handler, or a file with --importtime")
    plan = ProfilePlan(
        target=Target.parse(target),
        events=Event.read_all([Path(event) for event in events]),
        runs=runs,
        calls=calls,
        python=python,
        settings=parse_settings(settings),
        init_timeout_s=init_timeout,
        timeout_s=timeout,
    )
    result = run_profile(plan, _progress(plan))
    tracks = [(one.event, one.imports) for one in result.profiles]
    _write(outputs, to_document(result), tracks)
    print_profile(result, open_console(_PIPED_WIDTH), top=top)


def _write(
    outputs: dict[str, str | None], document: dict[str, Any], tracks: Sequence[Track]
) -> None:
    made: dict[str, Callable[[], dict[str, Any]]] = {
        "--json": lambda: document,
        "--speedscope": lambda: to_speedscope(tracks),
        "--chrome-trace": lambda: to_chrome_trace(tracks),
    }
    for option, out in outputs.items():
        if out is None:
            continue
        if option == "--html":
            write_page(document, Path(out), option=option)
        elif option in made:
            write_json(made[option](), Path(out), option=option)
        else:
            write_private(to_collapsed(tracks), Path(out), option=option)


def _progress(plan: ProfilePlan) -> Callable[[str], None]:
    """A line on stderr for each process."""
    console = Console(stderr=True)
    total = len(plan.events) * (plan.runs + 1)
    done = 0

    def note(event: str) -> None:
        nonlocal done
        done += 1
        text = f"process {done}/{total} done, on {event}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    return note
