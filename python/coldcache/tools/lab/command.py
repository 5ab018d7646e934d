"""The command ``coldcache lab``: from the command line to a plan, from a result to the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from coldcache.tools.options import check_destinations, function_options, open_console
from coldcache.tools.page import write_page

from .document import to_document, write_document
from .environment import parse_settings
from .errors import UsageError
from .event import Event
from .life.cli import check_unused, life_options
from .life.options import Life
from .life.report import print_life
from .life.report import to_document as to_life_document
from .life.run import LifePlan, LifeResult, run_life
from .load.command import load_options, load_parameters, run_load_command
from .plan import LabPlan
from .private_file import write_private
from .progress import observe
from .report import print_report, print_spread
from .result import METRICS, LabResult, least_runs
from .run import run_lab
from .target import Target

__all__ = ["lab", "show_life"]

_PIPED_WIDTH = 130
_EXIT_WORSE = 3


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
@click.option(
    "--relevant",
    default=2.0,
    show_default=True,
    metavar="PERCENT",
    help="The least difference that counts, in percent of the baseline.",
)
@click.option(
    "--fail-on",
    type=click.Choice(["worse"]),
    help="End with exit code 3 where any figure is worse than the baseline's.",
)
@click.option(
    "--distributions",
    is_flag=True,
    help="Print quantiles with their intervals, and draw how the samples are spread.",
)
@click.option("--html", metavar="OUT", help="Write a page for a browser.")
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
    relevant: float,
    fail_on: str | None,
    distributions: bool,
    html: str | None,
    out: str | None,
    python: str,
    settings: tuple[str, ...],
    init_timeout: float,
    timeout: float,
    seed: int,
    calls: int | None,
    life: Life,
    **rest: Any,
) -> int:
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
        html=html,
        has_distributions=distributions,
        seed=seed,
    ):
        return 0
    if calls is not None:
        if against is not None:
            raise UsageError("--calls shows one function's environment; leave out --against")
        for option, is_given in (("--html", html is not None), ("--distributions", distributions)):
            if is_given:
                raise UsageError(f"{option} needs several samples; leave out --calls")
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
        return 0
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
        relevant_percent=relevant,
    )
    if fail_on is not None:
        _check_gate(plan)
    check_destinations({"--html": html, "--json": out})

    def show(result: LabResult) -> None:
        _write(result, html=html, out=out)
        console = open_console(_PIPED_WIDTH)
        print_report(result, console)
        if distributions:
            print_spread(result, console)
        for label, written in (("All samples and figures", out), ("Page", html)):
            if written is not None:
                console.print(f"{label}: {written}", markup=False, soft_wrap=True)

    with observe(plan, Console(stderr=True)) as observer:
        result = run_lab(plan, observer, on_stop=show)
    show(result)
    return _EXIT_WORSE if fail_on == "worse" and result.verdict == "worse" else 0


def _check_gate(plan: LabPlan) -> None:
    """Refuse a gate that could never close."""
    if plan.baseline is None:
        raise UsageError("--fail-on compares with a baseline; name one with --against")
    least = least_runs(plan)
    if plan.runs < least:
        raise UsageError(
            f"--fail-on needs at least {least} runs for a verdict on "
            f"{len(METRICS) * len(plan.events)} figures; got {plan.runs}"
        )


def _write(result: LabResult, *, html: str | None, out: str | None) -> None:
    if out is not None:
        write_document(result, Path(out))
    if html is not None:
        write_page(to_document(result), Path(html))


def show_life(plan: LifePlan, out: str | None) -> None:
    """Run one environment and show its calls.

    Args:
        plan: What to run.
        out: File for the JSON document, if any.
    """
    check_destinations({"--json": out})
    _show(run_life(plan, on_stop=lambda result: _show(result, out)), out)


def _show(result: LifeResult, out: str | None) -> None:
    if out is not None:
        text = json.dumps(to_life_document(result), indent=2, ensure_ascii=False, allow_nan=False)
        write_private(text + "\n", Path(out), option="--json")
    if result.failure is not None:
        click.echo(f"coldcache: the first failure: {result.failure}", err=True)
        if result.failure.details:
            click.echo(f"\n{result.failure.details}\n", err=True)
    console = open_console(_PIPED_WIDTH)
    print_life(result, console)
    if out is not None:
        console.print(f"All records: {out}", markup=False, soft_wrap=True)
