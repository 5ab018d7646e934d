"""Whether the files of the function and of its packages are still what they were."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

__all__ = ["Files"]

_BLOCK = 1024 * 1024


class Files:
    """Checksums of the function folder, sizes and times of everything installed beside it.

    A file cannot be written to without its change time moving on, which no program can set back;
    hashing gigabytes of packages would say no more. Bytecode caches are left out, other programs of
    the user may fill them.

    Args:
        folder: The function folder.
        path: Folders that modules are found in.
    """

    def __init__(self, folder: str, path: Iterable[str]) -> None:
        self._folder = folder
        self._path = [entry for entry in path if entry != folder and os.path.isdir(entry)]
        self._before = self._look()

    def __len__(self) -> int:
        return len(self._before)

    def changed(self) -> list[str]:
        """Paths of what was changed, added or removed since."""
        now = self._look()
        return sorted(
            path
            for path in self._before.keys() | now.keys()
            if self._before.get(path) != now.get(path)
        )

    def _look(self) -> dict[str, object]:
        seen: dict[str, object] = {}
        for path in _walk(self._folder):
            seen[path] = _checksum(path)
        for entry in self._path:
            for path in _walk(entry):
                if path not in seen:
                    seen[path] = _stamp(path)
        return seen


def _walk(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "__pycache__"]
        yield from (os.path.join(place, name) for name in names)


def _stamp(path: str) -> object:
    try:
        status = os.lstat(path)
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)


def _checksum(path: str) -> object:
    digest = hashlib.blake2b(digest_size=16)
    try:
        with Path(path).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError:
        return _stamp(path)
    return digest.digest()
