"""Scenarios for plain functions that threads call."""

from __future__ import annotations

import os
import signal
import statistics
import threading
import time
import traceback
from typing import TYPE_CHECKING

from verdict import Verdict, loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from subjects import Cached

CALLERS = 64
SIGNAL_LIMIT_S = 0.050


class Down(Exception):
    """The source cannot be reached."""


class Crowd:
    """Many threads that call at the same moment, and what each of them got."""

    def __init__(self, number: int, call: Callable[[], object]) -> None:
        self.answers: list[object] = []
        self.errors: list[BaseException] = []
        self.calling = 0
        self._barrier = threading.Barrier(number)
        self._lock = threading.Lock()
        self._call = call
        self._threads = [threading.Thread(target=self._one, daemon=True) for _ in range(number)]

    def _one(self) -> None:
        self._barrier.wait()
        with self._lock:
            self.calling += 1
        try:
            self.answers.append(self._call())
        except BaseException as error:  # noqa: BLE001 - whatever it was, it is what is asked for
            self.errors.append(error)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join()

    def is_complete(self) -> bool:
        return self.calling == len(self._threads)


def until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.001)


def gathered(crowd: Crowd) -> None:
    """Give all callers the time to get to where they wait."""
    until(crowd.is_complete)
    time.sleep(0.1)


def stampede(subject: Callable[..., Cached]) -> Verdict:
    """64 threads ask for the same cold key."""
    calls = []

    def load(key: object) -> object:
        calls.append(key)
        gathered(crowd)
        return object()

    cached = subject(load)
    crowd = Crowd(CALLERS, lambda: cached.call("k"))
    crowd.start()
    crowd.join()
    return loads(len(calls), len(set(map(id, crowd.answers))) == 1)


def failing(subject: Callable[..., Cached]) -> Verdict:
    """The load fails while 64 threads wait for it."""
    calls = []

    def load(key: object) -> object:
        calls.append(key)
        if is_healthy:
            return "healthy"
        if len(calls) == 1:
            gathered(crowd)
        else:
            time.sleep(0.01)
        raise Down

    is_healthy = False
    cached = subject(load)
    crowd = Crowd(CALLERS, lambda: cached.call("k"))
    crowd.start()
    crowd.join()
    number, is_healthy = len(calls), True
    if len(crowd.errors) != CALLERS:
        return Verdict(False, f"{len(crowd.answers)} got a value")
    try:
        cached.call("k")
    except Down:
        return Verdict(False, "old error later")
    return loads(number)


def exceptions(subject: Callable[..., Cached]) -> Verdict:
    """The exceptions of 16 threads whose load failed: whose are they, and how long?"""

    def load(key: object) -> object:
        gathered(crowd)
        raise Down

    cached = subject(load)
    crowd = Crowd(16, lambda: cached.call("k"))
    crowd.start()
    crowd.join()
    return whose(crowd.errors)


def whose(errors: list[BaseException]) -> Verdict:
    frames = max(len(traceback.extract_tb(error.__traceback__)) for error in errors)
    if len(set(map(id, errors))) == len(errors):
        return Verdict(True, "own")
    return Verdict(False, f"shared, {frames} frame{'s' * (frames > 1)}")


def reentry(subject: Callable[..., Cached]) -> Verdict:
    """A load asks for its own key."""
    depth = []

    def load(key: object) -> object:
        depth.append(key)
        return cached.call(key) if len(depth) == 1 else "value"

    cached = subject(load)
    try:
        cached.call("k")
    except RecursionError:
        return Verdict(False, "RecursionError")
    except Exception as error:  # noqa: BLE001
        return Verdict(True, type(error).__name__)
    return Verdict(True, "runs twice")


def ring(subject: Callable[..., Cached]) -> Verdict:
    """Two threads: the load of a asks for b, the load of b asks for a."""
    barrier = threading.Barrier(2)
    other = {"a": "b", "b": "a"}
    depth = []

    def load(key: str) -> object:
        depth.append(key)
        if len(depth) > 2:
            return key
        barrier.wait()
        return cached.call(other[key])

    cached = subject(load)
    keys = iter("ab")
    crowd = Crowd(2, lambda: cached.call(next(keys)))
    crowd.start()
    crowd.join()
    if crowd.errors:
        return Verdict(True, type(crowd.errors[0]).__name__)
    return Verdict(True, "runs twice")


def fork(subject: Callable[..., Cached]) -> Verdict:
    """The process forks while another thread loads; the child asks for the same key."""
    started, go_on, calls = threading.Event(), threading.Event(), []

    def load(key: object) -> object:
        calls.append(key)
        if len(calls) == 1:
            started.set()
            go_on.wait()
        return "value"

    cached = subject(load)
    thread = threading.Thread(target=cached.call, args=("k",), daemon=True)
    thread.start()
    started.wait()
    child = os.fork()
    if child == 0:
        os._exit(0 if cached.call("k") == "value" else 1)
    deadline = time.monotonic() + 3
    status = None
    while status is None and time.monotonic() < deadline:
        ended, code = os.waitpid(child, os.WNOHANG)
        status = code if ended else None
        time.sleep(0.005)
    go_on.set()
    thread.join()
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return Verdict(False, "child hangs")
    return Verdict(status == 0, "child loads" if status == 0 else "child fails")


def react(subject: Callable[..., Cached]) -> Verdict:
    """A signal arrives while the main thread waits for the load of another."""
    started, go_on, handled = threading.Event(), threading.Event(), []
    signal.signal(signal.SIGUSR1, lambda *_: handled.append(time.monotonic()))
    calls, reactions = [], []

    def load(key: object) -> object:
        calls.append(key)
        started.set()
        go_on.wait()
        return "value"

    cached = subject(load)
    main_thread = threading.main_thread().ident
    for attempt in range(5):
        started.clear()
        go_on.clear()
        handled.clear()
        owner = threading.Thread(target=cached.call, args=(attempt,), daemon=True)
        owner.start()
        started.wait()

        def poke(delay_s: float) -> None:
            time.sleep(delay_s)
            sent = time.monotonic()
            signal.pthread_kill(main_thread, signal.SIGUSR1)
            until_or = sent + 1.5
            while not handled and time.monotonic() < until_or:
                time.sleep(0.001)
            go_on.set()
            until(lambda: bool(handled))
            reactions.append(handled[0] - sent)

        # Not a multiple of anything a subject might wake up by.
        poker = threading.Thread(target=poke, args=(0.1 + 0.0073 * attempt,), daemon=True)
        poker.start()
        cached.call(attempt)
        poker.join()
        owner.join()
    reaction = statistics.median(reactions)
    if len(calls) > 5:
        return Verdict(True, "does not wait")
    return Verdict(reaction <= SIGNAL_LIMIT_S, f"{reaction * 1000:.0f} ms")


def clear(subject: Callable[..., Cached]) -> Verdict:
    """All results are forgotten while a load runs; is what it brings kept nevertheless?"""
    started, go_on, calls = threading.Event(), threading.Event(), []

    def load(key: object) -> object:
        calls.append(key)
        started.set()
        go_on.wait()
        return len(calls)

    cached = subject(load)
    thread = threading.Thread(target=cached.call, args=("k",), daemon=True)
    thread.start()
    started.wait()
    clearing = threading.Thread(target=cached.clear, daemon=True)
    clearing.start()
    clearing.join(1)
    was_prompt = not clearing.is_alive()
    go_on.set()
    thread.join()
    clearing.join()
    cached.call("k")
    if len(calls) != 2:
        return Verdict(False, "old value kept")
    return Verdict(True, "discarded" if was_prompt else "clear waits")


SCENARIOS = {
    "stampede": stampede,
    "failing": failing,
    "exceptions": exceptions,
    "reentry": reentry,
    "ring": ring,
    "fork": fork,
    "signal": react,
    "clear": clear,
}
