"""A real environment on a thread of its own: calls in, reports out."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from coldcache.tools.lab.life import Environment

from .measured import ServiceTime
from .pool import Slot
from .workload import Call

__all__ = ["Answered", "Ended", "Ready", "Report", "Worker"]


@dataclass(frozen=True)
class Ready:
    """The init of an environment has ended, well or not.

    Attributes:
        slot: Which one.
        at_ns: When, on the monotonic clock.
        is_ready: Whether it is ready for calls.
    """

    slot: Slot
    at_ns: int
    is_ready: bool


@dataclass(frozen=True)
class Answered:
    """A call has ended.

    Attributes:
        slot: In which environment.
        call: Which call.
        taken_ns: When the environment began with it, on the monotonic clock.
        took: How it went from there.
    """

    slot: Slot
    call: Call
    taken_ns: int
    took: ServiceTime


@dataclass(frozen=True)
class Ended:
    """Nothing is left of an environment.

    Attributes:
        slot: Which one.
        error: What broke in the lab itself, as a rule nothing.
    """

    slot: Slot
    error: BaseException | None


Report = Ready | Answered | Ended


class Worker:
    """Runs one environment, call after call, until told to end.

    Args:
        slot: The environment as the pool sees it.
        make_environment: Gives the environment, not started yet. Called on the worker's thread, so
            that setting one up does not hold up the others.
        report: Called with everything that happens, from the worker's thread.
    """

    def __init__(
        self,
        slot: Slot,
        make_environment: Callable[[Slot], Environment],
        report: Callable[[Report], object],
    ) -> None:
        self._slot = slot
        self._make_environment = make_environment
        self._environment: Environment | None = None
        self._report = report
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._is_stopped = False
        self._thread = threading.Thread(
            target=self._run, name=f"environment-{slot.number}", daemon=True
        )

    def start(self) -> None:
        """Begin to work on what has been given; a provisioned environment is started at once."""
        self._thread.start()

    def give(self, call: Call) -> None:
        """Hand over a call, to be made after those before it."""
        self._calls.put(call)

    def end(self) -> None:
        """End the environment after the calls it has been given."""
        self._calls.put(None)

    def stop(self) -> None:
        """End the environment now; a call under way is reported no more."""
        self._is_stopped = True
        self._calls.put(None)
        if self._environment is not None:  # otherwise its thread sees in time that it is stopped
            self._environment.close()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end of the thread; whether it came."""
        if self._thread.ident is not None:
            self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            self._serve()
        except BaseException as broken:  # noqa: BLE001 - handed to the thread that waits for it
            # An environment that is closed from outside breaks off what its thread was about.
            error = None if self._is_stopped else broken
        self._report(Ended(self._slot, error))

    def _serve(self) -> None:
        first = None if self._slot.is_provisioned else self._calls.get()
        taken_ns = time.monotonic_ns()
        if first is None and not self._slot.is_provisioned:
            return
        with self._make_environment(self._slot) as environment:
            self._environment = environment
            if self._is_stopped:
                return
            self._note_start(environment, first.event if first is not None else None)
            if first is not None:
                self._call(environment, first, taken_ns)
            while (call := self._calls.get()) is not None:
                self._call(environment, call, time.monotonic_ns())

    def _call(self, environment: Environment, call: Call, taken_ns: int) -> None:
        if self._is_stopped:  # a closed environment takes no calls
            return
        record = environment.call(call.event)
        if not self._is_stopped:
            self._report(Answered(self._slot, call, taken_ns, ServiceTime.of(record, taken_ns)))

    def _note_start(self, environment: Environment, event: bytes | None = None) -> None:
        start = environment.start(event=event)
        ended_ns = start.init_done_ns or time.monotonic_ns()
        self._report(Ready(self._slot, ended_ns, start.init_done_ns is not None))
