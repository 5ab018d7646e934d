"""Which modules a process imported, counted from the lines of ``PYTHONPROFILEIMPORTTIME``.

Counted outside the process, from its stderr: nothing is added to what is counted. A module counts
once, however often it is asked for; one that was asked for in vain counts too, the search was paid.
"""

from __future__ import annotations

import re

__all__ = ["ImportCensus", "without_import_lines"]

# Not anchored: a line of the function's own that lacks its newline may stand before it.
_LINE = re.compile(rb"import time:\s*\d+ \|\s*\d+ \| *(\S+)")
_TEXT_LINE = re.compile(r"import time:\s*(?:\d+ \|\s*\d+ \| *\S+|self \[us\] \|.*)")
_LINE_LIMIT = 4096


class ImportCensus:
    """Feed it the bytes of a stderr stream; it keeps the names seen in complete lines."""

    def __init__(self) -> None:
        self._names: set[bytes] = set()
        self._rest = b""

    def feed(self, block: bytes) -> None:
        """Take the next bytes of the stream, cut anywhere."""
        *lines, self._rest = (self._rest + block).split(b"\n")
        self._rest = self._rest[-_LINE_LIMIT:]
        for line in lines:
            self._names.update(_LINE.findall(line))

    @property
    def names(self) -> frozenset[str]:
        """The different modules that have been imported so far."""
        return frozenset(name.decode("utf-8", "replace") for name in self._names)

    @property
    def count(self) -> int:
        """How many different modules have been imported so far."""
        return len(self._names)


def without_import_lines(text: str) -> str:
    """*text* without what ``PYTHONPROFILEIMPORTTIME`` added to it."""
    return _TEXT_LINE.sub("", text)
