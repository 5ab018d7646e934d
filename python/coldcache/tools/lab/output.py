"""What a process writes to stdout and stderr: read as it comes, only the end of it kept.

A thread reads while the process runs, so that it never blocks on a full pipe. At an exact point
(the process is known to stand still) `drain` reads what is left in the pipes from any thread.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import threading
from collections.abc import Callable

__all__ = ["Output"]

_READ_SIZE = 64 * 1024
# More than a pipe can hold, and an end to reading from a process that never stops writing.
_READS_AT_ONCE = 64
_JOIN_TIMEOUT_S = 5.0


class Output:
    """The two output pipes of one process.

    Args:
        keep_bytes: How many bytes from the end are kept, both streams together.
        stderr_listener: Called with every block read from stderr, in order.
    """

    def __init__(
        self,
        *,
        keep_bytes: int = 64 * 1024,
        stderr_listener: Callable[[bytes], None] | None = None,
    ) -> None:
        self._keep_bytes = keep_bytes
        self._kept = bytearray()
        self._lock = threading.Lock()
        self._listeners: dict[int, Callable[[bytes], None] | None] = {}
        self._stdout_read, self.stdout = os.pipe()
        self._stderr_read, self.stderr = os.pipe()
        self._wake_read, self._wake_write = os.pipe()
        self._listeners = {self._stdout_read: None, self._stderr_read: stderr_listener}
        for descriptor in self._listeners:
            os.set_blocking(descriptor, False)
        self._reader = threading.Thread(target=self._read, name="output", daemon=True)

    def start(self) -> None:
        """Begin to read. Call it once the process has its ends of the pipes; ours are closed."""
        self._close_writing_ends()
        self._reader.start()

    def drain(self) -> None:
        """Read all that has been written up to now; nothing once closed."""
        with self._lock:
            for descriptor in self._listeners:
                self._drain_one(descriptor)

    def tail(self) -> str:
        """The end of what was written, decoded leniently."""
        with self._lock:
            return self._kept.decode("utf-8", "replace")

    def close(self) -> None:
        """Read the rest and close the pipes. Further calls do nothing."""
        if self._wake_write < 0:
            return
        self._close_writing_ends()
        os.close(self._wake_write)  # the reader sees the end of this pipe and returns
        self._wake_write = -1
        if self._reader.is_alive():
            self._reader.join(_JOIN_TIMEOUT_S)
        self.drain()
        with self._lock:  # another thread may be draining; it must not read a number given anew
            for descriptor in (*self._listeners, self._wake_read):
                os.close(descriptor)
            self._listeners.clear()

    def _close_writing_ends(self) -> None:
        for descriptor in {self.stdout, self.stderr} - {-1}:
            os.close(descriptor)
        self.stdout = self.stderr = -1

    def _read(self) -> None:
        with selectors.DefaultSelector() as selector:
            for descriptor in (*self._listeners, self._wake_read):
                selector.register(descriptor, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fd == self._wake_read:
                        return
                    with self._lock:
                        is_open = self._drain_one(key.fd)
                    if not is_open:
                        selector.unregister(key.fd)

    def _drain_one(self, descriptor: int) -> bool:
        """Read what a pipe holds; whether more may come. The caller holds the lock."""
        listener = self._listeners[descriptor]
        with contextlib.suppress(BlockingIOError):
            for _ in range(_READS_AT_ONCE):
                block = os.read(descriptor, _READ_SIZE)
                if not block:
                    return False
                if listener is not None:
                    listener(block)
                self._kept += block
                del self._kept[: -self._keep_bytes]
        return True
