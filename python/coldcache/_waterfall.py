"""A startup document as a picture for a terminal: one line a step, a bar for its time."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_BAR = 40  # characters
_NAME = 48
_DEEPEST = 12


def draw(document: dict[str, Any]) -> str:
    """Return the picture; every character of it can be printed anywhere."""
    steps = document["steps"]
    ends = [*document["moments"].values()]
    ends += [step["begin_ms"] + (step["ms"] or 0.0) for step in steps]
    whole = max([0.001, *ends])
    lines = [_headline(document, whole)]
    rows = [(phase["begin_ms"], phase["ms"], phase["name"], "") for phase in document["phases"]]
    lines += [_line(begin, ms, whole, name, note) for begin, ms, name, note in rows]
    lines.append("")
    lines += _tree(steps, whole)
    if document["dropped"]:
        lines.append(f"{document['dropped']} more steps, for which there was no room")
    if document["errors"]:
        counted = ", ".join(f"{_clean(kind)} {n:g} x" for kind, n in document["errors"].items())
        lines.append(f"errors: {counted}")
    return "\n".join(lines)


def _headline(document: dict[str, Any], whole: float) -> str:
    name = document["function_name"] or document["platform"]
    words = [f"startup of {_clean(name)}: {whole:.1f} ms"]
    if document["start_class"] is not None:
        words.append(f"{_clean(document['start_class'])} ({_clean(document['start_rule'] or '')})")
    source = {
        "exec-wrapper": "from the exec wrapper's stamp",
        "process": "from the start of the process (to 10 ms)",
    }.get(document["start_source"], "from the import of coldcache")
    return "; ".join([*words, source])


def _tree(steps: list[dict[str, Any]], whole: float) -> list[str]:
    children: dict[int | None, list[dict[str, Any]]] = {}
    for step in steps:
        children.setdefault(step["parent"], []).append(step)
    lines = []
    # Not by recursion: the document may come from anywhere, and a ring in it has no beginning.
    ahead = [(step, 0) for step in sorted(children.get(None, []), key=_begin, reverse=True)]
    while ahead:
        step, depth = ahead.pop()
        note = "" if step["error"] is None else f"  {_clean(step['error'])}"
        if step["ms"] is None:
            note += "  not ended"
        name = "  " * min(depth, _DEEPEST) + f"{_clean(step['kind'])} {_clean(step['name'])}"
        lines.append(_line(step["begin_ms"], step["ms"], whole, name, note))
        inside = sorted(children.pop(step["id"], []), key=_begin, reverse=True)
        ahead += [(one, depth + 1) for one in inside]
    return lines


def _begin(step: dict[str, Any]) -> float:
    return float(step["begin_ms"])


def _line(begin: float, ms: float | None, whole: float, name: str, note: str) -> str:
    length = whole - begin if ms is None else ms
    first = min(_BAR - 1, max(0, int(begin / whole * _BAR)))
    last = min(_BAR, max(first + 1, round((begin + length) / whole * _BAR)))
    bar = "." * first + ("#" if ms is not None else "~") * (last - first) + "." * (_BAR - last)
    taken = f"{length:9.1f}"
    if len(name) > _NAME:
        name = name[: _NAME - 3] + "..."
    return f"{begin:9.1f} {taken}  {bar}  {name:<{_NAME}}{note}".rstrip()


def _clean(text: str) -> str:
    """No control characters: a name must not move the cursor or colour the terminal."""
    return "".join(one if one.isprintable() else "?" for one in str(text))
