"""Which files a process opened to read: told by the interpreter's audit events, and by its maps.

The audit hook sees what Python code and importlib open, whether the file is cached or not. Shared
libraries and mapped data are not opened through Python; they are in the map of the process while it
stands still. What native code opens, reads and closes by itself is in neither, and is not counted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

__all__ = ["WATCH_FILES", "mapped_files", "read_opened"]

# Only what can be read, exists, and is a file on a disk. Each record is written at once, through a
# descriptor of its own: the function may close any that it finds open, and is ended by a kill.
WATCH_FILES = """
def watch(record):
    abspath, fsdecode, fsencode, stat = os.path.abspath, os.fsdecode, os.fsencode, os.stat
    start, write, close = os.open, os.write, os.close
    append, made = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, os.O_WRONLY | os.O_CREAT
    seen = set()
    def note_open(event, given):
        if event != "open":
            return
        try:
            name, _, flags = given
            if isinstance(name, int) or flags & made or name == record:
                return
            name = abspath(fsdecode(name))
            if name in seen:
                return
            found = stat(name)
            if found.st_mode & 0o170000 != 0o100000:
                return
            seen.add(name)
            descriptor = start(record, append)
            try:
                write(descriptor, b"%d %s\\0" % (found.st_size, fsencode(name)))
            finally:
                close(descriptor)
        except Exception:
            pass
    sys.addaudithook(note_open)
watch(arguments[0])
del watch
"""
"""A program for `launch`: its argument is an existing file, to which it writes."""

_NOT_ON_DISK = ("/dev/", "/proc/", "/sys/")
_MAPPED = re.compile(r"^\S+ \S+ \S+ \S+ (?!0\s)\d+\s+(/.*)$", re.MULTILINE)
_DELETED = " (deleted)"


def read_opened(record: Path, pycache: Path) -> dict[str, int]:
    """What the program noted.

    Args:
        record: The file it wrote to.
        pycache: The folder of bytecode of the process.

    Returns:
        Size in bytes by path without links. A file of bytecode counts without the folder of its
        source, which is written in it: its size must not depend on where a project lies.
    """
    sizes: dict[str, int] = {}
    for entry in record.read_bytes().split(b"\0")[:-1]:
        size, _, raw = entry.partition(b" ")
        path = os.path.realpath(os.fsdecode(raw))
        if not path.startswith(_NOT_ON_DISK):
            sizes[path] = int(size) - _folders_inside(Path(path), pycache)
    return sizes


def mapped_files(pid: int) -> dict[str, int]:
    """Size in bytes of the files that are mapped into a process, by path without links.

    Nothing on a system without ``/proc``.
    """
    try:
        text = Path(f"/proc/{pid}/maps").read_text("utf-8", "surrogateescape")
    except OSError:
        return {}
    return dict(_sized(set(_MAPPED.findall(text))))


def _sized(paths: set[str]) -> Iterator[tuple[str, int]]:
    for path in paths:
        if path.endswith(_DELETED) or path.startswith(_NOT_ON_DISK):
            continue
        try:
            yield os.path.realpath(path), os.stat(path).st_size
        except OSError:
            continue  # of another view of the file system


def _folders_inside(path: Path, pycache: Path) -> int:
    """How many bytes of a file of bytecode name the folder of its source."""
    root = Path(os.path.realpath(pycache))
    if not path.is_relative_to(root):
        return 0
    folder = os.fsencode(f"/{path.parent.relative_to(root)}/")
    try:
        return path.read_bytes().count(folder) * len(folder)
    except OSError:
        return 0
