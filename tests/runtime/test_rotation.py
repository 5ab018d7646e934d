"""`depends_on`: refused credentials are fetched again, once, for all who depend on them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
from collections.abc import Callable
from typing import Any

import coldcache
import pytest
from coldcache import cached, once, pool, resource


class RefusedError(Exception):
    """What a server says to the wrong password."""


class Server:
    """A server that knows one password, a store that hands it out, and a count of all requests."""

    def __init__(self) -> None:
        self.password = "old"
        self.stored = "old"
        self.fetches = 0
        self.connects = 0
        self.closed = 0

        @cached(ttl=3600)
        def secret() -> str:
            self.fetches += 1
            return self.stored

        self.secret = secret

    def connect(self) -> list[str]:
        self.connects += 1
        given = self.secret()
        if given != self.password:
            raise RefusedError("password authentication failed for user app")
        return [given]

    def query(self, connection: list[str]) -> str:
        if connection[0] != self.password:
            raise RefusedError("the session is over")
        return "rows"

    def rotate(self) -> None:
        self.password = self.stored = "new"

    def resource(self, **options: Any) -> Any:
        options = {"depends_on": (self.secret,), "auth_errors": RefusedError, **options}
        return resource(close=self.close, **options)(self.connect)

    def pool(self, **options: Any) -> Any:
        options = {"depends_on": (self.secret,), "auth_errors": RefusedError, **options}
        return pool(close=self.close, **options)(self.connect)

    def close(self, connection: list[str]) -> None:
        self.closed += 1


@pytest.mark.parametrize("kind", ["resource", "pool"])
def test_a_refused_connect_fetches_the_secret_again_and_succeeds(kind: str) -> None:
    server = Server()
    database = getattr(server, kind)()
    server.secret()
    server.rotate()

    assert database.call(server.query) == "rows"
    assert (server.fetches, server.connects) == (2, 2)
    assert database.stats()["rotations"] == 1


@pytest.mark.parametrize("kind", ["resource", "pool"])
def test_a_call_that_is_refused_is_made_again_with_a_new_secret(kind: str) -> None:
    server = Server()
    database = getattr(server, kind)()
    database.call(server.query)
    server.rotate()

    assert database.call(server.query) == "rows"
    assert (server.fetches, server.connects, server.closed) == (2, 2, 1)


def test_a_block_that_is_refused_raises_and_the_next_one_succeeds() -> None:
    server = Server()
    database = server.resource()
    database.get()
    server.rotate()
    with pytest.raises(RefusedError), database() as connection:
        server.query(connection)

    with database() as connection:
        assert server.query(connection) == "rows"
    assert (server.fetches, server.connects) == (2, 2)


def test_a_retried_block_gets_a_connection_with_the_new_secret() -> None:
    server = Server()
    database = server.resource()
    database.get()
    server.rotate()
    answers = []
    for attempt in database(retry=True):
        with attempt as connection:
            answers.append(server.query(connection))

    assert answers == ["rows"]


@pytest.mark.parametrize("number", [1, 8])
def test_one_rotation_serves_all_dependents(number: int, start: Callable[..., Any]) -> None:
    server = Server()
    databases = [server.resource() for _ in range(number)]
    for database in databases:
        database.get()
    server.rotate()
    calls = [lambda one=database: one.call(server.query) for database in databases]

    assert start(*calls).values() == ["rows"] * number
    assert server.fetches == 2
    assert server.connects == 2 * number
    assert sum(database.stats()["rotations"] for database in databases) == 1


def test_dependents_that_did_not_complain_are_made_anew_as_well() -> None:
    server = Server()
    first, second = server.resource(), server.pool()
    first.get()
    with second():
        pass
    server.rotate()
    first.call(server.query)
    with second() as connection:
        assert connection == ["new"]

    assert second.stats()["replaced"] == {"credentials": 1}
    assert server.closed == 2


def test_what_is_in_use_elsewhere_is_not_closed_by_a_rotation() -> None:
    server = Server()
    first, second = server.resource(), server.resource()
    with second():
        first.get()
        server.rotate()
        first.call(server.query)
        assert server.closed == 1
    assert server.closed == 2


def test_a_wrong_new_secret_is_not_fetched_in_a_storm(clock: Any) -> None:
    server = Server()
    database = server.resource()
    server.password = "new"
    for _ in range(100):
        with pytest.raises(RefusedError):
            database.get()

    assert server.fetches == 2
    clock.advance(1)
    for _ in range(100):
        with pytest.raises(RefusedError):
            database.get()
    assert server.fetches == 3


def test_the_pauses_between_rotations_that_do_not_help_grow_to_a_minute(clock: Any) -> None:
    server = Server()
    database = server.resource()
    server.password = "new"
    fetched_at = []
    for second in range(400):
        before = server.fetches
        with pytest.raises(RefusedError):
            database.get()
        if server.fetches != before:
            fetched_at.append(second)
        clock.advance(1)
    pauses = [late - early for early, late in itertools.pairwise(fetched_at)]

    assert pauses == sorted(pauses)
    assert pauses[0] == 1
    assert pauses[-1] == 60


def test_a_freeze_ends_the_pause(clock: Any) -> None:
    server = Server()
    database = server.resource()
    server.password = "new"
    with pytest.raises(RefusedError):
        database.get()
    server.rotate()
    clock.freeze(60)

    assert database.get() == ["new"]


def test_many_callers_in_a_storm_fetch_once(start: Callable[..., Any], clock: Any) -> None:
    server = Server()
    databases = [server.resource() for _ in range(8)]
    server.secret()
    server.password = "new"
    outcomes = start(*[database.get for database in databases for _ in range(4)]).outcomes()

    assert all(isinstance(outcome.error, RefusedError) for outcome in outcomes)
    assert server.fetches == 2


def test_other_errors_rotate_nothing() -> None:
    server = Server()
    database = server.resource(retry_on=OSError)

    def fail(connection: object) -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        database.call(fail)

    assert server.fetches == 1


def test_one_key_of_a_cached_function_is_enough() -> None:
    fetches: list[str] = []
    right = ["old"]

    @cached
    def parameter(name: str) -> str:
        fetches.append(name)
        return right[0]

    @resource(depends_on=((parameter, "password"),), auth_errors=RefusedError)
    def database() -> list[str]:
        if parameter("password") != right[0]:
            raise RefusedError
        return [parameter("password")]

    parameter("other")
    database.get()
    right[0] = "new"
    database.invalidate()
    database.get()
    parameter("other")

    assert fetches == ["other", "password", "password"]


def test_a_once_and_a_resource_can_be_depended_on() -> None:
    right = ["old"]
    setting = once(lambda: right[0])
    client = resource(lambda: [setting()])

    @resource(depends_on=(client, setting), auth_errors=RefusedError)
    def database() -> list[str]:
        with client() as one:
            if one != right:
                raise RefusedError
            return one  # type: ignore[no-any-return]

    database.get()
    right[0] = "new"
    database.invalidate()

    assert database.get() == ["new"]


def test_the_same_secret_of_two_resources_is_one() -> None:
    server = Server()
    first, second = server.resource(), server.resource()

    assert first._secrets == second._secrets


def test_a_secret_function_may_be_asynchronous() -> None:
    right = ["old"]
    fetches: list[str] = []

    @cached
    async def secret() -> str:
        fetches.append(right[0])
        return right[0]

    @resource(depends_on=(secret,), auth_errors=RefusedError)
    async def client() -> str:
        given = await secret()
        if given != right[0]:
            raise RefusedError
        return given

    async def use() -> str:
        await client.get()
        right[0] = "new"
        client.invalidate()
        return await client.get()

    assert asyncio.run(use()) == "new"
    assert fetches == ["old", "new"]


def test_no_secret_shows_in_errors_logs_or_reprs(
    caplog: pytest.LogCaptureFixture, clock: Any
) -> None:
    password = "hunter2-of-the-day"
    secret = cached(lambda: password)

    class Connection:
        def __repr__(self) -> str:
            return password

    def fail(connection: Connection) -> None:
        raise RuntimeError(password)

    options: dict[str, Any] = {
        "check": fail,
        "close": fail,
        "depends_on": (secret,),
        "auth_errors": RefusedError,
        "name": "secretive",
        "timeout": 5,
    }
    database = resource(**options)(lambda: secret() and Connection())
    connections = pool(size=1, **{**options, "timeout": 0.01})(lambda: secret() and Connection())
    shown = []
    with database(), connections():
        with pytest.raises(coldcache.PoolSaturated) as saturated, connections():
            pass
        shown += [str(saturated.value), repr(saturated.value)]
        shown += [repr(one) for one in (database, connections, database(), connections())]
    clock.freeze(60)
    with database(), connections():
        pass
    database.invalidate()
    connections.invalidate()
    shown += [repr(database.stats()), repr(connections.stats()), caplog.text]

    assert "RuntimeError" in caplog.text
    assert not any(password in text for text in shown)


def test_a_pool_hands_out_no_other_object_made_with_the_old_secret() -> None:
    server = Server()
    connections = server.pool(size=3, timeout=5)
    with connections(), connections(), connections():
        pass
    server.rotate()

    assert connections.call(server.query) == "rows"
    with connections() as one, connections() as two, connections() as three:
        assert [server.query(each) for each in (one, two, three)] == ["rows"] * 3
    assert server.fetches == 2
    assert server.closed == 3


def test_several_users_of_a_pool_are_refused_at_once_and_rotate_once() -> None:
    server = Server()
    connections = server.pool(size=3, timeout=5)
    refused = []
    with connections() as one, connections() as two, connections() as three:
        server.rotate()
        for each in (one, two, three):
            with pytest.raises(RefusedError) as caught:
                server.query(each)
            refused.append(caught.value)

    def fail(error: Exception) -> None:
        with connections() as each:
            if each == ["old"]:
                raise error

    for error in refused:
        with contextlib.suppress(RefusedError):
            fail(error)
    assert connections.call(server.query) == "rows"
    assert server.fetches == 2
    assert connections.stats()["rotations"] == 1


def test_secrets_of_dependents_that_are_gone_are_forgotten() -> None:
    from coldcache import _rotation  # noqa: PLC0415

    gc.collect()
    before = sum(reference() is not None for reference in _rotation._secrets)
    for _ in range(10):
        Server().resource()
        gc.collect()

    assert len(_rotation._secrets) <= before + 1
