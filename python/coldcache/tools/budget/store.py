"""Measured once, used by all who ask: in one process, or by all workers of one test run."""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from coldcache.tools.lab.private_file import write_private

__all__ = ["MemoryStore", "SharedStore", "Store"]


class Store(Protocol):
    """Keeps results as JSON values."""

    def get(self, key: str, measure: Callable[[], Any]) -> Any:
        """The result of an earlier *measure* with the same key, or that of this one.

        What *measure* raises comes out, and nothing is kept.
        """


class MemoryStore:
    """For one process."""

    def __init__(self) -> None:
        self._results: dict[str, Any] = {}

    def get(self, key: str, measure: Callable[[], Any]) -> Any:
        """See :class:`Store`."""
        if key not in self._results:
            self._results[key] = measure()
        return self._results[key]


class SharedStore:
    """For processes that share a folder; while one of them measures, who asks for the same waits.

    Args:
        folder: A folder of theirs alone; made if it is missing.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def get(self, key: str, measure: Callable[[], Any]) -> Any:
        """See :class:`Store`."""
        result = self._folder / f"{key}.json"
        with open(self._folder / f"{key}.lock", "ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file is closed, or its owner dies
            # Files are renamed into place, so what is there is whole.
            with contextlib.suppress(FileNotFoundError):
                return json.loads(result.read_text(encoding="utf-8"))
            found = measure()
            write_private(json.dumps(found), result, option="the result")
            return found
