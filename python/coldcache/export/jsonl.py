"""One line of JSON a call, in a file for its owner only.

A line is appended in one step, so that lines of several processes do not mix, and the file is
bounded: when it is full it becomes ``FILE.1``, in the place of the one before.
"""

import fcntl
import os
import stat

from coldcache.export import names
from coldcache.export._quoting import quote

TYPE_CHECKING = False
if TYPE_CHECKING:
    from coldcache._invocation import Invocation

MOST_BYTES = 10_000_000
LEAST_BYTES = 10_000
LONGEST_TEXT = 1024
_MOST_MEMBERS = 100  # of an object in the line


class JsonLines:
    """Appends the facts of each call to a file: every attribute of the call, and ``"schema": 1``.

    Args:
        path: The file. It is made when the first call ends, readable by its owner only.
        max_bytes: Size at which the file becomes ``path.1``; both together have up to twice as
            many bytes.

    Attributes:
        cut: How many texts were cut, at 1024 characters, or had half a surrogate pair.

    Raises:
        TypeError: *path* is no path, or *max_bytes* no whole number.
        ValueError: *path* is empty, or *max_bytes* less than 10,000.
    """

    def __init__(self, path: "str | os.PathLike[str]", *, max_bytes: int = MOST_BYTES) -> None:
        self._path = os.fspath(path)
        if not isinstance(self._path, str):
            message = f"path must be a text or a path, got {path!r}"
            raise TypeError(message)
        if not self._path or "\0" in self._path:
            message = f"path must name a file, got {path!r}"
            raise ValueError(message)
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, int):
            message = f"max_bytes must be a whole number, got {max_bytes!r}"
            raise TypeError(message)
        if max_bytes < LEAST_BYTES:
            message = f"max_bytes must be at least {LEAST_BYTES}, got {max_bytes!r}"
            raise ValueError(message)
        self._max_bytes = max_bytes
        self.cut = 0

    def emit(self, invocation: "Invocation") -> None:
        """Append the line of one call.

        Args:
            invocation: The facts of the call.

        Raises:
            OSError: The file cannot be written to, is no ordinary file, or is someone else's.
        """
        line = (self.line(invocation) + "\n").encode("ascii")
        descriptor = self._open_with_room(len(line))
        try:
            written = os.write(descriptor, line)
            if written != len(line):
                message = f"{self._path}: {written} of {len(line)} bytes were written"
                raise OSError(message)
        finally:
            os.close(descriptor)

    def line(self, invocation: "Invocation") -> str:
        """The line of one call, without a newline: one JSON object in ASCII.

        Args:
            invocation: The facts of the call.
        """
        members = (f'"{name}":{self._value(value)}' for name, value in invocation.to_dict().items())
        return f'{{"schema":1,{",".join(members)}}}'

    def _value(self, value: object) -> str:
        if value is None or isinstance(value, bool):
            return {None: "null", True: "true", False: "false"}[value]
        if isinstance(value, int):
            return str(int(value))
        if isinstance(value, float):
            is_finite = value - value == 0  # JSON has no other numbers
            return repr(float(value)) if is_finite else "null"
        if isinstance(value, dict):
            pairs = list(value.items())[:_MOST_MEMBERS]
            listed = (f"{self._text(name)}:{self._value(count)}" for name, count in pairs)
            return f"{{{','.join(listed)}}}"
        return self._text(value)

    def _text(self, value: object) -> str:
        fitted = names.encodable(value, LONGEST_TEXT)
        self.cut += fitted != value
        return quote(fitted)

    def _open_with_room(self, size: int) -> int:
        """Open the file; a full one is moved on before."""
        while True:
            descriptor = _open(self._path)
            try:
                held = os.fstat(descriptor)
                if held.st_size == 0 or held.st_size + size <= self._max_bytes:
                    return descriptor
                if not _lock(descriptor):
                    return descriptor  # another process is moving it: a line too many harms less
                if _is_at(held, self._path):
                    os.replace(self._path, self._path + ".1")
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # and with it the lock


def _open(path: str) -> int:
    # A symbolic link could lead to a file of someone else's choice; a pipe would be waited for.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    descriptor = os.open(path, flags, 0o600)
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            message = f"{path} is no ordinary file"
            raise OSError(message)
        if found.st_uid != os.geteuid():
            message = f"{path} belongs to another user"
            raise PermissionError(message)
        if found.st_mode & 0o077:
            os.fchmod(descriptor, 0o600)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _lock(descriptor: int) -> bool:
    # Never waits: who holds it may be frozen.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(held: os.stat_result, path: str) -> bool:
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return (found.st_dev, found.st_ino) == (held.st_dev, held.st_ino)
