"""Signal handlers that raise at any point of a use: nothing is lost, nothing hangs."""

from __future__ import annotations

import gc
import itertools
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import pytest
from coldcache import pool, resource

ROUNDS = 1500


class Stop(Exception):
    """What the handler raises."""


class Connection:
    is_closed = False
    users = 0

    def close(self) -> None:
        self.is_closed = True


@contextmanager
def interrupted_at_random(seed: int) -> Iterator[Callable[[], None]]:
    """Within the block, a timer interrupts the code after the returned function was called."""
    draw = random.Random(seed)

    def stop(number: int, frame: FrameType | None) -> None:
        # Not in a finalizer: what that raises is nobody's, whoever raises it.
        while frame is not None:
            if frame.f_code.co_name == "__del__":
                return
            frame = frame.f_back
        raise Stop

    before = signal.signal(signal.SIGALRM, stop)
    try:
        yield lambda: signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-6, 6e-5)) and None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def rounds(arm: Callable[[], None], use: Callable[[int], None]) -> int:
    """Use it again and again under fire; how often it was hit."""
    hits = 0
    for turn in range(ROUNDS):
        try:
            arm()
            use(turn)
            signal.setitimer(signal.ITIMER_REAL, 0)
        except Stop:
            hits += 1
        finally:
            with suppress(Stop):
                signal.setitimer(signal.ITIMER_REAL, 0)
    return hits


@pytest.mark.parametrize("seed", range(4))
def test_a_pool_loses_no_place(seed: int) -> None:
    connections = pool(size=2, timeout=5, close=Connection.close, reset=lambda one: None)(
        Connection
    )

    def use(turn: int) -> None:
        with connections() as one, connections() as two:
            assert one is not two
            assert not one.is_closed
        if turn % 5 == 0:
            connections.invalidate()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        with interrupted_at_random(seed) as arm:
            hits = rounds(arm, use)
        gc.collect()

    assert hits > 0
    stats = connections.stats()
    assert (stats["in_use"], stats["waiting"]) == (0, 0)
    with connections(), connections():
        pass


@pytest.mark.parametrize("seed", range(4))
def test_a_pool_without_hooks_loses_no_place(seed: int) -> None:
    connections = pool(size=1, timeout=None)(Connection)

    def use(turn: int) -> None:
        with connections() as one:
            assert isinstance(one, Connection)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        with interrupted_at_random(seed) as arm:
            hits = rounds(arm, use)
        gc.collect()

    assert hits > 0
    assert connections.stats()["in_use"] == 0


@pytest.mark.parametrize("seed", range(4))
def test_a_resource_forgets_no_user(seed: int) -> None:
    database = resource(close=Connection.close)(Connection)

    def use(turn: int) -> None:
        with database() as one, database() as two:
            assert one.is_closed is two.is_closed is False
        if turn % 5 == 0:
            database.invalidate()

    with interrupted_at_random(seed) as arm:
        hits = rounds(arm, use)
    gc.collect()

    assert hits > 0
    assert database.stats()["in_use"] == 0
    with database() as one:
        assert not one.is_closed


def test_threads_go_on_beside_a_main_thread_that_is_interrupted() -> None:
    connections = pool(size=2, timeout=10, close=Connection.close)(Connection)
    may_end = threading.Event()
    errors: list[BaseException] = []
    uses = itertools.count()

    def work() -> None:
        try:
            while not may_end.is_set():
                with connections() as one:
                    one.users += 1
                    assert one.users == 1
                    one.users -= 1
                    next(uses)
        except BaseException as error:  # noqa: BLE001 (an outcome)
            errors.append(error)

    def use(turn: int) -> None:
        with connections():
            pass

    threads = [threading.Thread(target=work) for _ in range(3)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            for thread in threads:
                thread.start()
            with interrupted_at_random(7) as arm:
                rounds(arm, use)
        finally:
            may_end.set()
            for thread in threads:
                thread.join(20)
            sys.setswitchinterval(interval)
        gc.collect()

    assert errors == []
    assert next(uses) > 0
    assert connections.stats()["in_use"] == 0


def test_a_lost_wake_up_is_made_up_for(start: Callable[..., Any], eventually: Any) -> None:
    connections = pool(size=1, timeout=10)(Connection)
    seat = connections._seat()
    assert seat.take()
    seat.fill(connections._accept(Connection(), 0, 0, (), None))

    def use() -> bool:
        with connections():
            return True

    crew = start(use)
    eventually(lambda: connections.stats()["waiting"] == 1)
    seat.give()  # and whoever should have called the waker was interrupted

    assert crew.values() == [True]
