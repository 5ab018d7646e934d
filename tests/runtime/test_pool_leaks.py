"""What was not given back, or was interrupted: a pool loses no place."""

from __future__ import annotations

import gc
import signal
import threading
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from coldcache import pool


class Connection:
    """What the factories here make: it knows its users and whether it was closed."""

    def __init__(self) -> None:
        self.users = 0
        self.is_closed = False

    def close(self) -> None:
        assert not self.is_closed, "closed twice"
        self.is_closed = True

    def ping(self) -> None:
        if self.is_closed:
            raise ConnectionResetError


def ends(connections: Any) -> tuple[int, int, int]:
    stats = connections.stats()
    return stats["idle"], stats["in_use"], stats["waiting"]


def leak(connections: Any) -> None:
    connections().__enter__()
    gc.collect()


def tangle(connections: Any) -> None:
    checkout = connections()
    cycle: list[Any] = [checkout, checkout.__enter__()]
    cycle.append(cycle)


def drop(checkouts: list[Any]) -> None:
    checkouts.clear()
    gc.collect()


def test_an_object_that_was_not_returned_is_given_up_with_a_warning() -> None:
    connections = pool(size=1, timeout=5, close=Connection.close, name="connections")(Connection)
    with pytest.warns(ResourceWarning, match=r"connections: an object was not returned by leak \("):
        leak(connections)
    with connections():
        pass

    assert connections.stats()["leaks"] == 1
    assert connections.stats()["closed"] == 1
    assert ends(connections) == (1, 0, 0)


def test_who_waits_gets_the_place_of_a_leaked_object(
    start: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    connections = pool(size=1, timeout=10)(Connection)
    checkouts = [connections()]
    checkouts[0].__enter__()

    def use() -> bool:
        with connections():
            return True

    crew = start(use)
    eventually(lambda: connections.stats()["waiting"] == 1)
    with pytest.warns(ResourceWarning):
        drop(checkouts)

    assert crew.values() == [True]


def test_a_leak_in_a_cycle_is_recovered() -> None:
    connections = pool(size=1, timeout=5)(Connection)

    def lose() -> None:
        tangle(connections)
        gc.collect()

    with pytest.warns(ResourceWarning):
        lose()
    with connections():
        pass


def test_a_leak_found_by_the_collector_during_a_checkout_is_recovered() -> None:
    connections = pool(size=2, timeout=5)(Connection)

    before = gc.get_threshold()
    gc.set_threshold(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            for _ in range(200):
                tangle(connections)
                with connections():
                    pass
    finally:
        gc.set_threshold(*before)
    gc.collect()

    assert connections.stats()["leaks"] == 200
    assert ends(connections)[1] == 0


def test_a_signal_that_interrupts_a_waiter_loses_nothing() -> None:
    connections = pool(size=1, timeout=20)(Connection)

    class Stop(Exception):
        pass

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, stop)
    timer = threading.Timer(0.05, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
    try:
        with connections():
            timer.start()
            with pytest.raises(Stop), connections():
                pass
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)

    assert ends(connections) == (1, 0, 0)


def test_a_signal_handler_may_use_the_pool_that_is_being_used() -> None:
    connections = pool(size=3, timeout=5)(Connection)
    uses: list[Connection] = []

    def use(number: int, frame: FrameType | None) -> None:
        with connections() as one:
            uses.append(one)

    before = signal.signal(signal.SIGUSR1, use)
    try:
        for _ in range(200):
            with connections() as one:
                signal.raise_signal(signal.SIGUSR1)
                assert uses[-1] is not one
    finally:
        signal.signal(signal.SIGUSR1, before)

    assert ends(connections)[1:] == (0, 0)


def test_a_thousand_uses_leave_nothing_behind() -> None:
    connections = pool(size=2, close=Connection.close, retry_on=OSError)(Connection)
    for turn in range(1000):
        try:
            with connections():
                if turn % 10 == 0:
                    raise ConnectionResetError
        except ConnectionResetError:
            pass

    assert connections._held == {}
    assert len(connections._alive) == connections.stats()["idle"]
    assert len(connections._litter) == 0
