"""Waiting for an object of a pool: a place in its line, taken by a thread or by a task."""

import _thread

from coldcache._bounded import Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from coldcache._core import Made, Roster

# Seconds between two looks at one's place. A wake-up can get lost in a signal handler that raises
# in the thread that gives an object back; the place itself knows.
SLICE = 0.5


class Line:
    """A step of a checkout: wait until there is an object, or the right to make one.

    Made by plain code (`make`) or awaited (`coldcache._shared_async.make`); `None` when there is no
    time left.
    """

    __slots__ = ("deadline", "roster")

    def __init__(self, roster: "Roster", deadline: Deadline) -> None:
        self.roster = roster
        self.deadline = deadline

    def slice(self) -> float:
        """Return the seconds until the next look."""
        left = self.deadline.left()
        return SLICE if left is None else min(left, SLICE)

    def make(self) -> "Made | bool | None":
        """Wait as plain code."""
        lock = _thread.allocate_lock()
        lock.acquire()
        grant, ticket = self.roster.line_up(lock.release)
        if ticket is None:
            return grant
        try:
            is_woken = False
            while not is_woken and (seconds := self.slice()) > 0:
                is_woken = lock.acquire(True, seconds) or self.roster.is_called(ticket)
        except BaseException:  # a signal handler raised
            pass_on(self.roster, self.roster.leave(ticket))
            raise
        return self.roster.leave(ticket)

    async def wait(self) -> "Made | bool | None":
        """Wait as a task."""
        import asyncio  # noqa: PLC0415

        loop = asyncio.get_running_loop()
        called = loop.create_future()

        def call() -> None:
            if not called.done():
                called.set_result(None)

        grant, ticket = self.roster.line_up(lambda: loop.call_soon_threadsafe(call))
        if ticket is None:
            return grant
        try:
            while not (called.done() or self.roster.is_called(ticket)):
                seconds = self.slice()
                if seconds <= 0:
                    break
                await asyncio.wait((called,), timeout=seconds)
        except BaseException:  # cancelled
            pass_on(self.roster, self.roster.leave(ticket))
            raise
        return self.roster.leave(ticket)


def pass_on(roster: "Roster", grant: "Made | bool | None") -> None:
    """Hand on what somebody got who does not want it any more."""
    if grant is True:
        wake(roster.vacate())
    elif grant is not None and grant is not False:
        wake(roster.give(grant))


def wake(waker: "Any") -> None:
    """Wake whoever an object is for."""
    if waker is None:
        return
    try:
        waker()
    except RuntimeError:  # its loop was closed: nobody is left to wake
        return
