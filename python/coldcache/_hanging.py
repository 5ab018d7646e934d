"""Calls that were given up and still run, and when another one may be begun beside them.

Each of them keeps a thread, maybe for ever, so there cannot be as many as callers ask for. But to
refuse all further ones would mean that who hung once too often never recovers. So with many of them
about, an owner begins one call at a time, the others wait for how it ends, and after one that hung
as well the next comes later and later. A call that ends, in whatever way, shows that the fault is
over, and the owner is free again.
"""

import _thread
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    class _GivenUp(Protocol):
        turn: list[None]  # empty: nobody waits for it any more


# Seconds between two looks for signals: one that comes just before a thread falls asleep does not
# keep it from sleeping.
SLICE = 0.05
# So many may hang without consequences.
_FREE = 64
# And so many in all; Lambda allows 1024 processes and threads together.
_MOST = 512
_LONGEST_PAUSE = 60.0  # seconds between two calls of an owner whose calls hang

# Calls that run in threads of their own.
running: "list[_GivenUp]" = []
_probes: "dict[Any, Probe]" = {}


def hanging() -> int:
    """Count the calls that were given up and still run."""
    return sum(not call.turn for call in tuple(running))


def acquire(lock: "_thread.LockType", seconds: float | None) -> bool:
    """Acquire a lock within that time, and let signals in; false if it did not come."""
    if seconds is None:
        return lock.acquire()
    if not _is_main_thread():
        # No signal comes here; and a daemon thread that wakes up while the interpreter ends is
        # ended by it, which native frames below it turn into an abort.
        return lock.acquire(True, min(seconds, _thread.TIMEOUT_MAX))
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if lock.acquire(True, min(left, SLICE)):
            return True
    return False


def _is_main_thread() -> bool:
    threading = sys.modules.get("threading")
    return threading is None or threading.main_thread().ident == _thread.get_ident()


def must_not_end_below_native_code() -> bool:
    """Whether this thread would abort the process if it were in a long call while that ends.

    Before 3.14 the interpreter ends daemon threads that want to go on while it finalises by
    unwinding their stack, which native frames, as those of a lease or a flight, do not allow. In a
    thread of its own a call has none below it, and who waits for it does not wake up.
    """
    if sys.version_info >= (3, 14):
        return False
    threading = sys.modules.get("threading")
    return threading is not None and bool(threading.current_thread().daemon)


class Probe:
    """The calls of one owner while many hang: one at a time."""

    __slots__ = ("_forgiven", "_hung", "_lock", "_not_before")

    def __init__(self) -> None:
        self._lock = _thread.allocate_lock()
        self._forgiven = 0  # so many hung when a call ended
        self._hung = 0  # calls in a row that hung, with so many about
        self._not_before = 0.0

    def is_needed(self, count: int) -> bool:
        """Whether the owner has to be careful while so many hang."""
        return count - self._forgiven >= _FREE

    def begin(self, seconds: float) -> bool:
        """Wait for the call before; false if another one cannot be begun in that time."""
        if not acquire(self._lock, seconds):
            return False
        if time.monotonic() < self._not_before or hanging() >= _MOST:
            self._lock.release()
            return False
        return True

    def end(self, *, has_hung: bool) -> None:
        """Note how the call ended."""
        if has_hung:
            self._hung += 1
            # The first pauses are shorter than any timeout that makes sense.
            pause = min(_LONGEST_PAUSE, 2.0 ** (self._hung - _FREE))
            self._not_before = time.monotonic() + pause
        else:
            self._hung, self._not_before, self._forgiven = 0, 0.0, hanging()
        self._lock.release()


def probe_of(owner: "Any") -> Probe | None:
    """Return what an owner has to ask before a call, or `None` while few hang."""
    if len(running) < _FREE:
        return None
    count = hanging()
    if count < _FREE:
        return None
    probe = _probes.setdefault(owner, Probe())
    return probe if probe.is_needed(count) else None


def forget_after_fork() -> None:
    """The child has none of those threads."""
    running.clear()
    _probes.clear()
