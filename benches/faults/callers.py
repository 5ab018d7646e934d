"""Eight callers at once: who asked when, what came back, and who never got an answer."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

CALLERS = 8
HANG_S = 10.0  # five times every time limit that the subjects were given
POLL_S = 0.005


@dataclass
class Call:
    """One question and what became of it."""

    phase: str
    caller: int
    number: int
    begun: float
    ended: float | None = None
    is_right: bool = False
    error: BaseException | None = None
    is_hung: bool = False

    @property
    def failed(self) -> bool:
        """Whether there was no right answer."""
        return self.is_hung or self.error is not None or not self.is_right


class Work:
    """One phase's calls, spread over all callers."""

    def __init__(
        self, phase: str, ask: Callable[[int], int], numbers: Iterator[int], count: int
    ) -> None:
        self.calls: list[Call] = []
        self.not_made = 0
        self._phase = phase
        self._ask = ask
        self._numbers = numbers
        self._left = count
        self._lock = threading.Lock()
        self._callers = [
            threading.Thread(target=self._run, args=(caller,), daemon=True, name=f"caller {caller}")
            for caller in range(CALLERS)
        ]
        self._current: dict[int, Call] = {}
        for thread in self._callers:
            thread.start()

    def _run(self, caller: int) -> None:
        while True:
            with self._lock:
                if self._left == 0:
                    return
                self._left -= 1
                call = Call(self._phase, caller, next(self._numbers), time.monotonic())
                self.calls.append(call)
                self._current[caller] = call
            try:
                answer = self._ask(call.number)
                call.is_right = answer == call.number * 2 + 1
            except BaseException as error:  # noqa: BLE001 - whatever it is, it is counted
                call.error = error
            call.ended = time.monotonic()
            if call.is_hung:
                return  # written off: others have made its calls

    def begun(self) -> int:
        """Count the calls that have begun."""
        return len(self.calls)

    def until_begun(self, count: int) -> None:
        """Wait until so many calls have begun, or none will any more."""
        while self.begun() < count and self._is_going_on():
            time.sleep(POLL_S)

    def finish(self) -> None:
        """Wait for the callers; who does not come back from a call is written off."""
        while self._is_going_on():
            time.sleep(POLL_S)
        with self._lock:
            self.not_made, self._left = self._left, 0

    def _is_going_on(self) -> bool:
        going_on = False
        for caller, thread in enumerate(self._callers):
            call = self._current.get(caller)
            if not thread.is_alive() or (call and call.is_hung):
                continue
            if call and call.ended is None and time.monotonic() - call.begun > HANG_S:
                call.is_hung = True
                continue
            going_on = True
        return going_on


class Crowd:
    """All calls of one trial."""

    def __init__(self) -> None:
        self.works: list[Work] = []
        self._numbers = itertools.count(1)

    def start(self, phase: str, count: int, ask: Callable[[int], int]) -> Work:
        """Have everybody begin; the caller finishes it."""
        work = Work(phase, ask, self._numbers, count)
        self.works.append(work)
        return work

    @contextlib.contextmanager
    def at_work(self, phase: str, count: int, ask: Callable[[int], int]) -> Iterator[Work]:
        """Make calls while the block runs; the block's end waits for them."""
        work = self.start(phase, count, ask)
        yield work
        work.finish()

    def calls(self) -> list[Call]:
        """Give every call of every phase."""
        return [call for work in self.works for call in work.calls]
