"""`pool`: at most so many objects, each with one user at a time, handed out fairly."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import coldcache
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


def test_nothing_is_made_before_the_first_use() -> None:
    connections = pool(Connection)
    connections()

    assert connections.stats()["made"] == 0


def test_each_user_has_an_object_of_his_own() -> None:
    connections = pool(size=3)(Connection)
    with connections() as one, connections() as two, connections() as three:
        assert len({one, two, three}) == 3
        assert ends(connections) == (0, 3, 0)

    assert ends(connections) == (3, 0, 0)


def test_the_object_used_last_is_handed_out_first() -> None:
    connections = pool(size=3)(Connection)
    with connections() as one, connections():
        pass
    with connections() as again:
        assert again is one


def test_no_more_objects_are_made_than_needed() -> None:
    connections = pool(size=8)(Connection)
    for _ in range(100):
        with connections():
            pass

    assert connections.stats()["made"] == 1


def test_a_healthy_object_is_never_checked() -> None:
    checks: list[Connection] = []
    connections = pool(check=checks.append, max_idle=60, max_age=600)(Connection)
    for _ in range(100):
        with connections():
            pass

    assert checks == []


def test_a_full_pool_is_saturated_and_says_by_whom() -> None:
    connections = pool(size=2, timeout=0.05, name="connections")(Connection)

    def report() -> None:
        with connections(), connections():
            with pytest.raises(coldcache.PoolSaturated) as caught, connections():
                pass
            error = caught.value
            assert str(error).startswith("connections: no object came back in 0.05 s; all 2 are in")
            assert f"; held longest: {error.held_for:.1f} s by {error.holder}" in str(error)
            assert (error.size, error.waiters) == (2, 0)
            assert "report (test_pool.py:" in str(error.holder)
            assert "thread MainThread)" in str(error.holder)
            assert error.held_for >= 0.05

    report()
    assert connections.stats()["saturated"] == 1
    assert ends(connections) == (2, 0, 0)


def test_saturation_is_a_timeout_error() -> None:
    connections = pool(size=1, timeout=0.01)(Connection)
    with connections(), pytest.raises(TimeoutError), connections():
        pass


def test_an_object_that_comes_back_goes_to_whoever_waits_longest(
    start: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    connections = pool(size=1, timeout=10)(Connection)
    order: list[int] = []

    def use(number: int) -> None:
        with connections():
            order.append(number)

    crews = []
    with connections():
        for number in range(8):
            crews.append(start(lambda number=number: use(number)))
            eventually(lambda number=number: connections.stats()["waiting"] == number + 1)
    for crew in crews:
        crew.values()

    assert order == list(range(8))


def test_a_newcomer_does_not_overtake_who_waits(
    start: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    connections = pool(size=1, timeout=10)(Connection)
    order: list[str] = []

    def wait() -> None:
        with connections():
            order.append("waiter")

    with connections():
        crew = start(wait)
        eventually(lambda: connections.stats()["waiting"] == 1)
    with connections():
        order.append("newcomer")
    crew.values()

    assert order == ["waiter", "newcomer"]


@pytest.mark.parametrize("size", [1, 2, 5])
def test_a_crowd_never_shares_an_object(start: Callable[..., Any], size: int) -> None:
    connections = pool(size=size, close=Connection.close, retry_on=OSError, timeout=20)(Connection)

    def use() -> int:
        most = 0
        for turn in range(150):
            try:
                with connections() as one:
                    one.users += 1
                    most = max(most, one.users + 2 * one.is_closed)
                    one.users -= 1
                    if turn % 13 == 0:
                        raise ConnectionResetError
            except ConnectionResetError:
                pass
            if turn % 50 == 0:
                connections.invalidate()
        return most

    assert start(*[use] * 12).values() == [1] * 12
    stats = connections.stats()
    assert (stats["in_use"], stats["waiting"]) == (0, 0)
    assert stats["idle"] <= size
    assert stats["made"] - stats["closed"] == stats["idle"]


def test_a_failing_factory_leaves_its_place_free(start: Callable[..., Any]) -> None:
    errors = [OSError("down")] * 20

    @pool(size=2, timeout=10)
    def connections() -> Connection:
        if errors:
            raise errors.pop()
        return Connection()

    def use() -> bool:
        with connections() as one:
            return isinstance(one, Connection)

    outcomes = start(*[use] * 24).outcomes()

    assert sum(isinstance(outcome.error, OSError) for outcome in outcomes) == 20
    assert sum(outcome.value is True for outcome in outcomes) == 4
    assert ends(connections)[1:] == (0, 0)


def test_a_waiter_makes_an_object_when_another_one_is_given_up(
    start: Callable[..., Any], eventually: Callable[..., None]
) -> None:
    connections = pool(size=1, timeout=10, close=Connection.close)(Connection)

    def use() -> Connection:
        with connections() as one:
            return one  # type: ignore[no-any-return]

    with connections() as old:
        crew = start(use)
        eventually(lambda: connections.stats()["waiting"] == 1)
        connections.invalidate()
    (new,) = crew.values()

    assert old.is_closed
    assert new is not old


def test_warm_up_makes_min_idle_objects() -> None:
    connections = pool(size=4, min_idle=3)(Connection)
    assert not connections.is_done()
    connections._warm_up()

    assert connections.is_done()
    assert ends(connections) == (3, 0, 0)
    connections._warm_up()
    assert connections.stats()["made"] == 3


def test_a_failing_warm_up_leaves_an_empty_pool() -> None:
    connections = pool(size=2, min_idle=2)(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        connections._warm_up()

    assert ends(connections) == (0, 0, 0)


def test_a_hanging_factory_ends_in_load_timeout_and_its_place_is_free() -> None:
    gate = threading.Event()
    hangs = [True]

    @pool(size=1, timeout=0.05, close=Connection.close)
    def connections() -> Connection:
        if hangs.pop() if hangs else False:
            gate.wait(10)
        return Connection()

    try:
        with pytest.raises(coldcache.LoadTimeout), connections():
            pass
        with connections():
            pass
    finally:
        gate.set()


def test_a_checkout_is_good_for_one_block() -> None:
    connections = pool(Connection)
    checkout = connections()
    with checkout:
        pass
    with pytest.raises(RuntimeError, match="one `with` block"):
        checkout.__enter__()
    with pytest.raises(RuntimeError, match="holds no object"):
        checkout.__exit__(None, None, None)


def test_a_use_inside_its_own_factory_is_an_error() -> None:
    @pool(size=2, timeout=5)
    def connections() -> Connection:
        with connections() as one:
            return one  # type: ignore[no-any-return]

    message = "connections -> connections"
    with pytest.raises(coldcache.ReentrantLoadError, match=message), connections():
        pass


def test_its_repr_shows_its_state_and_nothing_of_the_objects() -> None:
    connections = pool(size=2, name="connections")(Connection)
    with connections():
        assert repr(connections) == "<coldcache.pool connections: 1 of 2 in use>"
    assert repr(connections()) == "<checkout of connections: not entered>"


def test_closes_that_hang_are_put_off_once_half_of_the_time_is_over() -> None:
    gate = threading.Event()
    begun: list[Connection] = []

    def close(connection: Connection) -> None:
        begun.append(connection)
        gate.wait(10)

    connections = pool(size=8, timeout=0.4, close=close, name="hanging")(Connection)
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            stack.enter_context(connections())
    try:
        connections.invalidate()
        assert 0 < len(begun) < 8
        with connections():
            pass
    finally:
        gate.set()
