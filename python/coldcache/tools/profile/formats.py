"""Profiles in the formats of viewers: speedscope, Chrome's trace events, collapsed stacks.

Sources: the file format of speedscope (`src/lib/file-format-spec.ts` there, version 0.0.1), the
document "Trace Event Format" of the Chromium project, and the lines that Brendan Gregg's
`stackcollapse` programs write.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from .record import Import
from .tree import Tree

__all__ = ["Track", "to_chrome_trace", "to_collapsed", "to_speedscope"]

Track = tuple[str, Sequence[Import]]
"""A name and the imports of one process: an event's, or a file's."""

_FRAME_SEPARATORS = str.maketrans({";": ":", "\n": " ", "\r": " "})


def to_speedscope(tracks: Sequence[Track]) -> dict[str, Any]:
    """A file for https://www.speedscope.app, an evented profile for each thread."""
    frames: list[dict[str, Any]] = []
    numbers: dict[tuple[str, str | None], int] = {}
    profiles = []

    def number(one: Import) -> int:
        key = (one.name, one.origin)
        if key not in numbers:
            numbers[key] = len(frames)
            frames.append({"name": one.name, **({"file": one.origin} if one.origin else {})})
        return numbers[key]

    for name, imports in tracks:
        for label, tree in _threads(name, imports):
            events = [
                {"type": kind, "frame": number(one), "at": at / 1000}
                for kind, one, at in _opened_and_closed(tree)
            ]
            profiles.append(
                {
                    "type": "evented",
                    "name": label,
                    "unit": "microseconds",
                    "startValue": events[0]["at"],
                    "endValue": events[-1]["at"],
                    "events": events,
                }
            )
    return {
        "$schema": "https://www.speedscope.app/file-format-schema.json",
        "exporter": "coldcache",
        "activeProfileIndex": 0,
        "shared": {"frames": frames},
        "profiles": profiles,
    }


def to_chrome_trace(tracks: Sequence[Track]) -> dict[str, Any]:
    """A file for chrome://tracing and Perfetto, a process for each track."""
    events: list[dict[str, Any]] = []
    for process, (name, imports) in enumerate(tracks, start=1):
        place = {"pid": process, "tid": 0}
        events.append({"ph": "M", "name": "process_name", "args": {"name": name}, **place})
        for one in imports:
            told = {
                "kind": one.kind,
                "asked_by": one.asked_by,
                "asked_at": _place(one),
                "self_ms": one.self_ns / 1e6,
                "resident_bytes": one.resident_bytes,
                "error": one.error,
                **{f"{step}_ms": nanos / 1e6 for step, nanos in one.steps_ns.items() if nanos},
            }
            events.append(
                {
                    "ph": "X",
                    "name": one.name,
                    "cat": one.phase,
                    "ts": one.start_ns / 1000,
                    "dur": one.total_ns / 1000,
                    "pid": process,
                    "tid": one.thread,
                    "args": {key: value for key, value in told.items() if value is not None},
                }
            )
    return {"traceEvents": events, "displayTimeUnit": "ms"}


def to_collapsed(tracks: Sequence[Track]) -> str:
    """Lines for flamegraph.pl and its kin: the stack, a space, microseconds of own time."""
    sums: defaultdict[str, int] = defaultdict(int)
    for name, imports in tracks:
        tree = Tree(imports)
        stacks: dict[int, str] = {}
        for one in tree.walk():
            around = stacks.get(-1 if one.parent is None else one.parent)
            if around is None:
                around = f"{name.translate(_FRAME_SEPARATORS)};{one.phase}"
            stacks[one.id] = f"{around};{one.name.translate(_FRAME_SEPARATORS)}"
            sums[stacks[one.id]] += one.self_ns
    return "".join(f"{stack} {round(nanos / 1000)}\n" for stack, nanos in sums.items())


def _threads(name: str, imports: Sequence[Import]) -> Iterator[tuple[str, Tree]]:
    threads: defaultdict[int, list[Import]] = defaultdict(list)
    for one in imports:
        threads[one.thread].append(one)
    for thread, own in threads.items():
        label = name if len(threads) == 1 else f"{name}, thread {thread}"
        yield label, Tree(own)


def _opened_and_closed(tree: Tree) -> Iterator[tuple[str, Import, int]]:
    """Begins and ends in the order of time; each end closes the latest open begin."""
    last = 0
    pending: list[tuple[bool, Import]] = [(True, one) for one in reversed(tree.roots)]
    while pending:
        opens, one = pending.pop()
        # An import that a broken text lets overlap with its neighbour begins when that one ends.
        last = max(last, one.start_ns if opens else one.end_ns)
        yield ("O" if opens else "C"), one, last
        if opens:
            pending.append((False, one))
            pending += [(True, inner) for inner in reversed(tree.inside(one))]


def _place(one: Import) -> str | None:
    return f"{one.asked_file}:{one.asked_line}" if one.asked_file else None
