"""Trials side by side: as many processes at once as there are cores, and none left behind."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from types import TracebackType

from coldcache.tools.lab.stop_signals import deferred

from .outcome import Outcome

__all__ = ["Job", "Pool", "Run"]

Run = Callable[[threading.Event], Outcome]
"""Runs one trial; ends early when the event is set."""


class Job:
    """A trial under way, or waiting for its turn."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._stop = threading.Event()
        self._done = threading.Event()
        self._outcome: Outcome | None = None
        self._error: BaseException | None = None

    @property
    def is_dropped(self) -> bool:
        """Whether somebody has lost interest in it."""
        return self._stop.is_set()

    def drop(self) -> None:
        """Nobody waits for it any more: end its process, or do not start it."""
        with deferred():
            self._stop.set()

    def work(self) -> None:
        """Run it, on one of the pool's threads."""
        try:
            if not self._stop.is_set():
                self._outcome = self._run(self._stop)
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        finally:
            self._done.set()

    def wait(self) -> Outcome:
        """Wait for its outcome.

        Raises:
            RuntimeError: It was dropped before it had run.
        """
        # In steps, between which a signal gets its turn in the main thread. Not within: conditions
        # are Python code, and an exception in the moment after they took their lock keeps it taken.
        is_done = False
        while not is_done:
            with deferred():
                is_done = self._done.wait(0.2)
        if self._error is not None:
            raise self._error
        if self._outcome is None:
            raise RuntimeError("the trial was dropped")
        return self._outcome


class Pool:
    """Runs jobs in the order in which they are given. Leaving it ends all of them.

    Args:
        workers: How many run at the same time.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._changed = threading.Condition()
        self._waiting: deque[Job] = deque()
        self._running: set[Job] = set()
        self._is_closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"trial {number}", daemon=True)
            for number in range(workers)
        ]

    def __enter__(self) -> Pool:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with deferred():
            with self._changed:
                self._is_closed = True
                for job in (*self._waiting, *self._running):
                    job.drop()
                self._changed.notify_all()
            for thread in self._threads:
                thread.join()

    def submit(self, run: Run, *, is_urgent: bool = True) -> Job:
        """Add a job.

        Args:
            run: What to do.
            is_urgent: Somebody will wait for it now; it goes before those that are guesses.
        """
        job = Job(run)
        with deferred(), self._changed:
            if is_urgent:
                self._waiting.appendleft(job)
            else:
                self._waiting.append(job)
            self._changed.notify()
        return job

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
                job = self._waiting.popleft()
                self._running.add(job)
            job.work()
            with self._changed:
                self._running.discard(job)
