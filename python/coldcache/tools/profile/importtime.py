"""Reads what ``-X importtime`` and ``PYTHONPROFILEIMPORTTIME`` write, in all its dialects.

A row is ``import time: SELF | CUMULATIVE | NAME``, in microseconds, written when the import ends,
so that a package stands below what it imported; two spaces a level before the name. From 3.14 on,
``importtime=2`` adds rows with ``cached`` in place of the numbers, for modules that were there
already. The spaces in those rows say nothing of the level: the name is padded on the left to a
width. The rows stand in stderr among whatever else was written there.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from coldcache.tools.lab.errors import UsageError

from .record import Import

__all__ = ["ImportTime", "parse_importtime", "read_importtime"]

# Not anchored: something without a newline may have been written before it.
_TIMED_ROW = re.compile(r"import time:\s*(\d+) \|\s*(\d+) \| ( *)(\S+)\s*$")
_CACHED_ROW = re.compile(r"import time: cached +\| cached +\| +(\S+)\s*$")
_HEADER = "import time: self [us] | cumulative | imported package"
_MICROSECOND_NS = 1000
_INDENT = 2


@dataclass
class _Node:
    name: str
    self_us: int
    total_us: int
    inside: list[_Node] = field(default_factory=list)


@dataclass(frozen=True)
class ImportTime:
    """What such a text tells.

    Attributes:
        imports: In the order in which they began. The text has no times of day and no threads:
            begins are put one after another, as if nothing but imports had happened.
        cached: How often modules were asked for that were there already; empty before 3.14.
        skipped: Rows that begin like one of these and are none.
    """

    imports: tuple[Import, ...]
    cached: dict[str, int]
    skipped: int


def read_importtime(path: Path) -> ImportTime:
    """Read a file with the stderr of a process.

    Raises:
        UsageError: It is missing, unreadable, or has no such row.
    """
    try:
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        raise UsageError(f"--importtime {str(path)!r}: the file does not exist") from None
    except OSError as error:
        raise UsageError(
            f"--importtime {str(path)!r}: the file cannot be read: {error.strerror}"
        ) from None
    found = parse_importtime(text.splitlines())
    if not found.imports:
        raise UsageError(
            f"--importtime {str(path)!r} has no row with times of an import; write one with: "
            "python -X importtime -c 'import MODULE' 2> FILE"
        )
    return found


def parse_importtime(lines: Iterable[str]) -> ImportTime:
    """Read the rows among *lines*; other lines are passed over."""
    # Rows of a level that have not found the import around them yet, by level.
    waiting: dict[int, list[_Node]] = {}
    cached: Counter[str] = Counter()
    skipped = 0
    for line in lines:
        row = _CACHED_ROW.search(line)
        if row is not None:
            cached[row[1]] += 1
            continue
        row = _TIMED_ROW.search(line)
        if row is None:
            skipped += "import time:" in line and _HEADER not in line
            continue
        level = len(row[3]) // _INDENT
        # A level may be missing in between, where threads wrote at the same time.
        deeper = sorted(one for one in waiting if one > level)
        inside = [node for one in deeper for node in waiting.pop(one)]
        own, total = int(row[1]), int(row[2])
        # Each number is rounded up: the parts may add up to a little more than the whole.
        total = max(total, own, sum(node.total_us for node in inside))
        waiting.setdefault(level, []).append(_Node(row[4], own, total, inside))
    # What is still open deeper than the outermost level was cut off with the end of the text.
    outermost = [node for level in sorted(waiting) for node in waiting[level]]
    imports: list[Import] = []
    start = 0
    for node in outermost:
        start = _lay_out(node, start, imports)
    return ImportTime(tuple(imports), dict(cached), skipped)


def _lay_out(root: _Node, start_ns: int, imports: list[Import]) -> int:
    """Append *root* and what is inside it, beginning at *start_ns*; where the next one begins."""
    pending: list[tuple[_Node, int | None, int, int]] = [(root, None, 0, start_ns)]
    while pending:
        node, parent, depth, begin = pending.pop()
        own = len(imports)
        end = begin + node.total_us * _MICROSECOND_NS
        imports.append(
            Import(
                id=own,
                parent=parent,
                name=node.name,
                depth=depth,
                start_ns=begin,
                end_ns=end,
                nested_ns=(node.total_us - node.self_us) * _MICROSECOND_NS,
            )
        )
        inside: list[tuple[_Node, int | None, int, int]] = []
        for child in node.inside:
            inside.append((child, own, depth + 1, begin))
            begin += child.total_us * _MICROSECOND_NS
        pending += reversed(inside)
    return start_ns + root.total_us * _MICROSECOND_NS
