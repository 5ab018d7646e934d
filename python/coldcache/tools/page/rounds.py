"""One cold start after the other: a bar each, in the order in which they were taken."""

from __future__ import annotations

from collections.abc import Sequence

from .figures import ms
from .lab import Series
from .markup import Html, element

__all__ = ["rounds"]

_HEIGHT = 64
_MOST_BARS = 400


def rounds(init: Sequence[Series], whole: Sequence[Series]) -> Html:
    """A lane for each function.

    Args:
        init: The part of each start before its first request for an event.
        whole: All of it, in the same order.
    """
    most = max([value for one in whole for value in one.values] + [1e-9])
    lanes = [
        element(
            "div",
            element("span", element("span", class_=f"swatch {one.style}"), one.label),
            _bars(first.values, one.values, most, one.style),
            class_="histogram",
        )
        for first, one in zip(init, whole, strict=True)
    ]
    note = element("p", f"The scale ends at {ms(most)} ms.", class_="note")
    return element("div", lanes, note, class_="distribution")


def _bars(init: Sequence[float], whole: Sequence[float], most: float, style: str) -> Html:
    shown = list(zip(init, whole, strict=True))[:_MOST_BARS]
    width = 100 / max(len(shown), 1)
    drawn = []
    for place, (first, all_of_it) in enumerate(shown):
        for value, base, class_ in ((first, 0.0, None), (all_of_it - first, first, "own")):
            height = _HEIGHT * value / most
            drawn.append(
                element(
                    "rect",
                    x=f"{place * width:.3f}%",
                    y=f"{_HEIGHT - _HEIGHT * base / most - height:.1f}",
                    width=f"{width * 0.85:.3f}%",
                    height=f"{height:.2f}",
                    class_=class_,
                )
            )
    return element(
        "svg", drawn, width="100%", height=_HEIGHT, aria_hidden="true", class_=f"bars {style}"
    )
