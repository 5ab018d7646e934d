"""Coldcache in the same role, with what its manual recommends for a connection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import coldcache
import psycopg
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from faults.place import SIZE, WAIT_S
from faults.subjects import Subject, ask, ask_redis

if TYPE_CHECKING:
    from faults.place import Place


class Resource(Subject):
    """`coldcache.resource`: one connection for all, used by `database.call(function)`."""

    has_check = True
    has_limit = True
    documented = (psycopg.Error, coldcache.ColdcacheError)
    broken: tuple[type[Exception], ...] = (psycopg.OperationalError,)

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.secret = coldcache.cached(ttl=300, name="database password")(place.secret)

        def database() -> Any:
            return self.make()

        self.database = self.declare(database)

    def declare(self, factory: Any) -> Any:
        """Decorate the factory."""
        return coldcache.resource(
            check=self.check,
            close=self.close,
            max_idle=300,
            retry_on=self.broken,
            depends_on=(self.secret,),
            timeout=self.place.timeout,
            name="database",
        )(factory)

    def make(self) -> Any:
        """Connect."""
        return self.place.connect(self.secret())

    def check(self, connection: Any) -> None:
        """Ask for a sign of life."""
        self.place.check(connection)

    def close(self, connection: Any) -> None:
        """Close the connection."""
        connection.close()

    def call(self, number: int, seconds: float = 0) -> int:
        """Ask once; slowly, if so wished."""
        return int(self.database.call(ask, number, seconds))

    def told(self) -> str:
        """Give what it shows of itself, and the report of a warm-up."""
        report = coldcache.warm_up()
        shown = (self.database, self.database.stats(), self.secret, self.secret.stats(), report)
        return " ".join(map(repr, shown)) + str(report) + report.to_json()

    def leave(self) -> None:
        """Close what there is."""
        self.database.close()

    @contextlib.contextmanager
    def hold(self) -> Iterator[object]:
        """Use it for the time of the block."""
        with self.database() as connection:
            yield connection


class Block(Resource):
    """The same used in a `with` block, which is not repeated."""

    answers_at = 2  # the first use finds out that the connection is broken

    def call(self, number: int, seconds: float = 0) -> int:
        """Ask once; slowly, if so wished."""
        with self.database() as connection:
            return ask(connection, number, seconds)


class Pool(Resource):
    """`coldcache.pool`: four connections, used by `connections.call(function)`."""

    size = SIZE

    def declare(self, factory: Any) -> Any:
        """Decorate the factory."""
        return coldcache.pool(
            size=SIZE,
            min_idle=1,
            check=self.check,
            close=self.close,
            max_idle=300,
            retry_on=self.broken,
            depends_on=(self.secret,),
            timeout=WAIT_S if self.place.timeout else None,
            name="connections",
        )(factory)


class RedisResource(Resource):
    """`coldcache.resource` around a `redis.Redis` that leaves trying again to it."""

    server = "redis"
    size = SIZE
    documented = (redis.RedisError, coldcache.ColdcacheError)
    broken = (redis.ConnectionError, redis.TimeoutError)

    def make(self) -> Any:
        """Make a client and see that it can connect."""
        client = redis.Redis(
            **self.place.redis_options(), password=self.secret(), retry=Retry(NoBackoff(), 0)
        )
        client.ping()
        return client

    def check(self, client: Any) -> None:
        """Ask for a sign of life."""
        self.place.check_redis(client)

    def call(self, number: int, seconds: float = 0) -> int:
        """Ask once; slowly, if so wished."""
        return int(self.database.call(ask_redis, number, seconds))


OURS: dict[str, type[Subject]] = {
    "coldcache.resource": Resource,
    "coldcache.resource, with": Block,
    "coldcache.pool": Pool,
    "coldcache.resource, Redis": RedisResource,
}
