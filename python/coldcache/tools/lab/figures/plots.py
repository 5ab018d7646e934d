"""Drawings in block characters: how values are spread, and when environments worked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal

__all__ = ["IDLE", "INIT", "WORKING", "Stretch", "blocks", "ecdf", "histogram", "scale", "strip"]

_EIGHTHS = " ▁▂▃▄▅▆▇█"

INIT, WORKING, IDLE = "▓", "█", "░"
"""How a strip shows an environment that starts, answers, and waits."""

Stretch = tuple[float, float, Literal["init", "working", "idle"]]
"""A part of an environment's life: from when to when, in seconds, and what it did."""

_SHADES: Mapping[str, str] = {"init": INIT, "working": WORKING, "idle": IDLE}
# What is drawn where a column holds several: the start is what one looks for.
_RANK = (" ", IDLE, WORKING, INIT)


def blocks(heights: Sequence[float], *, rows: int) -> list[str]:
    """Columns of the given heights, as lines from top to bottom.

    Args:
        heights: From 0 to 1, one a column. What is above zero is drawn, however small.
        rows: Lines to draw on; each shows eight steps.
    """
    steps = [max(1 if height > 0 else 0, round(height * rows * 8)) for height in heights]
    return [
        "".join(_EIGHTHS[min(max(step - 8 * row, 0), 8)] for step in steps)
        for row in reversed(range(rows))
    ]


def histogram(
    values: Sequence[float], *, low: float, high: float, width: int, rows: int = 2
) -> list[str]:
    """How many values fall into each column, as high as the fullest one.

    Args:
        values: At least one number; those outside of *low* and *high* count at the ends.
        low: What the left edge stands for.
        high: What the right edge stands for.
        width: Columns.
        rows: Lines.
    """
    counts = [0] * width
    for value in values:
        counts[_column(value, low, high, width)] += 1
    return blocks([count / max(counts) for count in counts], rows=rows)


def ecdf(
    values: Sequence[float], *, low: float, high: float, width: int, rows: int = 4
) -> list[str]:
    """Which share of the values lies at or below each column's right edge.

    Args:
        values: At least one number.
        low: What the left edge stands for.
        high: What the right edge stands for.
        width: Columns.
        rows: Lines; the top of them is the share 1.
    """
    counts = [0] * width
    for value in values:
        counts[_column(value, low, high, width)] += 1
    total, shares = 0, []
    for count in counts:
        total += count
        shares.append(total / len(values))
    return blocks(shares, rows=rows)


def scale(low: str, high: str, *, width: int) -> str:
    """The line below a drawing: what its edges stand for."""
    return low + high.rjust(max(width - len(low), len(high) + 1))


def strip(stretches: Sequence[Stretch], *, until: float, width: int) -> str:
    """The life of one environment, from 0 to *until* seconds.

    A start is never lost between columns: it is drawn over what else the column holds.
    """
    drawn = [" "] * width
    for began, ended, doing in stretches:
        shade = _SHADES[doing]
        first = _column(began, 0.0, until, width)
        last = max(first, _column(ended, 0.0, until, width))
        for place in range(first, last + 1):
            if _RANK.index(shade) > _RANK.index(drawn[place]):
                drawn[place] = shade
    return "".join(drawn).rstrip()


def _column(value: float, low: float, high: float, width: int) -> int:
    span = high - low
    if span <= 0 or not math.isfinite(span):
        return 0
    return min(max(int((value - low) / span * width), 0), width - 1)
