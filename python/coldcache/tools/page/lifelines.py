"""When environments lived: a line each, with its cold start, its answers, and its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .figures import count, thousands
from .load import Life
from .markup import Html, element
from .ticks import ticks

__all__ = ["lifelines"]

_LANE = 12
_MOST_LANES = 80
_MOST_ROWS = 400
_LEAST_SHARE = 0.0008
"""What is narrower would not be seen; answers so near to each other are drawn as one."""


def lifelines(lives: Sequence[Life], style: str, caption: str) -> Html:
    """The drawing, and the same as a table to unfold.

    Args:
        lives: Of one variant, in the order of their starts.
        style: The name of its colour.
        caption: Of the table.
    """
    until = max([life.ended_s for life in lives] + [1e-9])
    shown = lives[:_MOST_LANES]
    drawn = [_lane(life, place, until) for place, life in enumerate(shown)]
    height = _LANE * len(shown)
    chart = element(
        "svg",
        drawn,
        width="100%",
        height=height,
        class_=f"lives {style}",
        aria_hidden="true",
    )
    parts = [chart, _scale(until)]
    if len(lives) > len(shown):
        more = f"{count(len(lives) - len(shown), 'environment')} that began later are not drawn."
        parts.append(element("p", more, class_="note"))
    return element("div", parts, _table(lives, caption), class_="timeline")


def _lane(life: Life, place: int, until: float) -> list[Html]:
    top = place * _LANE

    def bar(began: float, ended: float, class_: str, inset: int) -> Html:
        left, right = (min(max(it / until, 0.0), 1.0) for it in (began, ended))
        width = max(right - left, _LEAST_SHARE)
        return element(
            "rect",
            x=f"{100 * left:.3f}%",
            y=top + inset,
            width=f"{100 * width:.3f}%",
            height=_LANE - 2 * inset,
            class_=class_,
        )

    drawn = [bar(life.began_s, life.ended_s, "waits", 5)]
    drawn += [
        bar(began, ended, "works" if is_good else "fails", 3)
        for began, ended, is_good in _joined(life.answers, until)
    ]
    ready_s = life.ended_s if life.ready_s is None else life.ready_s
    drawn.append(bar(life.began_s, ready_s, "starts", 1))
    at = f"{100 * min(max(life.began_s / until, 0.0), 1.0):.3f}%"
    drawn.append(element("circle", cx=at, cy=top + _LANE // 2, r=3, class_="start"))
    return drawn


def _joined(
    answers: Sequence[tuple[float, float, bool]], until: float
) -> Iterator[tuple[float, float, bool]]:
    """Answers that would touch each other as one."""
    current: tuple[float, float, bool] | None = None
    for began, ended, is_good in answers:
        if (
            current is not None
            and is_good is current[2]
            and began - current[1] < _LEAST_SHARE * until
        ):
            current = (current[0], max(ended, current[1]), is_good)
            continue
        if current is not None:
            yield current
        current = (began, ended, is_good)
    if current is not None:
        yield current


def _scale(until: float) -> Html:
    found = ticks(0.0, until, most=5)
    texts = [
        element(
            "text",
            f"{value:g} s" if place == len(found) - 1 else f"{value:g}",
            x=f"{100 * value / until:.2f}%",
            y=14,
            class_="first" if place == 0 else "last" if value / until > 0.85 else None,
        )
        for place, value in enumerate(found)
    ]
    return element("svg", texts, width="100%", height=18, aria_hidden="true", class_="scale")


def _table(lives: Sequence[Life], caption: str) -> Html:
    titles = ("began, s", "init, ms", "ended, s", "calls")
    head = element(
        "tr",
        element("th", "environment", scope="col"),
        [element("th", title, scope="col", class_="n") for title in titles],
        element("th", "end", scope="col"),
    )
    rows = [
        element(
            "tr",
            element("th", thousands(life.number), scope="row"),
            [
                element("td", cell, class_="n")
                for cell in (
                    f"{life.began_s:.2f}",
                    "" if life.ready_s is None else f"{(life.ready_s - life.began_s) * 1e3:.0f}",
                    f"{life.ended_s:.2f}",
                    thousands(life.calls),
                )
            ],
            element("td", life.end_reason),
        )
        for life in lives[:_MOST_ROWS]
    ]
    table = element(
        "table",
        element("caption", caption, class_="vh"),
        element("thead", head),
        element("tbody", rows),
    )
    region = element("div", table, class_="scroll", role="region", aria_label=caption, tabindex=0)
    left_out = len(lives) - len(rows)
    more = f"The first {thousands(len(rows))} of {thousands(len(lives))}." if left_out else None
    return element(
        "details",
        element("summary", "Every environment as numbers"),
        region,
        element("p", more, class_="note") if more else None,
        class_="fold",
    )
