"""The options of ``coldcache lab`` that call a function by a load, and what they start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import click
from click.core import ParameterSource
from rich.console import Console

from coldcache.tools.lab.environment import parse_settings
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.figures.load_report import print_load_figures
from coldcache.tools.lab.life import Life
from coldcache.tools.lab.stop_signals import Stopped
from coldcache.tools.lab.target import Target
from coldcache.tools.options import check_destinations, open_console
from coldcache.tools.page import write_page

from .document import to_document, write_document
from .experiment import LoadExperiment
from .grammar import LOAD_FORMS, parse_load
from .keep_alive import parse_keep_alive
from .plan import DEFAULT_PROCESSES, LoadPlan, Simulate
from .planned import Assumed
from .pool import Reuse
from .prices import LIST_PRICES
from .progress import observe_load
from .quantity import parse_seconds
from .report import print_load_report
from .strategy import parse_strategies
from .workload import Stream

__all__ = ["load_options", "load_parameters", "run_load_command"]

_Command = TypeVar("_Command", bound=Callable[..., int | None])

_PIPED_WIDTH = 130
_OWN_PING = "coldcache"  # as --ping-event
_WITHOUT_LOAD = ("against", "runs", "warmups", "relevant", "fail_on", "init_timeout", "calls")

_OPTIONS = {
    "load": click.option(
        "--load", metavar="LOAD", help=f"Call the function by a load: {LOAD_FORMS}."
    ),
    "duration": click.option(
        "--duration", metavar="TIME", help="Length of the load; a trace has one of its own."
    ),
    "compress": click.option(
        "--compress",
        default=1.0,
        show_default=True,
        metavar="FACTOR",
        help="Let the times of load, keep-alive and strategies pass faster by this factor.",
    ),
    "keep_alive": click.option(
        "--keep-alive",
        default="curve:aws-2021",
        show_default=True,
        metavar="TIME",
        help="How long an idle environment lives: a time, 'forever', or curve:NAME, which is "
        "aws-2021, azure-2021, gcp-2021 or a file.",
    ),
    "reuse": click.option(
        "--reuse",
        type=click.Choice(get_args(Reuse)),
        default="most-recent",
        show_default=True,
        help="Which idle environment takes a call.",
    ),
    "concurrency": click.option(
        "--concurrency", default=1000, show_default=True, help="Most calls at work at once."
    ),
    "queue": click.option(
        "--queue",
        default="0",
        show_default=True,
        metavar="TIME",
        help="How long a call above that waits for its turn before it is throttled.",
    ),
    "strategies": click.option(
        "--strategies",
        metavar="LIST",
        help="Compare ways to keep the function warm, such as "
        "nothing,ping:5m,provisioned:2,scheduled:3@9h-17h.",
    ),
    "ping_event": click.option(
        "--ping-event",
        metavar="FILE",
        help="What pings carry; 'coldcache' for what @coldcache.handler answers by itself."
        "  [default: the first event]",
    ),
    "simulate": click.option(
        "--simulate",
        type=click.Choice(get_args(Simulate)),
        default="beyond",
        show_default=True,
        help="Which environments are simulated: none, those beyond --processes, or all.",
    ),
    "processes": click.option(
        "--processes",
        default=DEFAULT_PROCESSES,
        show_default=True,
        help="Real environments at the same time.",
    ),
    "assume": click.option(
        "--assume",
        metavar="COLD,WARM",
        help="Decide beforehand who is cold, with these times of a cold and a warm call.",
    ),
    "prices": click.option(
        "--prices",
        type=click.Choice(sorted(LIST_PRICES)),
        default="x86",
        show_default=True,
        help="List prices to count money with.",
    ),
}


def load_options(command: _Command) -> _Command:
    """Add the options of a load to a command."""
    for option in reversed(_OPTIONS.values()):  # the one applied last is listed first
        command = option(command)
    return command


def load_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Take the values of :func:`load_options` out of a command's parameters."""
    return {name: parameters.pop(name) for name in _OPTIONS}


def run_load_command(
    load: Mapping[str, Any],
    *,
    target: str,
    events: Sequence[str],
    settings: Sequence[str],
    python: str,
    timeout: float,
    life: Life,
    out: str | None,
    html: str | None,
    has_distributions: bool,
    seed: int,
) -> bool:
    """Run a load if one was asked for.

    Args:
        load: Values of :func:`load_options`.
        target: The function.
        events: Files.
        settings: ``NAME=VALUE`` texts.
        python: Interpreter of the environments.
        timeout: The function's timeout.
        life: How environments live.
        out: File of ``--json``.
        html: File of ``--html``.
        has_distributions: Whether to print intervals and drawings as well.
        seed: Decides all draws.

    Returns:
        Whether there was a load.

    Raises:
        UsageError: The options do not fit together, or one of them is wrong.
        Stopped: A signal came; what was seen until then has been reported and written.
    """
    context = click.get_current_context()

    def is_given(name: str) -> bool:
        return context.get_parameter_source(name) is ParameterSource.COMMANDLINE

    if load["load"] is None:
        for name in load:
            if is_given(name):
                raise UsageError(f"--{name.replace('_', '-')} needs a --load")
        return False
    for name in filter(is_given, _WITHOUT_LOAD):
        option = f"--{name.replace('_', '-')}"
        raise UsageError(f"{option} does not go with --load; leave out one of the two")
    check_destinations({"--html": html, "--json": out})
    plan = _plan(
        load,
        target=Target.parse(target),
        events=Event.read_all([Path(event) for event in events]),
        life=life,
        python=python,
        settings=parse_settings(settings),
        timeout_s=timeout,
        seed=seed,
    )
    with observe_load(Console(stderr=True)) as observer:
        experiment = LoadExperiment(plan, observer)
        try:
            experiment.run()
        except (Stopped, KeyboardInterrupt):
            if experiment.has_begun:
                _report(experiment, load["prices"], out, html, has_distributions)
            raise
    _report(experiment, load["prices"], out, html, has_distributions)
    return True


def _plan(
    load: Mapping[str, Any], *, target: Target, events: tuple[Event, ...], seed: int, **rest: Any
) -> LoadPlan:
    assumed = None
    if load["assume"] is not None:
        cold, comma, warm = load["assume"].partition(",")
        if not comma:
            raise UsageError(f"--assume takes COLD,WARM like 300ms,20ms; got {load['assume']!r}")
        assumed = Assumed(
            parse_seconds(cold, "the assumed cold time"),
            parse_seconds(warm, "the assumed warm time"),
        )
    duration = load["duration"]
    return LoadPlan(
        streams=tuple(
            Stream(name or target.folder.name, target, events, arrivals)
            for name, arrivals in parse_load(load["load"], seed=seed)
        ),
        duration_s=parse_seconds(duration, "--duration") if duration is not None else None,
        compression=load["compress"],
        keep_alive=parse_keep_alive(load["keep_alive"]),
        reuse=load["reuse"],
        max_concurrency=load["concurrency"],
        queue_s=parse_seconds(load["queue"], "--queue", allow_zero=True),
        strategies=parse_strategies(load["strategies"] or "nothing"),
        ping_event=_ping_event(load["ping_event"]),
        simulate=load["simulate"],
        processes=load["processes"],
        assumed=assumed,
        seed=seed,
        **rest,
    )


def _ping_event(given: str | None) -> Event | None:
    if given is None:
        return None
    if given == _OWN_PING:
        return Event(_OWN_PING, b'{"coldcache": {"ping": {}}}')
    return Event.read(Path(given))


def _report(
    experiment: LoadExperiment,
    prices: str,
    out: str | None,
    html: str | None,
    has_distributions: bool,
) -> None:
    result = experiment.result()
    if out is not None:
        write_document(result, LIST_PRICES[prices], Path(out))
    if html is not None:
        write_page(to_document(result, LIST_PRICES[prices]), Path(html))
    console = open_console(_PIPED_WIDTH)
    print_load_report(result, LIST_PRICES[prices], console)
    if has_distributions:
        console.print()
        print_load_figures(result, console)
    for label, written in (("All rows and figures", out), ("Page", html)):
        if written is not None:
            console.print(f"{label}: {written}", markup=False, soft_wrap=True)
