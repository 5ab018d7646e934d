"""Files for their owner only, complete or not there at all."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from .errors import UsageError

__all__ = ["check_destination", "write_private"]


def check_destination(path: Path, *, option: str = "--json") -> None:
    """Check early that a file can be written at *path*: a run takes minutes.

    Args:
        path: Where the file will be written.
        option: What the user named it with.

    Raises:
        UsageError: It is a folder, or its folder is missing or not writable.
    """
    folder = path.parent
    if path.is_dir():
        raise UsageError(f"{option} {str(path)!r} is a folder; name a file")
    if not folder.is_dir():
        raise UsageError(f"{option} {str(path)!r}: the folder {str(folder)!r} does not exist")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{option} {str(path)!r}: the folder {str(folder)!r} is not writable")


def write_private(text: str, path: Path, *, option: str) -> None:
    """Write *text* to *path*, readable by its owner only, all of it or nothing.

    Args:
        text: The content, written as UTF-8.
        path: Where to; a file there is replaced.
        option: What the user named it with.

    Raises:
        UsageError: The file cannot be written. What was at *path* before is untouched.
    """
    temporary: str | None = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        temporary = None
    except OSError as error:
        raise UsageError(f"{option} {str(path)!r} cannot be written: {error.strerror}") from None
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
