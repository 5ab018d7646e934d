"""Calls that hang for good: they are left behind, but neither without end nor for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import coldcache
import pytest
from coldcache import _hanging, pool, resource

# Seconds: short, since the tests wait for it, in real time.
LIMIT = 0.02


class Server:
    """Connecting hangs until it is well, and those who hung go on hanging."""

    def __init__(self) -> None:
        self.started = 0
        self.is_well = False
        self.released = threading.Event()

    def connect(self) -> int:
        self.started += 1
        if not self.is_well:
            self.released.wait(20)
        return self.started


@pytest.fixture
def server(eventually: Callable[..., None]) -> Iterator[Server]:
    eventually(lambda: _hanging.hanging() == 0)  # those of the tests before
    server = Server()
    yield server
    server.released.set()
    eventually(lambda: _hanging.hanging() == 0)
    _hanging.forget_after_fork()


def time_out(database: Any, times: int) -> None:
    for _ in range(times):
        with pytest.raises(coldcache.LoadTimeout):
            database.get()


def test_hanging_calls_are_forgotten_when_they_end(
    server: Server, eventually: Callable[..., None]
) -> None:
    time_out(resource(timeout=LIMIT)(server.connect), 1)
    assert _hanging.hanging() == 1

    server.released.set()

    eventually(lambda: _hanging.hanging() == 0)


def test_calls_that_hang_for_good_come_with_pauses(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_hanging, "_FREE", 1)
    # The first beyond the free ones hangs, too: 1 s of pause, longer than the rest of the test.
    time_out(resource(timeout=LIMIT)(server.connect), 10)

    assert server.started == 2


def test_calls_that_hang_for_good_are_limited_in_number(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_hanging, "_FREE", 1)
    monkeypatch.setattr(_hanging, "_LONGEST_PAUSE", 0)
    monkeypatch.setattr(_hanging, "_MOST", 4)

    time_out(resource(timeout=LIMIT)(server.connect), 10)

    assert server.started == 4


def test_a_resource_is_made_although_many_calls_still_hang(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_hanging, "_FREE", 2)
    monkeypatch.setattr(_hanging, "_LONGEST_PAUSE", 0)
    database = resource(timeout=LIMIT)(server.connect)
    time_out(database, 6)

    server.is_well = True

    assert database.get() == 7


def test_callers_of_a_pool_wait_for_the_one_call_that_is_begun(
    server: Server, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Any]
) -> None:
    monkeypatch.setattr(_hanging, "_FREE", 2)
    monkeypatch.setattr(_hanging, "_LONGEST_PAUSE", 0)
    other = resource(timeout=LIMIT)(server.connect)
    time_out(other, 2)
    server.is_well = True
    connections = pool(size=4, timeout=10)(server.connect)
    barrier = threading.Barrier(4)

    def use() -> int:
        with connections() as connection:
            barrier.wait(10)  # all four have one at a time
            return int(connection)

    outcomes = start(*[use] * 4).outcomes()

    assert sorted(outcome.value for outcome in outcomes) == [3, 4, 5, 6]


def test_after_a_call_that_ended_calls_are_begun_side_by_side_again(
    server: Server, monkeypatch: pytest.MonkeyPatch, start: Callable[..., Any]
) -> None:
    monkeypatch.setattr(_hanging, "_FREE", 2)
    monkeypatch.setattr(_hanging, "_LONGEST_PAUSE", 0)
    time_out(resource(timeout=LIMIT)(server.connect), 2)
    server.is_well = True
    barrier = threading.Barrier(2)
    meets = []

    def connect() -> int:
        if meets:
            barrier.wait(10)  # two are being made at a time
        return 1

    connections = pool(size=2, timeout=10)(connect)
    with connections():
        pass
    connections.invalidate()
    meets.append(True)

    def use() -> int:
        with connections() as connection:
            return int(connection)

    outcomes = start(use, use).outcomes()

    assert [outcome.value for outcome in outcomes] == [1, 1]


def test_an_error_is_an_end_as_well(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_hanging, "_FREE", 1)
    time_out(resource(timeout=LIMIT)(server.connect), 1)
    failures = [LookupError("no such host"), LookupError("no such host")]

    @resource(timeout=10)
    def database() -> int:
        if failures:
            raise failures.pop()
        return 1

    for _ in range(2):
        with pytest.raises(LookupError):
            database.get()

    assert database.get() == 1
