"""The waterfall: the longest imports as a table, each with a bar on the common clock.

The table is the text alternative of the bars and of the flame graph. ``waterfall.js`` unfolds
imports that have no row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from coldcache.tools.profile.record import Import, Phase
from coldcache.tools.profile.tree import Tree, TreeRow

from .figures import count, megabytes, ms, thousands
from .flame import Frame
from .markup import Content, Html, element
from .packages import Packages
from .ticks import ticks
from .traces import PHASES, Trace

__all__ = ["waterfall"]

_ROWS = 45
_ROWS_OF_CALLS = 15
_DEEPEST = 12
_USUAL = frozenset({"bytecode", "extension", "builtin", "frozen", "unknown"})
_UNITS = 1000
"""Width of a bar's drawing; per mille of the clock."""


class _Clock:
    """Where a moment is between spawn and the end of the last call."""

    def __init__(self, trace: Trace) -> None:
        ends = [one.end_ns for one in trace.imports] or [1]
        begins = [one.start_ns for one in trace.imports] or [0]
        called_ms = (trace.init_ms or 0.0) + sum(trace.call_ms)
        self.zero_ns = 0 if trace.init_ms is not None else min(begins)
        self.span_ns = max(round(called_ms * 1e6), max(ends) - self.zero_ns, 1)

    def place(self, moment_ns: float) -> float:
        """A moment in units of the drawing."""
        return min(max((moment_ns - self.zero_ns) / self.span_ns, 0.0), 1.0) * _UNITS

    def ticks_ms(self) -> list[float]:
        """Round numbers of milliseconds, not too many."""
        return ticks(0.0, self.span_ns / 1e6)


def waterfall(trace: Trace, packages: Packages, found: Sequence[Frame], *, name: str) -> Html:
    """The table.

    Args:
        trace: What to show.
        packages: The colours.
        found: The frames of the flame graph; a row names its frame to the script.
        name: Part of the ids of its elements, unique on the page.
    """
    clock = _Clock(trace)
    grid = f"{name}-grid"
    bodies = [
        _body(trace, phase, _Rows(packages, clock, grid, found))
        for phase in PHASES
        if trace.during(phase).imports
    ]
    head = element(
        "tr",
        element("th", "module", scope="col", class_="name"),
        element("th", "total, ms", scope="col", class_="n"),
        element("th", "own, ms", scope="col", class_="n"),
        element("th", "MB", scope="col", class_="n mb"),
        element("th", _axis(clock, trace, grid), scope="col", class_="bar"),
        element("th", "asked for at", scope="col", class_="place"),
    )
    return element(
        "table",
        element("caption", "Imports in the order in which they began", class_="vh"),
        element("thead", head),
        bodies,
        class_="waterfall" if trace.init_ms is not None else "waterfall lean",
        data_zero=clock.zero_ns // 1000,
        data_span=clock.span_ns // 1000,
        data_grid=grid,
    )


def _body(trace: Trace, phase: Phase, rows: _Rows) -> Html:
    tree = trace.during(phase)
    top = tree.top(_ROWS if phase == "init" else _ROWS_OF_CALLS)
    left_out = {row.depth: row for row in top if row.one is None and row.depth == 0}
    took = sum(one.total_ns for one in tree.roots) / 1e6
    title = "all" if trace.init_ms is None else phase
    text = f"{title}: {count(trace.loaded(phase), 'module')}, {ms(took)} ms of imports"
    heading = element(
        "tr",
        element("th", text, _more(left_out.get(0), text), colspan=6, scope="rowgroup"),
        class_="phase",
        data_frame=rows.root("imports" if trace.init_ms is None else phase),
        data_depth=-1,
    )
    return element("tbody", heading, list(rows.of(top, tree)))


def _more(row: TreeRow | None, where: str) -> Html | None:
    """How many imports inside one have no row; the script turns it into a button."""
    if row is None:
        return None
    title = f"{count(row.left_out, 'more import')} in {where}, {ms(row.left_out_ns / 1e6)} ms"
    return element("span", f"+{thousands(row.left_out)}", class_="more", title=title)


class _Rows:
    """Makes the rows of one table."""

    def __init__(
        self, packages: Packages, clock: _Clock, grid: str, found: Sequence[Frame]
    ) -> None:
        self._packages = packages
        self._clock = clock
        self._grid = grid
        self._numbers = {it.one.id: place for place, it in enumerate(found) if it.one is not None}
        self._roots = {it.name: place for place, it in enumerate(found) if it.depth == 0}

    def root(self, phase: str) -> int | None:
        """Number of the frame that stands for a phase."""
        return self._roots.get(phase)

    def of(self, top: Sequence[TreeRow], tree: Tree) -> Iterator[Html]:
        """One row for each import of *top*; those left out are told of in the row they are in."""
        path: list[int] = []
        left_out: dict[int, TreeRow] = {}
        for row in top:
            del path[row.depth :]
            if row.one is not None:
                path.append(row.one.id)
            elif path:
                left_out[path[-1]] = row
        for row in top:
            if row.one is not None:
                yield self._import(row.one, row.depth, tree, left_out.get(row.one.id))

    def _import(self, one: Import, depth: int, tree: Tree, left_out: TreeRow | None) -> Html:
        kind = one.kind if one.error is None else f"{one.kind}: {one.error}"
        note = None if kind in _USUAL else [" ", element("small", kind)]
        style = self._packages.group(one).style
        place = self._packages.place(one.asked_file, one.asked_line)
        return element(
            "tr",
            element(
                "th",
                element("span", element("code", one.name), note, _more(left_out, one.name)),
                scope="row",
                class_=f"name d{min(depth, _DEEPEST)}",
            ),
            element("td", ms(one.total_ns / 1e6), class_="n total"),
            element("td", ms(one.self_ns / 1e6), class_="n own"),
            element("td", megabytes(one.resident_bytes), class_="n mb"),
            element("td", self._bar(one, style, tree), class_="bar"),
            element("td", element("code", place), class_="place"),
            data_frame=self._numbers.get(one.id),
            data_depth=depth,
        )

    def _bar(self, one: Import, style: str, tree: Tree) -> Html:
        begin, end = self._clock.place(one.start_ns), self._clock.place(one.end_ns)
        parts: list[Content] = [
            element("use", href=f"#{self._grid}"),
            element("path", d=_box(begin, max(end, begin + 1)), class_="all"),
        ]
        own = "".join(_box(*part) for part in self._own(one, tree))
        parts.append(element("path", d=own or _box(begin, begin + 1), class_="own"))
        return element("svg", parts, class_=f"b {style}", **_drawing())

    def _own(self, one: Import, tree: Tree) -> Iterator[tuple[float, float]]:
        """The stretches in which no import inside it was under way."""
        until = one.start_ns
        for inner in sorted(tree.inside(one), key=lambda it: it.start_ns):
            if inner.start_ns > until:
                yield from self._visible(until, inner.start_ns)
            until = max(until, inner.end_ns)
        if one.end_ns > until:
            yield from self._visible(until, one.end_ns)

    def _visible(self, begin_ns: int, end_ns: int) -> Iterator[tuple[float, float]]:
        begin, end = self._clock.place(begin_ns), self._clock.place(end_ns)
        if end - begin >= 0.2:
            yield begin, end


def _axis(clock: _Clock, trace: Trace, grid: str) -> list[Html]:
    """The scale in the head of the table, and the lines that every bar repeats."""
    ticks = [(tick, clock.place(clock.zero_ns + tick * 1e6)) for tick in clock.ticks_ms()]
    lines = [element("path", d=f"M{at:.1f} 0V20", class_="tick") for _, at in ticks]
    if trace.init_ms is not None and trace.call_ms:
        end = clock.place(trace.init_ms * 1e6)
        lines.append(element("path", d=f"M{end:.1f} 0V20", class_="mark"))
    labels = [
        element("text", f"{tick:g}", x=f"{at / 10:.2f}%", y=12, class_=_anchor(at))
        for tick, at in ticks
    ]
    symbol = element(
        "svg",
        element("defs", element("g", lines, id=grid)),
        class_="vh",
        aria_hidden="true",
    )
    scale = element("svg", labels, class_="scale", width="100%", height=16, aria_hidden="true")
    since = "the process was started" if trace.init_ms is not None else "the first import began"
    return [element("span", f"ms since {since}", class_="unit"), symbol, scale]


def _drawing() -> dict[str, str]:
    return {
        "viewBox": f"0 0 {_UNITS} 20",
        "preserveAspectRatio": "none",
        "aria_hidden": "true",
    }


def _anchor(at: float) -> str:
    return "first" if at < 20 else "last" if at > _UNITS - 20 else ""


def _box(begin: float, end: float) -> str:
    return f"M{begin:.1f} 4H{end:.1f}V16H{begin:.1f}z"
