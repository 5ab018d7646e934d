"""The table of edges: every import statement that was looked at, and what became of it.

``table.js`` sorts and filters it.
"""

from __future__ import annotations

from collections.abc import Sequence

from .figures import count, ms
from .markup import Html, element
from .outcome import Edge
from .packages import shortened

__all__ = ["edge_table"]

_MANY = 800
"""From here on the rows are laid out when they come into view."""

_USES = ("never", "init", "first call")


def edge_table(edges: Sequence[Edge]) -> Html:
    """The table, most expensive first, with its tools."""
    ordered = sorted(edges, key=lambda it: (it.ms is None, -(it.ms or 0.0), it.importer, it.edge))
    head = element(
        "tr",
        element("th", "statement", scope="col", class_="name"),
        element("th", "state", scope="col"),
        element("th", "ms", scope="col", class_="n", data_numbers=True),
        element("th", "used", scope="col"),
        element("th", "why", scope="col"),
    )
    table = element(
        "table",
        element("caption", "Import statements, deferred and eager", class_="vh"),
        element("thead", head),
        element("tbody", [_row(edge) for edge in ordered]),
        class_="edges",
    )
    region = element(
        "div",
        table,
        class_="scroll late" if len(edges) > _MANY else "scroll",
        role="region",
        aria_label="Import statements",
        tabindex=0,
    )
    return element("div", _tools(edges), region, class_="sortable")


def _row(edge: Edge) -> Html:
    line = "" if edge.line is None else f", line {edge.line}"
    by = [" by ", element("code", shortened(edge.used_by))] if edge.used_by else None
    return element(
        "tr",
        element(
            "th",
            element("code", edge.statement),
            " ",
            element("small", "in ", element("code", edge.importer), line),
            scope="row",
            class_="name",
        ),
        element("td", element("span", edge.state, class_=f"state {_style(edge.state)}")),
        element("td", "" if edge.ms is None else ms(edge.ms), class_="n"),
        element("td", _use(edge.used), by),
        element("td", edge.reason),
        data_state=edge.state,
        data_used=edge.used or "unknown",
    )


def _style(state: str) -> str:
    return "deferred" if state == "deferred" else "eager"


def _use(used: str) -> str:
    return {"never": "never", "init": "during init", "first call": "in the first call"}.get(
        used, used or "not known"
    )


def _tools(edges: Sequence[Edge]) -> Html:
    states = sorted({edge.state for edge in edges})
    return element(
        "div",
        element("label", "Filter ", element("input", type="search", class_="filter-text")),
        _choice("state", "any state", states),
        _choice("used", "used or not", [*_USES, "unknown"]),
        element("output", count(len(edges), "statement"), class_="filter-found"),
        class_="tools",
        hidden=True,
    )


def _choice(name: str, anything: str, values: Sequence[str]) -> Html:
    options = [element("option", anything, value="")]
    options += [element("option", value, value=value) for value in values]
    return element("select", options, class_="filter-choice", name=name, aria_label=name)
