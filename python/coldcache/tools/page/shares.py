"""The roll-up: what each distribution costs, in time, in memory and on disk."""

from __future__ import annotations

from collections.abc import Sequence

from coldcache.tools.profile.distributions import Share

from .figures import megabytes, ms, thousands
from .markup import Content, Html, element
from .outcome import Distribution

__all__ = ["plan_shares", "profile_shares"]


def profile_shares(shares: Sequence[Share]) -> Html:
    """The table of a profile's distributions."""
    most = max((share.total_ms for share in shares), default=0.0)
    rows = []
    for share in shares:
        init_ms = share.self_ms.get("init", 0.0)
        rows.append(
            _row(
                share.name,
                share.version,
                _bar(share.total_ms, most),
                ms(init_ms),
                ms(share.total_ms - init_ms),
                thousands(share.modules),
                megabytes(share.resident_bytes),
                megabytes(share.disk_bytes),
            )
        )
    titles = ("init, ms", "calls, ms", "modules", "MB resident", "MB on disk")
    return _table("Distributions, own time of their modules", titles, rows)


def plan_shares(shares: Sequence[Distribution]) -> Html:
    """The table of an optimisation's distributions."""
    most = max((share.ms or 0.0 for share in shares), default=0.0)
    rows = [
        _row(
            share.name,
            share.version,
            _bar(share.ms or 0.0, most),
            "" if share.ms is None else ms(share.ms),
            _modules(share.modules),
            _modules(share.modules_planned),
            "" if share.mb is None else f"{share.mb:.1f}",
            "" if share.disk_mb is None else f"{share.disk_mb:.1f}",
        )
        for share in sorted(shares, key=lambda it: -(it.ms or 0.0))
    ]
    titles = ("plain, ms", "modules", "with the plan", "MB resident", "MB on disk")
    return _table("Distributions, own time of their modules", titles, rows)


def _modules(value: int | None) -> str:
    return "" if value is None else thousands(value)


def _bar(value: float, most: float) -> Html:
    width = f"{100 * max(0.0, value) / most:.2f}%" if most > 0 else "0"
    bar = element("rect", width=width, height=10)
    return element("svg", bar, class_="mini", width="100%", height=10, aria_hidden="true")


def _row(name: str, version: str, bar: Html, *numbers: str) -> Html:
    label: list[Content] = [name]
    if version:
        label += [" ", element("small", version)]
    return element(
        "tr",
        element("th", label, scope="row", class_="name"),
        element("td", bar, class_="bar"),
        [element("td", number, class_="n") for number in numbers],
    )


def _table(caption: str, titles: Sequence[str], rows: Sequence[Html]) -> Html:
    head = element(
        "tr",
        element("th", "distribution", scope="col", class_="name"),
        element("td", class_="bar"),
        [element("th", title, scope="col", class_="n") for title in titles],
    )
    table = element(
        "table",
        element("caption", caption, class_="vh"),
        element("thead", head),
        element("tbody", rows),
        class_="shares",
    )
    region = element("div", table, class_="scroll", role="region", aria_label=caption, tabindex=0)
    return element("div", region, class_="sortable")
