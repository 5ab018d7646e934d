"""`resource`: one object for all, made on first use, handed out as it is while it is healthy."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import coldcache
import pytest
from coldcache import resource
from coldcache._resource import registered


class Connection:
    """What the factories here make: it knows whether it was closed."""

    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        assert not self.is_closed, "closed twice"
        self.is_closed = True


@resource
def module_level() -> Connection:
    """Say what it is."""
    return Connection()


def test_nothing_is_made_before_the_first_use() -> None:
    made: list[Connection] = []
    database = resource(lambda: made.append(Connection()) or made[-1])
    database()

    assert made == []


def test_all_uses_get_the_same_object() -> None:
    database = resource(Connection)
    with database() as first, database() as second:
        assert first is second is database.get() is database.peek()

    assert database.stats()["made"] == 1


def test_peek_makes_nothing() -> None:
    assert resource(Connection).peek() is None


def test_a_healthy_object_is_never_checked() -> None:
    checks: list[object] = []
    database = resource(check=checks.append, max_idle=60, max_age=600)(Connection)
    for _ in range(100):
        with database():
            pass

    assert checks == []


def test_stats_count_uses() -> None:
    database = resource(Connection)
    for _ in range(3):
        with database():
            pass
    database.get()

    assert database.stats()["uses"] == 4


def test_stats_tell_how_many_use_it_now() -> None:
    database = resource(Connection)
    with database(), database():
        assert database.stats()["in_use"] == 2

    assert database.stats()["in_use"] == 0


def test_stats_tell_its_age(clock: Any) -> None:
    database = resource(Connection)
    database.get()
    clock.freeze(100)

    assert database.stats()["age"] == pytest.approx(100)


def test_an_object_that_compares_oddly_is_handed_out_all_the_same() -> None:
    class Odd:
        __hash__ = None  # type: ignore[assignment]

        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        def __bool__(self) -> bool:
            raise AssertionError("asked for its truth")

    database = resource(close=lambda odd: None)(Odd)
    with database() as odd:
        assert type(odd) is Odd
    database.invalidate()

    assert type(database.get()) is Odd


def test_a_failing_factory_is_called_again_by_the_next_use() -> None:
    answers: list[Any] = [OSError("down"), Connection()]

    @resource
    def database() -> Connection:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer  # type: ignore[no-any-return]

    with pytest.raises(OSError, match="down"), database():
        pass

    assert isinstance(database.get(), Connection)


def test_an_error_of_the_block_comes_out_as_itself() -> None:
    database = resource(Connection)
    error = LookupError("mine")
    with pytest.raises(LookupError) as caught, database():
        raise error

    assert caught.value is error


def test_invalidate_has_it_made_anew_and_closes_the_old_one() -> None:
    database = resource(close=Connection.close)(Connection)
    old = database.get()
    database.invalidate()

    assert old.is_closed
    assert database.get() is not old


def test_an_object_in_use_is_closed_after_its_last_user() -> None:
    database = resource(close=Connection.close)(Connection)
    with database() as old:
        with database() as same:
            assert same is old
            database.invalidate()
            with database() as new:
                assert new is not old
        assert not old.is_closed

    assert old.is_closed
    assert not new.is_closed


def test_a_closed_resource_is_made_anew() -> None:
    database = resource(close=Connection.close)(Connection)
    with database() as old:
        database.close()
        assert old.is_closed

    assert not database.get().is_closed


def test_an_invalidation_without_an_object_is_fine() -> None:
    database = resource(close=Connection.close)(Connection)
    database.invalidate()

    assert database.stats()["closed"] == 0


def test_close_errors_are_counted_and_nobodys(caplog: pytest.LogCaptureFixture) -> None:
    def fail(connection: Connection) -> None:
        raise RuntimeError("the password is hunter2")

    database = resource(close=fail, name="failing to close")(Connection)
    for _ in range(3):
        database.get()
        database.invalidate()

    assert database.stats()["close_failures"] == 3
    assert [record.getMessage() for record in caplog.records] == [
        "closing an object of failing to close failed (RuntimeError); said once, counted in stats()"
    ]


def test_a_lease_is_good_for_one_block() -> None:
    database = resource(Connection)
    lease = database()
    with lease:
        pass
    with pytest.raises(RuntimeError, match="one `with` block"):
        lease.__enter__()


def test_a_lease_that_is_not_in_use_cannot_be_given_back() -> None:
    with pytest.raises(RuntimeError, match="not in use"):
        resource(Connection)().__exit__(None, None, None)


def test_an_abandoned_lease_is_no_user_any_more() -> None:
    database = resource(Connection)
    database().__enter__()
    gc.collect()

    assert database.stats()["in_use"] == 0


def test_it_looks_like_the_function_it_was() -> None:
    assert module_level.__name__ == "module_level"
    assert module_level.__doc__ == "Say what it is."
    assert module_level.__wrapped__() is not None
    assert module_level.name == "module_level"


def test_its_repr_shows_its_state_and_nothing_of_the_object() -> None:
    class Secretive:
        def __repr__(self) -> str:
            return "hunter2"

    database = resource(name="database")(Secretive)
    assert repr(database) == "<coldcache.resource database: not made>"
    assert repr(database()) == "<lease of database: not entered>"
    with database():
        assert repr(database) == "<coldcache.resource database: in use by 1>"
    assert repr(database) == "<coldcache.resource database: idle>"


def test_it_copies_to_itself_and_pickles_by_name() -> None:
    assert copy.copy(module_level) is copy.deepcopy(module_level) is module_level
    assert module_level.__reduce__() == "module_level"
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(resource(lambda: 1))


def test_it_is_registered_as_long_as_somebody_has_it() -> None:
    database = resource(Connection)
    assert registered()[-1] is database
    dead = weakref.ref(database)
    del database
    gc.collect()

    assert dead() is None
    assert dead not in registered()


def test_a_cycle_through_the_object_is_collected() -> None:
    class Owner:
        def __init__(self) -> None:
            self.connection = Connection()
            self.connection.owner = self  # type: ignore[attr-defined]
            self.database = resource(lambda: self.connection)
            self.database.get()
            self.lease = self.database()
            self.lease.__enter__()

    dead = weakref.ref(Owner())
    gc.collect()

    assert dead() is None


def test_warm_up_makes_it() -> None:
    database = resource(Connection)
    assert not database.is_done()
    database._warm_up()

    assert database.is_done()
    assert database.stats()["made"] == 1


def test_a_resource_may_use_another() -> None:
    inner = resource(Connection)

    @resource
    def outer() -> list[Connection]:
        with inner() as connection:
            return [connection]

    with outer() as pair:
        assert pair == [inner.peek()]


def test_a_use_inside_its_own_factory_is_an_error_that_names_it() -> None:
    @resource
    def database() -> Connection:
        return database.get()  # type: ignore[no-any-return]

    with pytest.raises(coldcache.ReentrantLoadError, match="database -> database"):
        database.get()


@pytest.mark.parametrize("options", [{}, {"timeout": 10}], ids=["plain", "timeout"])
def test_a_ring_of_resources_is_an_error_that_prints_it(options: dict[str, Any]) -> None:
    made: dict[str, Callable[[], Any]] = {}
    first = resource(name="first", **options)(lambda: made["second"]())  # noqa: PLW0108
    second = resource(name="second", **options)(lambda: made["first"]())  # noqa: PLW0108
    made.update(first=first.get, second=second.get)

    with pytest.raises(coldcache.ReentrantLoadError, match="first -> second -> first"):
        first.get()


def test_what_is_declared_is_shown() -> None:
    @coldcache.once
    def secret() -> str:
        return "s"

    database = resource(depends_on=(secret,), warm="prepaid")(Connection)

    assert (database.kind, database.warm, database.required) == ("resource", "prepaid", False)
    assert database.depends_on == (secret,)
    assert database.after == (secret,)
    assert database.is_async is False
