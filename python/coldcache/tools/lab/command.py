"""The command ``coldcache lab``: from the command line to a plan, from a result to the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from coldcache.tools.options import function_options, open_console

from .document import check_destination, write_document
from .environment import parse_settings
from .errors import UsageError
from .event import Event
from .life.cli import check_unused, life_options
from .life.options import Life
from .life.report import print_life, to_document
from .life.run import LifePlan, run_life
from .load.command import load_options, load_parameters, run_load_command
from .plan import LabPlan
from .private_file import write_private
from .progress import observe
from .report import print_report
from .run import run_lab
from .target import Target

__all__ = ["lab", "show_life"]

_PIPED_WIDTH = 120


@click.command()
@click.argument("target", metavar="FOLDER:module.handler")
@click.option(
    "--event",
    "events",
    metavar="FILE",
    multiple=True,
    required=True,
    help="JSON file with an event to call the function with. Repeatable.",
)
@click.option(
    "--against",
    metavar="FOLDER:module.handler",
    help="A second function to compare with: the baseline of the ratios.",
)
@click.option("--runs", default=20, show_default=True, help="Counted samples of each case.")
@click.option("--warmups", default=1, show_default=True, help="Samples to discard before them.")
@click.option("--json", "out", metavar="OUT", help="Write all samples and figures to this file.")
@function_options("Interpreter of the samples, which has awslambdaric.")
@click.option("--seed", default=0, show_default=True, help="Decides all that is random.")
@click.option(
    "--calls",
    type=int,
    metavar="N",
    help="Show N calls to one environment, a row each, instead of measuring cold starts.",
)
@life_options
@load_options
def lab(
    target: str,
    events: tuple[str, ...],
    against: str | None,
    runs: int,
    warmups: int,
    out: str | None,
    python: str,
    settings: tuple[str, ...],
    init_timeout: float,
    timeout: float,
    seed: int,
    calls: int | None,
    life: Life,
    **rest: Any,
) -> None:
    """Measure a function's cold start in fresh processes of the real Lambda runtime client.

    Reports the end of init, the first and a warm answer, peak memory and imported modules, and
    compares them with those of a second function where --against names one.

    With --calls it shows the life of one environment instead; with --load it calls the function by
    a load, in a pool of environments, and compares --strategies. --initialization and the options
    after it say what the life of an environment is like.
    """
    if run_load_command(
        load_parameters(rest),
        target=target,
        events=events,
        settings=settings,
        python=python,
        timeout=timeout,
        life=life,
        out=out,
        seed=seed,
    ):
        return
    if calls is not None:
        if against is not None:
            raise UsageError("--calls shows one function's environment; leave out --against")
        life_plan = LifePlan(
            target=Target.parse(target),
            events=Event.read_all([Path(event) for event in events]),
            calls=calls,
            life=life,
            python=python,
            settings=parse_settings(settings),
            timeout_s=timeout,
            warms_up=warmups > 0,
        )
        show_life(life_plan, out)
        return
    check_unused(life, needed="--calls N or --load")
    plan = LabPlan(
        target=Target.parse(target),
        baseline=Target.parse(against) if against is not None else None,
        events=Event.read_all([Path(event) for event in events]),
        runs=runs,
        warmups=warmups,
        python=python,
        settings=parse_settings(settings),
        init_timeout_s=init_timeout,
        timeout_s=timeout,
        seed=seed,
    )
    if out is not None:
        check_destination(Path(out))
    with observe(plan, Console(stderr=True)) as observer:
        result = run_lab(plan, observer)
    if out is not None:
        write_document(result, Path(out))
    console = open_console(_PIPED_WIDTH)
    print_report(result, console)
    if out is not None:
        console.print(f"All samples and figures: {out}", markup=False, soft_wrap=True)


def show_life(plan: LifePlan, out: str | None) -> None:
    """Run one environment and show its calls.

    Args:
        plan: What to run.
        out: File for the JSON document, if any.
    """
    if out is not None:
        check_destination(Path(out))
    result = run_life(plan)
    if out is not None:
        text = json.dumps(to_document(result), indent=2, ensure_ascii=False, allow_nan=False)
        write_private(text + "\n", Path(out), option="--json")
    if result.failure is not None:
        click.echo(f"coldcache: the first failure: {result.failure}", err=True)
        if result.failure.details:
            click.echo(f"\n{result.failure.details}\n", err=True)
    console = open_console(_PIPED_WIDTH)
    print_life(result, console)
    if out is not None:
        console.print(f"All records: {out}", markup=False, soft_wrap=True)
