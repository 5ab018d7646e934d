"""A load experiment for a reader: one table, a row a strategy, and what to know about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coldcache.tools.lab.figures.verdict import Effect
from coldcache.tools.lab.figures.versus import RELEVANT_LATENCY, Versus, compare_variants

from .cost import cost_of
from .digest import SHARES, Digest, digest
from .prices import PriceList
from .rows import LoadResult

__all__ = ["print_load_report"]

_STYLES = {"better": "green", "worse": "bold red"}


def print_load_report(result: LoadResult, prices: PriceList, console: Console) -> None:
    """Print the whole report.

    Args:
        result: An experiment, finished or stopped.
        prices: What the bill is drawn up with.
        console: Where to.
    """
    for line in _heading(result):
        console.print(Text(line), soft_wrap=True)
    console.print()
    digests = digest(result)
    console.print(_table(result, digests, prices))
    console.print()
    versus = compare_variants(result)
    if versus:
        console.print(_versus(versus))
        console.print()
    for note in (*_notes(result, digests, prices), *_about_versus(versus)):
        console.print(Text(note, style="dim"), soft_wrap=True)


def _heading(result: LoadResult) -> Iterator[str]:
    options, machine = result.options, result.machine
    for function in options["functions"]:
        yield f"function  {function['target']} as {function['name']}, {function['load']}"
    compressed = options["compression"]
    yield (
        f"workload  {options['duration_s']:g} s"
        + (f", compressed by {compressed:g}" if compressed != 1 else "")
        + f"; keep-alive {options['keep_alive']}, {options['reuse']} first, seed {result.seed}"
    )
    cores = "1 core" if machine.cores == 1 else f"{machine.cores} cores"
    yield f"machine   {machine.cpu}, {cores}, {machine.platform}"
    yield f"runtime   {machine.python}, awslambdaric {machine.awslambdaric}"
    if result.is_partial:
        yield f"STOPPED after {result.elapsed_s:.0f} s: what follows is a part of the experiment"


def _table(result: LoadResult, digests: Sequence[Digest], prices: PriceList) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("strategy", no_wrap=True)
    names = ["calls", "cold", "throttled", "failed"]
    names += [f"p{share * 100:g}, ms" for share in SHARES]
    names += ["envs", "at once", f"{prices.currency}/month"]
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    for one in digests:
        share = f" {100 * one.kinds['cold'] / one.calls:.1f}%" if one.calls else ""
        quantiles = [_number(value) for value in one.latency_ms] or ["-"] * len(SHARES)
        table.add_row(
            Text(one.variant),
            str(one.calls),
            f"{one.kinds['cold']}{share}",
            str(one.kinds["throttled"]),
            str(one.failed),
            *quantiles,
            str(one.environments),
            str(one.most_environments),
            f"{cost_of(result, one.variant, prices).money_a_month:.2f}",
        )
    return table


def _versus(versus: Sequence[Versus]) -> Table:
    """A row a strategy: how it differs from the first one, and whether that can be chance."""
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(Text(f"against {versus[0].baseline}"), no_wrap=True)
    for name in ("cold calls, % [95 %]", "mean latency, ms [95 %]"):
        table.add_column(name, justify="right", no_wrap=True)
        table.add_column("")
    for one in versus:
        table.add_row(
            Text(one.variant),
            _difference(one.cold, 100.0),
            _told(one.cold),
            _difference(one.latency_ms, 1.0),
            _told(one.latency_ms),
        )
    return table


def _difference(effect: Effect, scale: float) -> str:
    value, low, high = (scale * it for it in (effect.difference, effect.low, effect.high))
    return f"{value:+.2f} [{low:+.2f}, {high:+.2f}]"


def _told(effect: Effect) -> Text:
    if effect.verdict == "too few rounds":
        return Text("too short to tell", style="yellow")
    return Text(effect.verdict, style=_STYLES.get(effect.verdict, "dim"))


def _about_versus(versus: Sequence[Versus]) -> Iterator[str]:
    if versus:
        yield (
            f"Against {versus[0].baseline}: the same calls under both, compared in stretches of "
            "time that are\nexchanged at random. Worse or better: chance would hardly do it, and "
            f"the latency differs by {100 * RELEVANT_LATENCY:g} % or\nmore. Strategies run one "
            "after the other: what changes about the machine meanwhile is in the latency,\nnot in "
            "the cold calls."
        )


def _number(value: float) -> str:
    """Three or more significant digits, without noise behind the point."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _notes(result: LoadResult, digests: Sequence[Digest], prices: PriceList) -> Iterator[str]:
    real = sum(one.sources["process"] for one in digests)
    simulated = sum(one.sources["simulated"] for one in digests)
    options = result.options
    if simulated:
        yield (
            f"{real} calls were made by real processes; {simulated} were simulated, with times "
            f"drawn from\n{options['cold_samples']} cold and {options['warm_samples']} warm calls "
            "a function that were measured first, one at a time."
        )
    else:
        yield f"All {real} calls were made by real processes."
    if options["assumed"] is not None:
        yield (
            "Which call is cold was decided before the run, from assumed times; a call whose "
            "environment\nwas busy for longer has waited, and that is part of its latency."
        )
    longest = max((one.longest_queue_ms for one in digests), default=0.0)
    if longest >= 1:
        yield f"The longest wait for an environment to take a call was {_number(longest)} ms."
    if not simulated and max((one.most_environments for one in digests), default=0) > (
        result.machine.cores
    ):
        yield (
            f"More environments than the {result.machine.cores} cores of this machine were at "
            "work: where they start together\nthey slow each other, as they would not on a "
            "platform. --simulate always shows them undisturbed."
        )
    yield (
        f"Money: {result.memory_mb} MB, {prices.region} {prices.name}, list prices of "
        f"{prices.as_of} ({prices.source})."
    )
