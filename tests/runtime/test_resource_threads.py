"""A resource under threads and signals: one flight to make it, one to check it, one close each."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import coldcache
import pytest
from coldcache import resource

CALLERS = 32


class Gated:
    """A factory that answers with the number of its run, when it is let to."""

    def __init__(self) -> None:
        self.made = 0
        self.closed: list[int] = []
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.error: Exception | None = None

    def make(self) -> int:
        self.made += 1
        number = self.made
        self.entered.set()
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return number


def test_all_callers_of_a_cold_resource_share_one_run(start: Callable[..., Any]) -> None:
    made: list[int] = []

    @resource
    def slow() -> int:
        made.append(1)
        time.sleep(0.02)  # real time, for the others to come along
        return len(made)

    values = start(*[slow.get] * CALLERS).values()

    assert values == [1] * CALLERS
    assert len(made) == 1


def test_all_callers_get_an_error_of_their_own_chained_to_the_first(
    start: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    gated = Gated()
    gated.error = OSError("down")
    database = resource(gated.make)
    crew = start(*[database.get] * 8)
    eventually(lambda: database._flights.stats()["misses"] >= 8)
    gated.gate.set()
    errors = [outcome.error for outcome in crew.outcomes()]

    assert all(type(error) is OSError for error in errors)
    assert len({id(error) for error in errors}) == 8
    assert gated.made == 1


def test_one_check_runs_for_all_callers_after_a_thaw(start: Callable[..., Any], clock: Any) -> None:
    checks: list[int] = []

    def check(number: int) -> None:
        checks.append(number)
        time.sleep(0.02)  # real time, for the others to come along

    database = resource(check=check)(lambda: 1)
    database.get()
    clock.freeze(60)
    start(*[database.get] * CALLERS).values()

    assert checks == [1]


def test_a_replaced_object_is_closed_once_by_its_last_user(start: Callable[..., Any]) -> None:
    made: list[list[str]] = []
    barrier = threading.Barrier(8)

    @resource(close=lambda one: one.append("closed"))
    def database() -> list[str]:
        made.append([])
        return made[-1]

    def use() -> bool:
        with database() as one:
            barrier.wait(10)
            database.invalidate()
            barrier.wait(10)
            is_open = one == []
            barrier.wait(10)
        return is_open

    assert start(*[use] * 8).values() == [True] * 8
    assert all(one == ["closed"] for one in made[:1])
    assert all(one in ([], ["closed"]) for one in made)


def test_an_object_invalidated_while_it_is_made_is_made_anew(
    start: Callable[..., Any],
) -> None:
    gated = Gated()
    database = resource(close=gated.closed.append)(gated.make)
    crew = start(database.get)
    assert gated.entered.wait(10)
    database.invalidate()
    gated.gate.set()

    assert crew.values() == [2]
    assert gated.closed == [1]
    assert database.get() == 2


def test_a_factory_that_always_invalidates_ends_all_the_same() -> None:
    @resource
    def database() -> object:
        database.invalidate()
        return object()

    assert database.get() is not None


def test_a_crowd_that_uses_and_invalidates_never_sees_a_closed_object(
    start: Callable[..., Any],
) -> None:
    class Connection:
        is_closed = False

    def close(connection: Connection) -> None:
        assert not connection.is_closed
        connection.is_closed = True

    database = resource(close=close)(Connection)

    def use() -> int:
        seen = 0
        for turn in range(300):
            with database() as connection:
                seen += connection.is_closed
            if turn % 7 == 0:
                database.invalidate()
        return seen

    assert start(*[use] * 8).values() == [0] * 8
    stats = database.stats()
    assert stats["in_use"] == stats["close_failures"] == 0
    assert stats["made"] - stats["closed"] in (0, 1)


def test_an_interrupt_while_waiting_for_another_caller_comes_out(
    start: Callable[..., Any],
) -> None:
    gated = Gated()
    database = resource(gated.make)
    crew = start(database.get)
    assert gated.entered.wait(10)

    class Stop(Exception):
        pass

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, stop)
    timer = threading.Timer(0.05, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(Stop):
            database.get()
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
        gated.gate.set()

    assert crew.values() == [1]


def test_an_interrupt_of_a_bounded_factory_comes_out_and_its_object_is_closed(
    eventually: Callable[..., None],
) -> None:
    gated = Gated()
    database = resource(close=gated.closed.append, timeout=10)(gated.make)

    class Stop(Exception):
        pass

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, stop)
    main = threading.get_ident()

    def interrupt() -> None:
        assert gated.entered.wait(10)
        signal.pthread_kill(main, signal.SIGUSR1)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(Stop):
            database.get()
    finally:
        thread.join()
        signal.signal(signal.SIGUSR1, before)
    gated.gate.set()
    eventually(lambda: gated.closed == [1])

    assert database.get() == 2


def test_a_signal_handler_may_use_the_resource_that_is_being_used() -> None:
    database = resource(lambda: [0])

    def use(number: int, frame: FrameType | None) -> None:
        with database() as count:
            count[0] += 1

    before = signal.signal(signal.SIGUSR1, use)
    try:
        for _ in range(200):
            with database():
                signal.raise_signal(signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert database.get() == [200]


def test_a_ring_over_two_threads_ends_in_an_error_that_prints_it(
    start: Callable[..., Any],
) -> None:
    barrier = threading.Barrier(2)
    made: dict[str, Any] = {}

    def make(other: str) -> object:
        if not barrier.broken:
            with contextlib.suppress(threading.BrokenBarrierError):
                barrier.wait(5)
        return made[other].get()

    made["a"] = resource(name="a")(lambda: make("b"))
    made["b"] = resource(name="b")(lambda: make("a"))
    outcomes = start(made["a"].get, made["b"].get).outcomes()
    barrier.abort()

    errors = [outcome.error for outcome in outcomes]
    assert any(isinstance(error, coldcache.ReentrantLoadError) for error in errors)
    assert all(error is not None for error in errors)
