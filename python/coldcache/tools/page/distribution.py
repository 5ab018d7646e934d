"""How values are spread: a histogram a sample, and the ECDFs of all on the same scale.

The drawings repeat what the tables of quantiles say.
"""

from __future__ import annotations

from collections.abc import Sequence

from .figures import count, ms
from .lab import Series
from .markup import Html, element
from .ticks import ticks

__all__ = ["distribution"]

_BINS = 48
_MOST_POINTS = 400
_UNITS = 1000
_HISTOGRAM = 44
_ECDF = 150
# The far tail would press all others into one corner; it is told in words instead.
_TAIL_SHARE = 0.98
_TAIL_FACTOR = 2.0


def distribution(series: Sequence[Series], unit: str) -> Html | None:
    """The drawing; nothing where there are no values.

    Args:
        series: On one scale.
        unit: Of the scale.
    """
    series = [one for one in series if one.values]
    if not series:
        return None
    low, high = _ends(series)
    histograms = [
        element(
            "div",
            element("span", element("span", class_=f"swatch {one.style}"), one.label),
            _histogram(one, low, high),
            class_="histogram",
        )
        for one in series
    ]
    beyond = sum(value > high for one in series for value in one.values)
    note = f"{count(beyond, 'value')} beyond the right edge." if beyond else None
    return element(
        "div",
        histograms,
        _ecdfs(series, low, high),
        _scale(low, high, unit),
        element("p", note, class_="note") if note else None,
        class_="distribution",
    )


def _ends(series: Sequence[Series]) -> tuple[float, float]:
    low = min(min(one.values) for one in series)
    most = max(max(one.values) for one in series)
    usual = max(sorted(one.values)[int(_TAIL_SHARE * (len(one.values) - 1))] for one in series)
    high = most if most - low <= _TAIL_FACTOR * (usual - low) else usual
    return (low, high) if high > low else (low * 0.99, low * 1.01 + 1e-9)


def _place(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low)


def _histogram(one: Series, low: float, high: float) -> Html:
    counts = [0] * _BINS
    for value in one.values:
        if value <= high:
            counts[min(int(_place(value, low, high) * _BINS), _BINS - 1)] += 1
    most = max(counts)
    width = 100 / _BINS
    bars = [
        element(
            "rect",
            x=f"{place * width:.3f}%",
            y=f"{_HISTOGRAM * (1 - number / most):.1f}",
            width=f"{width * 0.92:.3f}%",
            height=f"{_HISTOGRAM * number / most:.1f}",
        )
        for place, number in enumerate(counts)
        if number
    ]
    return element(
        "svg", bars, width="100%", height=_HISTOGRAM, aria_hidden="true", class_=f"bars {one.style}"
    )


def _ecdfs(series: Sequence[Series], low: float, high: float) -> Html:
    """A line a sample; dashes tell them apart where colours do not."""
    lines = [
        element("path", d=_steps(one.values, low, high), class_=f"ecdf {one.style} dash{place % 4}")
        for place, one in enumerate(series)
    ]
    grid = [
        element("path", d=f"M0 {_ECDF * (1 - share):.1f}H{_UNITS}", class_="tick")
        for share in (0, 0.5, 0.9, 1)
    ]
    plot = element(
        "svg",
        grid,
        lines,
        viewBox=f"0 -2 {_UNITS} {_ECDF + 4}",
        preserveAspectRatio="none",
        width="100%",
        height=_ECDF + 4,
    )
    names = [
        element("text", text, x=0, y=f"{_ECDF * (1 - share) + offset:.1f}")
        for share, text, offset in ((1, "100 %", 13), (0.5, "50 %", -4))
    ]
    words = element("svg", names, width="100%", height=_ECDF + 4, class_="over")
    return element("div", plot, words, class_="ecdfs", aria_hidden="true")


def _steps(values: Sequence[float], low: float, high: float) -> Html:
    ordered = sorted(values)
    every = max(1, len(ordered) // _MOST_POINTS)
    parts = [f"M0 {_ECDF}"]
    for rank, value in enumerate(ordered, start=1):
        if value > high:
            break
        if rank % every == 0 or rank == len(ordered):
            x = _place(value, low, high) * _UNITS
            parts.append(f"H{x:.1f}V{_ECDF * (1 - rank / len(ordered)):.1f}")
    return Html("".join([*parts, f"H{_UNITS}"]))  # numbers only, and longer than any name


def _scale(low: float, high: float, unit: str) -> Html:
    found = ticks(low, high, most=5)
    texts = [
        element(
            "text",
            f"{_round(value)} {unit}" if place == len(found) - 1 else _round(value),
            x=f"{100 * _place(value, low, high):.2f}%",
            y=14,
            class_=_anchor(_place(value, low, high)),
        )
        for place, value in enumerate(found)
    ]
    return element("svg", texts, width="100%", height=18, aria_hidden="true", class_="scale")


def _round(value: float) -> str:
    return f"{value:g}" if abs(value) < 1e6 else ms(value)


def _anchor(place: float) -> str | None:
    return "first" if place < 0.05 else "last" if place > 0.85 else None
