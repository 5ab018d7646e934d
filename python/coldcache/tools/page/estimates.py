"""Tables of quantiles, each with the interval that the sample bounds it to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .figures import NO_BREAK, fine, thousands
from .lab import Estimate, Series
from .markup import Html, element

__all__ = ["estimate_table"]


def estimate_table(caption: str, groups: Mapping[str, Sequence[Series]]) -> Html:
    """The table; what has no value at all is left out.

    Args:
        caption: For those who cannot see where it stands.
        groups: Series by the name of what they are of, with the unit.
    """
    rows = [(name, one) for name, series in groups.items() for one in series if one.quantiles]
    names = list(rows[0][1].quantiles) if rows else []
    head = element(
        "tr",
        element("th", "figure", scope="col"),
        element("th", "n", scope="col", class_="n"),
        [element("th", name, scope="col", class_="n") for name in names],
    )
    body = [_row(name, one) for name, one in rows]
    table = element(
        "table",
        element("caption", caption, class_="vh"),
        element("thead", head),
        element("tbody", body),
        class_="estimates",
    )
    return element("div", table, class_="scroll", role="region", aria_label=caption, tabindex=0)


def _row(name: str, one: Series) -> Html:
    label = element("span", element("span", class_=f"swatch {one.style}"), one.label)
    return element(
        "tr",
        element("th", element("b", name), " ", label, scope="row"),
        element("td", element("span", "n", class_="role"), thousands(one.n), class_="n"),
        [_cell(at, estimate) for at, estimate in one.quantiles.items()],
    )


def _cell(name: str, one: Estimate) -> Html:
    return element(
        "td",
        element("span", name, class_="role"),
        element("b", fine(one.value)),
        element("small", _between(one)),
        class_="n",
    )


def _between(one: Estimate) -> str:
    if one.low is not None and one.high is not None:
        return f"{fine(one.low)} to {fine(one.high)}"
    if one.low is not None:
        return f"{fine(one.low)} or more"
    return f"{fine(one.high)} or less" if one.high is not None else f"no{NO_BREAK}bounds"
