"""When objects of a pool are checked, replaced, closed, reset, and tried again."""

from __future__ import annotations

from typing import Any

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
