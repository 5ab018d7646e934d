"""Waiting for an object of a pool: a place in its line, taken by a thread or by a task."""

import _thread

from coldcache._bounded import Deadline
from coldcache._hanging import SLICE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from coldcache._core import Seat


class Line:
    """A step of a checkout: wait until there is an object on the seat, or room for one.

    In slices: a wake-up can get lost in a signal handler that raises in the thread that gives an
    object back, and a signal in the moment before a thread falls asleep. The seat itself knows.

    Made by plain code (`make`) or awaited (`wait`); false if there is no time left.
    """

    __slots__ = ("deadline", "seat")

    def __init__(self, seat: "Seat", deadline: Deadline) -> None:
        self.seat = seat
        self.deadline = deadline

    def slice(self) -> float:
        """Return the seconds until the next look."""
        left = self.deadline.left()
        return SLICE if left is None else min(left, SLICE)

    def make(self) -> bool:
        """Wait as plain code."""
        lock = _thread.allocate_lock()
        lock.acquire()
        seat = self.seat
        if seat.line_up(lock.release):
            return True
        while not seat.is_called() and (seconds := self.slice()) > 0:
            lock.acquire(True, seconds)
        return seat.arrive()

    async def wait(self) -> bool:
        """Wait as a task."""
        import asyncio  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        called = loop.create_future()

        def call() -> None:
            if not called.done():
                called.set_result(None)

        seat = self.seat
        if seat.line_up(lambda: loop.call_soon_threadsafe(call)):
            return True
        while not seat.is_called() and (seconds := self.slice()) > 0:
            await asyncio.wait((called,), timeout=seconds)
        return seat.arrive()


def wake(waker: "Any") -> None:
    """Wake whoever an object is for."""
    if waker is None:
        return
    try:
        waker()
    except RuntimeError:  # its loop was closed, or its lock is open: nobody is left to wake
        return
