"""The flame graph: every import as wide as it took, below the one that it was inside of.

Drawn here as far as it can be seen at full width; ``flame.js`` draws it anew when zoomed into. All
lengths across are in per cent, so that it fits a page of any width without a script.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coldcache.tools.profile.record import Import, Phase
from coldcache.tools.profile.tree import Tree

from .figures import count, ms
from .markup import Html, clean, element, inline_json
from .packages import IDLE, Packages
from .traces import PHASES, Trace

__all__ = ["Frame", "flame_graph", "frames"]

ROW = 22
"""Height of a row in pixels, the gap below it included; ``flame.js`` reads it from the page."""

_SMALLEST = 0.0015
_MOST = 800
_LABELLED = 0.025
_MICRO = 1000


@dataclass
class Frame:
    """A rectangle of the graph; times in microseconds.

    Attributes:
        name: What it is.
        width_us: What it took.
        style: Class of its colour.
        parent: Number of the frame above it.
        depth: Rows above it.
        left_us: Where it begins; what took place before it in its parent is to its left.
        one: The import, unless it stands for something else.
    """

    name: str
    width_us: int
    style: str
    parent: int | None = None
    depth: int = 0
    left_us: int = 0
    one: Import | None = None


def frames(trace: Trace, packages: Packages) -> list[Frame]:
    """All frames, each after the one it is in."""
    found: list[Frame] = []
    left_us = 0
    for phase in PHASES:
        tree = trace.during(phase)
        wall_us = _wall_us(trace, phase)
        if wall_us or tree.imports:
            root = Frame(_title(trace, phase), 0, IDLE, left_us=left_us)
            found.append(root)
            _fill(found, len(found) - 1, tree, packages, trace.start_ms if phase == "init" else 0)
            root.width_us = max(wall_us, _filled_until(found, root))
            left_us += root.width_us
    return found


def flame_graph(trace: Trace, found: Sequence[Frame], packages: Packages, *, name: str) -> Html:
    """The graph with its tools.

    Args:
        trace: What it is of.
        found: Its frames.
        packages: The colours.
        name: Part of the ids of its elements, unique on the page.
    """
    whole_us = sum(frame.width_us for frame in found if frame.depth == 0) or 1
    height = ROW * (1 + max((frame.depth for frame in found), default=0))
    label = (
        f"Flame graph of {count(len(trace.imports), 'import')}. "
        "The tables of this page have the same figures."
    )
    graph = element(
        "svg",
        list(_drawn(found, whole_us)),
        class_="flame-graph",
        width="100%",
        height=height,
        data_row=ROW,
        role="img",
        aria_label=label,
    )
    return element(
        "div",
        _tools(name),
        element("div", graph, class_="flame-view"),
        element("p", "Nothing is chosen.", class_="flame-detail", hidden=True),
        element(
            "script",
            inline_json(_data(found, packages)),
            type="application/json",
            class_="flame-data",
        ),
        class_="flame",
    )


def _tools(name: str) -> Html:
    """What works with a script only, and is shown by it."""
    return element(
        "div",
        element("label", "Find a module ", for_=f"{name}-find"),
        element(
            "input",
            id=f"{name}-find",
            type="search",
            class_="flame-find",
            autocomplete="off",
            spellcheck="false",
            placeholder="numpy, pandas.core …",
        ),
        element("button", "Whole graph", type="button", class_="flame-whole"),
        element("output", class_="flame-found", for_=f"{name}-find"),
        element(
            "p",
            "Click or Enter zooms in, Escape zooms out; the arrow keys move through the graph. "
            "Enter in the search field goes to the next match.",
            id=f"{name}-keys",
            class_="hint",
        ),
        class_="tools",
        hidden=True,
    )


def _title(trace: Trace, phase: Phase) -> str:
    if trace.init_ms is None:
        return "imports"
    return phase


def _wall_us(trace: Trace, phase: Phase) -> int:
    if trace.init_ms is None:
        return 0
    calls = {"first call": trace.call_ms[:1], "later calls": trace.call_ms[1:]}
    return round(_MICRO * (trace.init_ms if phase == "init" else sum(calls[phase])))


def _fill(found: list[Frame], root: int, tree: Tree, packages: Packages, start_ms: float) -> None:
    """Add what is inside a phase: the interpreter's start, then imports, each below its parent."""
    next_us = found[root].left_us
    if start_ms:
        width_us = round(start_ms * _MICRO)
        found.append(Frame("interpreter start", width_us, IDLE, root, 1, next_us))
        next_us += width_us
    pending: list[tuple[int, Sequence[Import], int]] = [(root, tree.roots, next_us)]
    while pending:
        parent, imports, left_us = pending.pop()
        for one in imports:
            width_us = max(0, one.total_ns) // _MICRO
            style = packages.group(one).style
            depth = found[parent].depth + 1
            found.append(Frame(one.name, width_us, style, parent, depth, left_us, one))
            if inside := tree.inside(one):
                pending.append((len(found) - 1, inside, left_us))
            left_us += width_us


def _filled_until(found: Sequence[Frame], root: Frame) -> int:
    ends = [
        it.left_us + it.width_us for it in found if it.depth == 1 and it.left_us >= root.left_us
    ]
    return max(ends, default=root.left_us) - root.left_us


def _drawn(found: Sequence[Frame], whole_us: int) -> Iterator[Html]:
    # Nothing is wider than what it is below, so those that are drawn hang together.
    widest = sorted(found, key=lambda it: (-it.width_us, it.depth))[:_MOST]
    for frame in widest:
        share = frame.width_us / whole_us
        if share < _SMALLEST:
            break
        title = element("title", f"{frame.name}, {ms(frame.width_us / _MICRO)} ms")
        place = {
            "class_": f"f {frame.style}",
            "x": f"{100 * frame.left_us / whole_us:.3f}%",
            "y": str(frame.depth * ROW),
            "width": f"{100 * share:.3f}%",
            "height": str(ROW - 2),
        }
        # An element svg cuts its text off at its edges, but thousands of them are slow.
        if share < _LABELLED:
            yield element("rect", title, **place)
        else:
            rect = element("rect", width="100%", height=ROW - 2)
            text = element("text", frame.name, x=5, y=15)
            yield element("svg", rect, text, title, **place)


def _data(found: Sequence[Frame], packages: Packages) -> dict[str, object]:
    """All frames for the script, in rows; texts that come again and again by their numbers."""
    texts: dict[str, int] = {}

    def number(text: str) -> int:
        return texts.setdefault(clean(text), len(texts))

    rows = []
    for frame in found:
        row: list[object] = [
            -1 if frame.parent is None else frame.parent,
            clean(frame.name),
            frame.left_us,
            frame.width_us,
            number(frame.style),
        ]
        if (one := frame.one) is not None:
            size = one.resident_bytes
            row += [
                number(one.kind if one.error is None else f"{one.kind}: {one.error}"),
                max(0, one.self_ns) // _MICRO,
                None if size is None else round(size / 1000),
                number(packages.place(one.asked_file, one.asked_line)),
                one.start_ns // _MICRO,
            ]
        rows.append(row)
    return {"texts": list(texts), "frames": rows}
