"""A startup document as a picture: SVG without scripts, fonts or links, for a page or a README.

One row a phase and a step, in the order in which they began; the longest steps are shown, with all
that they are inside of.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

__all__ = ["MOST_ROWS", "draw_svg"]

MOST_ROWS = 24
_WIDTH = 860
_LABELS = 330  # left of the bars
_FIGURES = 80  # right of them
_ROW = 20
_HEAD = 52
_AXIS = 26
_TICKS = 5
_DEEPEST = 8  # indented no further
_NAME_CHARACTERS = 44

_STYLE = """
svg { font: 12px ui-sans-serif, system-ui, sans-serif; background: #fff; }
text { fill: #1f2328; } .dim { fill: #59636e; } .title { font-size: 14px; font-weight: 600; }
.grid { stroke: #d1d9e0; } .moment { stroke: #9a6700; stroke-dasharray: 3 3; }
.phase { fill: #818b98; } .import { fill: #0969da; }
.step { fill: #1a7f37; } .failed { fill: #cf222e; }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; } text { fill: #f0f6fc; } .dim { fill: #9198a1; }
.grid { stroke: #3d444d; } .moment { stroke: #d29922; }
.phase { fill: #656c76; } .import { fill: #4493f8; }
.step { fill: #3fb950; } .failed { fill: #f85149; }
}
"""


def draw_svg(document: dict[str, Any]) -> str:
    """Return the picture as the text of an SVG file.

    Args:
        document: What `Startup.to_dict` returns.
    """
    steps = document["steps"]
    ends = [*document["moments"].values()]
    ends += [step["begin_ms"] + (step["ms"] or 0.0) for step in steps]
    whole = max([0.001, *ends])
    shown = _longest(steps)
    rows = [
        _row(number, 0, phase["name"], "phase", phase["begin_ms"], phase["ms"], whole)
        for number, phase in enumerate(document["phases"])
    ]
    for step, depth in shown:
        name = f"{step['kind']} {step['name']}"
        kind = "import" if step["kind"] == "import" else "step"
        if step["error"] is not None:
            name, kind = f"{name}: {step['error']}", "failed"
        rows.append(_row(len(rows), depth, name, kind, step["begin_ms"], step["ms"], whole))
    bottom = _HEAD + len(rows) * _ROW + 4
    note = ""
    left_out = len(steps) - len(shown) + document["dropped"]
    if left_out:
        note = f"{left_out} shorter steps are not shown"
    height = bottom + _AXIS + (18 if note else 0)
    title = f"{document['function_name'] or document['platform']}: {whole:.0f} ms from the start"
    title += " of the process to the last step"
    rule = document["start_rule"]
    under = f"CPython {document['python']}, coldcache {document['coldcache']}"
    if document["start_class"] is not None:
        under += f", start: {document['start_class']} ({rule})"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="title">',
        f'<title id="title">{_text(title)}</title>',
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="10" y="20">{_text(title)}</text>',
        f'<text class="dim" x="10" y="38">{_text(under[:130])}</text>',
        *_grid(whole, bottom),
        *_moments(document["moments"], whole, bottom),
        *rows,
    ]
    if note:
        parts.append(f'<text class="dim" x="10" y="{height - 8}">{note}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _longest(steps: list[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """The longest steps and what is around them, each with its depth, in the order of their begin.

    A ring of parents, which only a document from elsewhere can have, ends where it closes.
    """
    by_id = {step["id"]: step for step in steps}

    def around(step: dict[str, Any]) -> list[int]:
        found: list[int] = []
        parent = step["parent"]
        while parent in by_id and parent not in found and parent != step["id"]:
            found.append(parent)
            parent = by_id[parent]["parent"]
        return found

    wanted: set[int] = set()
    for step in sorted(steps, key=lambda one: one["ms"] or 0.0, reverse=True):
        more = {step["id"], *around(step)}
        if len(wanted | more) <= MOST_ROWS:
            wanted |= more
    chosen = [step for step in steps if step["id"] in wanted]
    # What began at the same time as what is inside it comes first: it has fewer steps around it.
    chosen.sort(key=lambda step: (step["begin_ms"], len(around(step))))
    return [(step, len(around(step))) for step in chosen]


def _row(
    number: int, depth: int, name: str, kind: str, begin: float, ms: float | None, whole: float
) -> str:
    y = _HEAD + number * _ROW
    across = _WIDTH - _LABELS - _FIGURES
    x = _LABELS + across * max(0.0, begin) / whole
    wide = max(1.0, across * (ms or 0.0) / whole)
    figure = "not ended" if ms is None else f"{ms:.1f} ms"
    indent = 10 + 10 * min(depth, _DEEPEST)
    label = name if len(name) <= _NAME_CHARACTERS else name[: _NAME_CHARACTERS - 1] + "…"
    return (
        f"<g><title>{_text(f'{name}: {figure}, from {begin:.1f} ms')}</title>"
        f'<text x="{indent}" y="{y + 13}">{_text(label)}</text>'
        f'<rect class="{kind}" x="{x:.1f}" y="{y + 3}" width="{wide:.1f}" height="{_ROW - 7}"/>'
        f'<text class="dim" x="{_WIDTH - 10}" y="{y + 13}" text-anchor="end">{figure}</text></g>'
    )


def _grid(whole: float, bottom: int) -> list[str]:
    across = _WIDTH - _LABELS - _FIGURES
    lines = []
    for tick in range(_TICKS + 1):
        x = _LABELS + across * tick / _TICKS
        lines.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{_HEAD}" y2="{bottom}"/>')
        lines.append(
            f'<text class="dim" x="{x:.1f}" y="{bottom + 16}" text-anchor="middle">'
            f"{whole * tick / _TICKS:.0f}{' ms' if tick == _TICKS else ''}</text>"
        )
    return lines


def _moments(moments: dict[str, float], whole: float, bottom: int) -> list[str]:
    across = _WIDTH - _LABELS - _FIGURES
    lines = []
    for name in ("init_end", "first_answer"):
        if name in moments:
            x = _LABELS + across * max(0.0, moments[name]) / whole
            told = f"{name.replace('_', ' ')}: {moments[name]:.1f} ms"
            lines.append(
                f'<line class="moment" x1="{x:.1f}" x2="{x:.1f}" y1="{_HEAD}" y2="{bottom}">'
                f"<title>{_text(told)}</title></line>"
            )
    return lines


def _text(text: str) -> str:
    """*text* for an XML file: control codes, which it cannot hold, are shown."""
    return escape("".join(char if char.isprintable() else "?" for char in text))
