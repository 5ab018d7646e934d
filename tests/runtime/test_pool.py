"""`pool`: at most so many objects, each with one user at a time, handed out fairly."""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any

import coldcache
import pytest
from coldcache import _core, pool


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


def test_all_objects_are_checked_after_an_error_of_one() -> None:
    checks: list[Connection] = []
    connections = pool(size=3, check=checks.append, retry_on=OSError)(Connection)
    with connections(), connections(), connections():
        pass
    with pytest.raises(ConnectionError), connections():
        raise ConnectionResetError
    with connections(), connections(), connections():
        pass
    with connections(), connections(), connections():
        pass

    assert len(checks) == len(set(checks)) == 3


def test_objects_are_checked_once_after_a_thaw(clock: Any) -> None:
    checks: list[Connection] = []
    connections = pool(size=3, check=checks.append)(Connection)
    with connections(), connections():
        pass
    clock.freeze(60)
    for _ in range(3):
        with connections(), connections():
            pass

    assert len(checks) == 2


def test_an_object_whose_check_fails_is_replaced(clock: Any) -> None:
    connections = pool(size=2, check=lambda one: False, close=Connection.close)(Connection)
    with connections() as old:
        pass
    clock.freeze(60)
    with connections() as new:
        assert new is not old
        assert old.is_closed

    assert connections.stats()["idle"] == 1


def test_objects_are_replaced_at_their_age(clock: Any) -> None:
    connections = pool(size=2, max_age=60, close=Connection.close)(Connection)
    with connections() as old:
        clock.advance(60)
    with connections() as new:
        assert new is not old
    assert old.is_closed


def test_objects_idle_for_too_long_are_closed_down_to_min_idle(clock: Any) -> None:
    checks: list[Connection] = []
    connections = pool(
        size=4, min_idle=1, max_idle=60, check=checks.append, close=Connection.close
    )(Connection)
    with connections(), connections(), connections(), connections():
        pass
    clock.advance(61)
    for _ in range(5):
        with connections():
            pass

    assert (connections.stats()["idle"], connections.stats()["shed"]) == (1, 3)
    assert len(checks) == 1


def test_after_a_restore_objects_without_a_check_are_replaced() -> None:
    connections = pool(close=Connection.close)(Connection)
    with connections() as old:
        pass
    _core._note_restore()
    with connections() as new:
        assert new is not old


def test_invalidate_closes_idle_objects_now_and_the_others_later() -> None:
    connections = pool(size=2, close=Connection.close)(Connection)
    with connections() as held:
        with connections() as idle:
            pass
        connections.invalidate()
        assert idle.is_closed
        assert not held.is_closed
    assert held.is_closed
    assert ends(connections) == (0, 0, 0)


def test_close_closes_also_what_is_in_use() -> None:
    connections = pool(size=2, close=Connection.close)(Connection)
    with connections() as held:
        connections.close()
        assert held.is_closed
    with connections() as new:
        assert not new.is_closed

    assert ends(connections) == (1, 0, 0)


def test_reset_is_called_with_what_comes_back() -> None:
    resets: list[Connection] = []
    connections = pool(size=1, reset=resets.append)(Connection)
    with connections() as one:
        assert resets == []
    with pytest.raises(LookupError), connections():
        raise LookupError

    assert resets == [one, one]


def test_an_object_whose_reset_fails_is_replaced() -> None:
    def reset(connection: Connection) -> None:
        raise OSError("gone")

    connections = pool(size=1, reset=reset, close=Connection.close)(Connection)
    with connections() as old:
        pass
    with connections() as new:
        assert new is not old

    assert old.is_closed


def test_an_interrupt_in_a_block_has_its_object_replaced() -> None:
    connections = pool(size=2, close=Connection.close)(Connection)
    with pytest.raises(KeyboardInterrupt), connections() as old:
        raise KeyboardInterrupt

    assert old.is_closed
    assert connections.stats()["replaced"] == {"interrupted": 1}


def test_call_tries_once_more_with_a_new_object() -> None:
    connections = pool(size=2, retry_on=OSError, close=Connection.close)(Connection)
    seen: list[Connection] = []

    def query(connection: Connection, rows: int) -> int:
        seen.append(connection)
        if len(seen) == 1:
            raise ConnectionResetError
        return rows

    assert connections.call(query, 5) == 5
    assert seen[0] is not seen[1]
    assert seen[0].is_closed


@pytest.mark.parametrize("check", [None, Connection.ping], ids=["without check", "with check"])
def test_the_second_call_gets_a_good_object_if_all_had_gone_bad(check: Any) -> None:
    connections = pool(
        size=3, check=check, retry_on=ConnectionError, close=lambda one: None, timeout=5
    )(Connection)
    with connections() as one, connections() as two, connections() as three:
        pass
    for each in (one, two, three):
        each.is_closed = True  # the server restarted

    assert connections.call(Connection.ping) is None
    assert connections.stats()["retries"] == 1


def test_call_tries_twice_at_most() -> None:
    connections = pool(size=2, retry_on=OSError)(Connection)
    seen: list[Connection] = []

    def query(connection: Connection) -> None:
        seen.append(connection)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        connections.call(query)

    assert len(seen) == 2
    assert ends(connections)[1] == 0


def test_a_retried_block_runs_again_after_a_declared_error_only() -> None:
    connections = pool(size=2, retry_on=OSError)(Connection)
    runs: list[int] = []
    for attempt in connections(retry=True):
        with attempt:
            runs.append(1)
            if len(runs) == 1:
                raise ConnectionResetError
    assert len(runs) == 2

    def fail() -> None:
        for attempt in connections(retry=True):
            with attempt:
                runs.append(1)
                raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert len(runs) == 3


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
