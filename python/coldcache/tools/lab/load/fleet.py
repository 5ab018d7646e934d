"""The fleet as it is: real processes, driven along the clock.

Each environment works on a thread of its own. One thread, the caller's, decides: it waits for the
next thing due or the next report, whichever comes first, and lets the course go on. Beyond the
number of processes that were allowed, environments are simulated in real time: they answer after
the time of a measured call.
"""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable, Sequence

from coldcache.tools.lab.life import Environment
from coldcache.tools.lab.stop_signals import deferred

from .book import Book
from .course import Course, Listener
from .pool import PoolRules, Slot
from .rows import Source
from .simulator import SimulatedCarrier
from .worker import Answered, Ended, Ready, Report, Worker
from .workload import Agenda, Call

__all__ = ["Fleet", "MakeEnvironment", "drive"]

MakeEnvironment = Callable[[Slot], Environment]
"""Makes the environment of a slot, not started yet."""

# A process that hangs in the kernel cannot be waited for; nothing else takes as long.
_JOIN_TIMEOUT_S = 60.0
_LONGEST_WAIT_S = 3600.0


class Fleet:
    """Environments, real up to a number and simulated beyond. Use as a context manager.

    Args:
        make_environment: Makes the environment of a slot.
        book: Where calls are written down.
        processes: How many may be alive at the same time.
        overflow: Takes those beyond; ``None``: there is no limit to processes.
        on_call: Told of each answered call of the workload.
    """

    throttled_source: Source = "process"

    def __init__(
        self,
        make_environment: MakeEnvironment,
        book: Book,
        *,
        processes: int,
        overflow: SimulatedCarrier | None,
        on_call: Callable[[], None],
    ) -> None:
        self._make_environment = make_environment
        self._book = book
        self._processes = processes
        self._overflow = overflow
        self._on_call = on_call
        self._workers: dict[Slot, Worker] = {}
        self._reports: queue.SimpleQueue[Report] = queue.SimpleQueue()
        self._epoch_ns: int | None = None
        self._listener: Listener | None = None

    def __enter__(self) -> Fleet:
        return self

    def __exit__(self, *ending: object) -> None:
        self.stop()

    def listen(self, listener: Listener) -> None:
        """Tell *listener* of answers from now on; to be called before the first call."""
        self._listener = listener
        if self._overflow is not None:
            self._overflow.listener = listener

    # What the pool decides

    def start(self, slot: Slot, now_s: float) -> None:
        """See :class:`~.course.Carrier`."""
        if self._takes_process():
            self._hire(slot).start()
        elif self._overflow is not None:
            self._overflow.start(slot, now_s)

    def call(self, slot: Slot, call: Call, now_s: float, *, is_new: bool) -> None:
        """See :class:`~.course.Carrier`."""
        worker = self._workers.get(slot)
        if worker is None and is_new and self._takes_process():
            worker = self._hire(slot)
            worker.start()
        if worker is not None:
            worker.give(call)
        elif self._overflow is not None:
            self._overflow.call(slot, call, now_s, is_new=is_new)

    def end(self, slot: Slot, now_s: float, reason: str) -> None:
        """See :class:`~.course.Carrier`."""
        self._book.ended(slot, now_s, reason)
        worker = self._workers.get(slot)
        if worker is not None:
            worker.end()

    # Time

    def begin(self) -> None:
        """The experiment's clock starts here, at zero."""
        self._epoch_ns = time.monotonic_ns()

    def now_s(self) -> float:
        """Seconds since the begin; 0 before it."""
        return 0.0 if self._epoch_ns is None else self._since_begin(time.monotonic_ns())

    def wait(self, until_s: float) -> None:
        """Wait until *until_s* or for a report, and pass on all reports there are."""
        timeout_s = min(max(0.0, until_s - self.now_s()), _LONGEST_WAIT_S)
        try:
            self._hear(self._reports.get(timeout=timeout_s))
            while True:
                self._hear(self._reports.get_nowait())
        except queue.Empty:
            return

    def stop(self) -> None:
        """End all that is left, and wait until it is gone."""
        with deferred():
            workers = list(self._workers.values())
            for worker in workers:
                worker.stop()
            for worker in workers:
                worker.join(_JOIN_TIMEOUT_S)
            self._workers.clear()

    def _takes_process(self) -> bool:
        return self._overflow is None or len(self._workers) < self._processes

    def _hire(self, slot: Slot) -> Worker:
        with deferred():
            worker = Worker(slot, self._make_environment, self._reports.put)
            self._workers[slot] = worker
        self._book.began(slot, "process")
        return worker

    def _hear(self, report: Report) -> None:
        match report:
            case Ready(slot, at_ns, is_ready):
                at_s = self._since_begin(at_ns)
                if is_ready:
                    self._book.ready(slot, at_s)
                if slot.is_provisioned and self._listener is not None:
                    self._listener.ready(slot, at_s)
            case Answered(slot, call, taken_ns, took):
                taken_s = self._since_begin(taken_ns)
                self._book.called(slot, call, taken_s, took, "process")
                if self._listener is not None:
                    self._listener.answered(slot, taken_s + took.total_s)
                if not call.is_ping:
                    self._on_call()
            case Ended(slot, error):
                self._workers.pop(slot, None)
                if error is not None:
                    raise error

    def _since_begin(self, then_ns: int) -> float:
        if self._epoch_ns is None:
            return 0.0
        return (then_ns - self._epoch_ns) / 1e9


def drive(
    agenda: Agenda,
    fleet: Fleet,
    *,
    functions: Sequence[str],
    rules: PoolRules,
    seed: int,
    book: Book,
) -> None:
    """Go through an agenda in real time.

    Provisioned environments that are wanted from the begin are started first; the clock of the
    experiment starts when they are ready.

    Args:
        agenda: What is due.
        fleet: Its environments; ended by the caller.
        functions: Names of the functions.
        rules: Of the pools.
        seed: Decides the draws.
        book: Where everything is written down.
    """
    course = Course(agenda, functions=functions, rules=rules, seed=seed, carrier=fleet, book=book)
    fleet.listen(course)
    reason = "stopped"
    try:
        course.provision_at_begin()
        while course.is_starting:
            fleet.wait(math.inf)
            course.settle()
        fleet.begin()
        due_s = course.advance(fleet.now_s())
        while not course.is_over:
            fleet.wait(due_s)
            due_s = course.advance(fleet.now_s())
        reason = "experiment-end"
    finally:
        if reason == "stopped":
            book.cut(fleet.now_s())
        course.close(reason, fleet.now_s())
