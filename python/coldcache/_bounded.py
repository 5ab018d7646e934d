"""Calls of the user's functions that may hang: a factory, a check, a close.

Plain Python cannot be interrupted, so a call with a limit runs in a thread of its own, in a copy of
the caller's context, and who called goes on without it when its time is over. What such a call
still brings is not lost: it is handed to whoever disposes of it.
"""

import _thread
import contextvars
import time

from coldcache._core import _stand_in_for, _this_thread
from coldcache._hanging import acquire, must_not_end_below_native_code, probe_of, running

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import Any, TypeVar

    _R = TypeVar("_R")


class Deadline:
    """A number of seconds shared by the steps of one attempt; without a number it never ends."""

    __slots__ = ("_end", "seconds")

    def __init__(self, seconds: float | None) -> None:
        self.seconds = seconds
        self._end = None if seconds is None else time.monotonic() + seconds

    def left(self, share: float = 1.0) -> float | None:
        """Return the seconds that are left, at most this share of all."""
        if self._end is None or self.seconds is None:
            return None
        return max(0.0, min(self._end - time.monotonic(), share * self.seconds))

    def has_half(self) -> bool:
        """Whether half of the time is left."""
        left = self.left()
        return left is None or self.seconds is None or left >= self.seconds / 2


class _Beside:
    """One call in a thread of its own."""

    __slots__ = ("call", "error", "gate", "turn", "value")

    def __init__(self, call: "Call") -> None:
        self.call = call
        self.gate = _thread.allocate_lock()
        self.gate.acquire()
        # Whoever takes it out decides whether the result still has somebody who waits for it.
        self.turn: list[None] = [None]
        self.value: Any = None
        self.error: BaseException | None = None

    def run(self, context: contextvars.Context, stands_in_for: int | None) -> None:
        if stands_in_for is not None:
            _stand_in_for(stands_in_for)
        if not self.turn:  # given up before this thread came to its first step
            return
        running.append(self)
        try:
            self.value = context.run(self.call.function, *self.call.arguments)
        except BaseException as error:  # noqa: BLE001 - of a thread of ours: the caller gets it
            self.error = error
        if self in running:  # not in the child of a fork that the call made
            running.remove(self)
        if self.claim():
            self.gate.release()
        else:
            self.dispose()

    def claim(self) -> bool:
        try:
            self.turn.pop()
        except IndexError:
            return False
        return True

    def take(self) -> "Any":
        """Return what the call returned, or raise what it raised."""
        error, value = self.error, self.value
        self.error = self.value = None
        if error is None:
            return value
        try:
            raise error
        finally:
            del error  # or it would keep this frame, which keeps it

    def dispose(self) -> None:
        value, self.value, self.error = self.value, None, None
        self.call.dispose(value)


class Call:
    """A call of one of the user's functions, to be made by plain code or awaited.

    Args:
        owner: The resource or pool.
        doing: What messages say of it, as in "gave up *making* database".
        function: What to call.
        arguments: Its arguments.
        deadline: How long to wait for it; where it has no end, plain code makes the call itself.
        share: Part of the deadline's whole time that this call gets at most.
        is_kept: Whether its result is to be closed when it comes too late.
    """

    __slots__ = ("arguments", "deadline", "doing", "function", "is_kept", "owner", "share")

    def __init__(
        self,
        owner: "Any",
        doing: str,
        function: "Any",
        arguments: "tuple[Any, ...]",
        deadline: Deadline,
        share: float = 1.0,
        *,
        is_kept: bool = False,
    ) -> None:
        self.owner = owner
        self.doing = doing
        self.function = function
        self.arguments = arguments
        self.deadline = deadline
        self.share = share
        self.is_kept = is_kept

    def seconds(self) -> float | None:
        """Return how long it may take; raise `LoadTimeout` if there is no time left."""
        seconds = self.deadline.left(self.share)
        if seconds is not None and seconds <= 0:
            raise self.timed_out()
        return seconds

    def timed_out(self) -> BaseException:
        """Return the error of a call that took too long."""
        from coldcache.exceptions import LoadTimeout  # noqa: PLC0415

        limit = self.deadline.seconds
        return LoadTimeout(f"gave up {self.doing} {self.owner.name}: it has {limit:.3g} s in all")

    def dispose(self, value: "Any") -> None:
        """See to a result that nobody waits for any more."""
        if self.is_kept and value is not None:
            self.owner._close_late(value)  # noqa: SLF001

    def make(self) -> "Any":
        """Make the call as plain code.

        Raises:
            LoadTimeout: It took too long.
        """
        seconds = self.seconds()
        if seconds is None:
            if must_not_end_below_native_code():
                return self._make_beside(None, _this_thread()).take()
            return self.function(*self.arguments)
        probe = probe_of(self.owner)
        if probe is None:
            return self._make_beside(seconds).take()
        if not probe.begin(seconds):
            raise self.timed_out()
        has_hung = True
        try:
            ended = self._make_beside(self.seconds() or 0)
            has_hung = False
        finally:
            probe.end(has_hung=has_hung)
        return ended.take()

    def _make_beside(self, seconds: float | None, stands_in_for: int | None = None) -> _Beside:
        """Make it in a thread; who waited for it takes what came of it.

        Where nobody gives it up, its thread stands in for the caller's: a ring that closes over it
        is still found.
        """
        started = _Beside(self)
        has_thread, has_ended = True, False
        try:
            try:
                _thread.start_new_thread(started.run, (contextvars.copy_context(), stands_in_for))
            except RuntimeError:  # no thread can be started any more: at the very end
                has_thread = False
            else:
                has_ended = acquire(started.gate, seconds)
        except (
            BaseException
        ):  # a signal handler raised, maybe before there was anything to wait for
            if not started.claim():  # the result is there, and nobody else's
                started.dispose()
            raise
        if not has_thread:
            started.value = self.function(*self.arguments)
        elif not has_ended and started.claim():
            raise self.timed_out()
        return started


def run(steps: "Generator[Any, Any, _R]") -> "_R":
    """Make each call of a generator and tell it how that ended; its result."""
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            call = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        finally:
            error = None
        try:
            answer = call.make()
            if hasattr(answer, "__await__") and isinstance(call, Call):
                answer = call.owner._see_to(call, answer)  # noqa: SLF001
        except BaseException as raised:  # noqa: BLE001 - it is thrown into the generator
            answer, error = None, raised
