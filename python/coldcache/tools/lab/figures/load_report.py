"""The figures of a load experiment for a reader: intervals, distributions, environments."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from coldcache.tools.lab.distribution_report import number, print_distributions, print_shape
from coldcache.tools.lab.load.rows import EnvironmentSpan, LoadResult, Row

from .load import TIMES, LoadFigures, draw_figures
from .plots import IDLE, INIT, WORKING, Stretch, scale, strip
from .proportion import Share
from .quantiles import SHARES, least_samples

__all__ = ["print_load_figures"]

_STRIPS = 16
_WIDEST_STRIP = 72
_TABLES = ("latency", "cold latency", "warm latency", "first byte", "init")


def print_load_figures(result: LoadResult, console: Console) -> None:
    """Print shares and quantiles with their intervals, and draw latencies and environments.

    Args:
        result: A finished or stopped experiment.
        console: Where to.
    """
    figures = draw_figures(result)
    if not result.rows:
        console.print(Text("no call was answered"), soft_wrap=True)
        return
    console.print(_shares(figures))
    for name in _TABLES:
        quantiles = {
            one.variant: (one.times_ms[name].n, one.times_ms[name].quantiles)
            for one in figures
            if one.times_ms[name].n
        }
        if quantiles:
            console.print()
            print_distributions(f"{name}, ms", quantiles, console)
    console.print()
    shapes = {
        f"{one.variant}, {kind}": [
            value
            for row in result.rows
            if (row.variant, row.kind) == (one.variant, kind)
            and (value := TIMES["latency"](row)) is not None
        ]
        for one in figures
        for kind in ("cold", "warm")
    }
    print_shape(shapes, console)
    for one in figures:
        _print_strips(one.variant, result, console)
    console.print()
    for note in _notes(figures):
        console.print(Text(note, style="dim"), soft_wrap=True)


def _shares(figures: Sequence[LoadFigures]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("")
    for one in figures:
        table.add_column(Text(one.variant), justify="right")
    lines: list[tuple[str, list[str]]] = [
        ("cold starts [95 %]", [_share(one.cold_share) for one in figures]),
        ("errors in startup [95 %]", [_share(one.startup_errors) for one in figures]),
        ("no good answer [95 %]", [_share(one.errors) for one in figures]),
        ("throttled [95 %]", [_share(one.throttled) for one in figures]),
        ("environments used", [str(one.environments_used) for one in figures]),
    ]
    for name, cells in lines:
        table.add_row(name, *(Text(cell) for cell in cells))
    return table


def _share(share: Share) -> str:
    if share.value is None:
        return "none"
    low, value, high = (f"{100 * it:.2g}" for it in (share.low, share.value, share.high))
    return f"{share.count:,}: {value} % [{low}, {high}]"


def _print_strips(variant: str, result: LoadResult, console: Console) -> None:
    """Draw the life of the environments that began first."""
    spans = [span for span in result.environments if span.variant == variant]
    if not spans:
        return
    until = max(span.ended_s for span in spans)
    margin = max(len(str(span.number)) for span in spans) + 2
    width = max(16, min(_WIDEST_STRIP, console.width - margin))
    console.print()
    console.print(
        Text(f"environments of {variant}: {INIT} starts, {WORKING} answers, {IDLE} waits"),
        soft_wrap=True,
    )
    for span in spans[:_STRIPS]:
        rows = [
            row for row in result.rows if (row.variant, row.environment) == (variant, span.number)
        ]
        drawn = strip(list(_stretches(span, rows)), until=until, width=width)
        label = str(span.number).rjust(margin - 2)
        console.print(Text(f"{label}  {drawn}"), soft_wrap=True)
    ends = scale("0 s", f"{number(until)} s", width=width)
    console.print(Text(" " * margin + ends, style="dim"), soft_wrap=True)
    if len(spans) > _STRIPS:
        text = f"and {len(spans) - _STRIPS} more that began later"
        console.print(Text(text, style="dim"), soft_wrap=True)


def _stretches(span: EnvironmentSpan, rows: Sequence[Row]) -> Iterator[Stretch]:
    yield span.began_s, span.ended_s, "idle"
    for row in rows:
        if row.handed_s is not None and row.answered_s is not None:
            yield row.handed_s, row.answered_s, "working"
    yield span.began_s, span.ended_s if span.ready_s is None else span.ready_s, "init"


def _notes(figures: Sequence[LoadFigures]) -> Iterator[str]:
    fewest = min(one.times_ms["latency"].n for one in figures)
    short = [name for name, share in SHARES.items() if least_samples(share) > fewest]
    if short:
        yield f"A dash stands for an end that the calls are too few to bound: {', '.join(short)}."
    yield (
        "Intervals take the calls as independent; calls of one burst are not, so repeat with "
        "other seeds before you rely on a narrow one."
    )
