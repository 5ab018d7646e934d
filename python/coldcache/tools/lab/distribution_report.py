"""The distributions for a reader: quantiles with their intervals, histogram and ECDF as blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .figures.plots import ecdf, histogram, scale
from .figures.quantiles import SHARES, Estimate, least_samples, quantile

__all__ = ["number", "print_distributions", "print_shape", "unbounded_note"]

_WIDEST = 64
# Beyond this quantile a far outlier would press all others into one column.
_VISIBLE = 0.98


def print_distributions(
    title: str, quantiles: Mapping[str, tuple[int, Mapping[str, Estimate]]], console: Console
) -> None:
    """Print the quantiles of several samples as one table.

    Args:
        title: What they are of, with the unit.
        quantiles: By the name of the sample: how many values, and the quantiles by name.
        console: Where to.
    """
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    table.add_column("")
    table.add_column("n", justify="right", no_wrap=True)
    for name in SHARES:
        table.add_column(f"{name} [95 %]", justify="right", no_wrap=True)
    for label, (n, found) in quantiles.items():
        table.add_row(Text(label), str(n), *(_bounded(found[name]) for name in SHARES))
    console.print(table)


def print_shape(samples: Mapping[str, Sequence[float]], console: Console) -> None:
    """Draw histogram and ECDF of several samples on one scale.

    Args:
        samples: Values by name; those without any are left out.
        console: Where to.
    """
    samples = {label: values for label, values in samples.items() if values}
    if not samples:
        return
    low = min(min(values) for values in samples.values())
    # Short of the far tail, but never short of a whole sample.
    high = max(quantile(values, _VISIBLE) for values in samples.values())
    margin = max(len(label) for label in samples) + 2
    width = max(16, min(_WIDEST, console.width - margin - 8))
    for label, values in samples.items():
        drawn = [
            *histogram(values, low=low, high=high, width=width),
            *ecdf(values, low=low, high=high, width=width),
        ]
        names = [label, "", "1", "", "", "0"]
        for place, (name, line) in enumerate(zip(names, drawn, strict=True)):
            left = name.ljust(margin) if place == 0 else name.rjust(margin - 1) + " "
            console.print(Text(left + line), soft_wrap=True)
    ends = scale(number(low), number(high), width=width)
    console.print(Text(" " * margin + ends, style="dim"), soft_wrap=True)


def unbounded_note(n: int) -> Iterator[str]:
    """Say which quantiles *n* samples leave open, and how many would bound them."""
    short = {name: least for name, share in SHARES.items() if (least := least_samples(share)) > n}
    if short:
        needs = ", ".join(f"{name} {least:,}" for name, least in short.items())
        yield (
            f"A dash stands for an end that n = {n} samples cannot bound; "
            f"both ends need this many: {needs}."
        )


def number(value: float) -> str:
    """Three or more significant digits, without noise behind the point."""
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _bounded(one: Estimate) -> str:
    ends = ("-" if end is None else number(end) for end in (one.low, one.high))
    return f"{number(one.value)} [{', '.join(ends)}]"
