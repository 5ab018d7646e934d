"""Before and after: each figure of both variants as bar, interval and one dot a sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from .figures import fine, ratio, thousands, times
from .markup import Html, element
from .outcome import ROLES, Judged, Measured, Metric, Spread

__all__ = ["comparison"]

_TITLES = {
    "init_ms": ("init", "from the start of the process to the first request for an event"),
    "first_answer_ms": ("first answer", "from the event to its answer"),
    "init_plus_first_ms": ("init + first answer", "what the first caller waits for"),
    "warm_answer_ms": ("warm answer", "the same event once more"),
    "peak_memory_mb": ("memory", "largest resident set"),
}
_NAMES = {"plain": "plain", "planned": "with the plan"}
_STATES = {"better": "deferred", "worse": "differs"}
"""The look of a verdict: that of an import which is deferred, or of an answer that differs."""

_LANE = 24
_SCALE_ROOM = 1.04
_JITTER = (0, -5, 5, -2, 3, -4, 2)


def comparison(
    measured: Measured,
    *,
    names: Mapping[str, str] = _NAMES,
    judged: Mapping[str, Judged] | None = None,
) -> Html:
    """The table of one event.

    Args:
        measured: Samples of both roles.
        names: What the roles are called.
        judged: Verdicts by figure, where there are any.
    """
    rows = [
        _row(metric, names, None if judged is None else judged.get(metric.name))
        for metric in _ordered(measured.metrics)
    ]
    rows.append(_modules(measured, names, has_verdicts=judged is not None))
    head = element(
        "tr",
        element("th", "figure", scope="col"),
        *(
            element(
                "th",
                element("span", class_=f"swatch {role}"),
                names[role],
                scope="col",
                class_="n",
            )
            for role in ROLES
        ),
        element("th", "ratio", scope="col", class_="n"),
        element("th", "verdict", scope="col") if judged is not None else None,
        element("th", element("span", "every sample", class_="vh"), scope="col", class_="bar"),
    )
    return element(
        "div",
        element(
            "table",
            element(
                "caption",
                f"{names['plain']} and {names['planned']} on {measured.event}",
                class_="vh",
            ),
            element("thead", head),
            element("tbody", rows),
            class_="compare",
        ),
        _samples(measured, names),
    )


def _ordered(metrics: Sequence[Metric]) -> list[Metric]:
    order = list(_TITLES)
    known = sorted(
        (it for it in metrics if it.name in _TITLES), key=lambda it: order.index(it.name)
    )
    return known + [it for it in metrics if it.name not in _TITLES]


def _title(name: str) -> tuple[str, str, str]:
    """What to call a figure, what it means, its unit."""
    stem, _, unit = name.rpartition("_")
    unit = {"ms": "ms", "mb": "MB"}.get(unit, "")
    title, meaning = _TITLES.get(name, ((stem if unit else name).replace("_", " "), ""))
    return title, meaning, unit


def _row(metric: Metric, names: Mapping[str, str], judged: Judged | None) -> Html:
    title, meaning, unit = _title(metric.name)
    cells = []
    for role in ROLES:
        spread = metric.spreads[role]
        between = element("small", f"{fine(spread.low)} to {fine(spread.high)}")
        number = element("b", f"{fine(spread.median)} {unit}".strip())
        label = element("span", names[role], class_=f"role {role}")
        cells.append(element("td", label, number, between, class_="n"))
    return element(
        "tr",
        element("th", title, [" ", element("small", meaning)] if meaning else None, scope="row"),
        cells,
        _ratio(metric.ratio),
        _verdict(judged, unit) if judged is not None else None,
        element("td", _bars(metric), class_="bar"),
    )


def _ratio(spread: Spread | None) -> Html:
    if spread is None:
        return element("td", class_="n ratio")
    between = element("small", f"{ratio(spread.low)} to {ratio(spread.high)}")
    number = element("b", times(spread.median))
    return element("td", element("span", "ratio", class_="role"), number, between, class_="n ratio")


def _verdict(judged: Judged, unit: str) -> Html:
    change = judged.difference
    sign = "+" if change.median > 0 else ""
    return element(
        "td",
        element("span", judged.verdict, class_=f"state {_STATES.get(judged.verdict, 'eager')}"),
        element("small", f"{sign}{fine(change.median)} {unit}".strip()),
        element("small", f"{fine(change.low)} to {fine(change.high)}"),
        class_="verdict",
    )


def _modules(measured: Measured, names: Mapping[str, str], *, has_verdicts: bool) -> Html:
    plain, planned = (measured.modules[role] for role in ROLES)
    cells = [
        element(
            "td",
            element("span", names[role], class_=f"role {role}"),
            element("b", thousands(measured.modules[role])),
            class_="n",
        )
        for role in ROLES
    ]
    quotient = planned / plain if plain else 1.0
    most = max(plain, planned, 1) * _SCALE_ROOM
    lanes = [_lane(place, role, measured.modules[role], most) for place, role in enumerate(ROLES)]
    return element(
        "tr",
        element("th", "modules ", element("small", "loaded with the first answer"), scope="row"),
        cells,
        element(
            "td",
            element("span", "ratio", class_="role"),
            element("b", times(quotient)),
            class_="n ratio",
        ),
        element("td", class_="verdict") if has_verdicts else None,
        element("td", _chart(lanes), class_="bar"),
    )


def _bars(metric: Metric) -> Html:
    values = [it.high for it in metric.spreads.values()]
    values += [value for samples in metric.samples.values() for value in samples]
    most = max([*values, 1e-9]) * _SCALE_ROOM
    parts: list[Html] = []
    for place, role in enumerate(ROLES):
        spread = metric.spreads[role]
        parts.append(_lane(place, role, spread.median, most))
        parts += _dots(metric.samples[role], place, role, most)
        parts += _interval(spread, place, most)
    return _chart(parts)


def _chart(parts: Sequence[Html]) -> Html:
    height = _LANE * len(ROLES)
    return element("svg", parts, class_="spread", width="100%", height=height, aria_hidden="true")


def _lane(place: int, role: str, value: float, most: float) -> Html:
    width = f"{100 * max(0.0, value) / most:.2f}%"
    return element("rect", x=0, y=place * _LANE + 3, width=width, height=_LANE - 6, class_=role)


def _dots(values: Sequence[float], place: int, role: str, most: float) -> Iterator[Html]:
    middle = place * _LANE + _LANE // 2
    for number, value in enumerate(values):
        at = middle + _JITTER[number % len(_JITTER)]
        yield element("circle", cx=f"{100 * value / most:.2f}%", cy=at, r=2.4, class_=f"dot {role}")


def _interval(spread: Spread, place: int, most: float) -> Iterator[Html]:
    top = place * _LANE + 3
    middle, bottom = place * _LANE + _LANE // 2, place * _LANE + _LANE - 3
    low, mid, high = (f"{100 * it / most:.2f}%" for it in (spread.low, spread.median, spread.high))
    yield element("line", x1=low, x2=high, y1=middle, y2=middle, class_="interval")
    yield element("line", x1=mid, x2=mid, y1=top, y2=bottom, class_="median")


def _samples(measured: Measured, names: Mapping[str, str]) -> Html | None:
    """All samples as numbers, for who cannot see the dots or wants to copy them."""
    rows = [
        element(
            "tr",
            element("th", f"{_title(metric.name)[0]}, {names[role]}", scope="row"),
            element("td", ", ".join(fine(value) for value in metric.samples[role])),
        )
        for metric in _ordered(measured.metrics)
        for role in ROLES
        if metric.samples[role]
    ]
    if not rows:
        return None
    table = element("table", element("tbody", rows), class_="samples")
    return element("details", element("summary", "Every sample as a number"), table, class_="fold")
