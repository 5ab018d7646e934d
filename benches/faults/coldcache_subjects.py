"""Coldcache in the same role, with what its manual recommends for a connection."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import coldcache
import psycopg
import redis
import sqlalchemy
from coldcache import recipes
from redis.backoff import NoBackoff
from redis.retry import Retry

from faults.place import SIZE, WAIT_S
from faults.subjects import Engine, Subject, ask, ask_redis
from faults.subjects import Pool as PsycopgPool

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

    def close(self, client: Any) -> None:
        """Close the client, and raise where that is asked for."""
        client.close()
        self.place.closed()

    def call(self, number: int, seconds: float = 0) -> int:
        """Ask once; slowly, if so wished."""
        return int(self.database.call(ask_redis, number, seconds))


class GuardedEngine(Engine):
    """A SQLAlchemy engine under `coldcache.recipes.guard_engine`, in a resource."""

    documented = (sqlalchemy.exc.SQLAlchemyError, coldcache.ColdcacheError)

    def __init__(self, place: Place) -> None:
        Subject.__init__(self, place)
        password = place.secret()

        @coldcache.resource(close=lambda engine: engine.dispose(), name="engine")
        def engine() -> Any:
            return recipes.guard_engine(
                self.make_engine(password), max_idle=300, timeout=WAIT_S / 2
            )

        self.kept = engine

    @property
    def engine(self) -> Any:
        """Give the engine of this process."""
        return self.kept.get()


class GuardedPool(PsycopgPool):
    """`psycopg_pool.ConnectionPool` with `coldcache.recipes.psycopg_check`, in a resource."""

    documented = (psycopg.Error, coldcache.ColdcacheError)

    def __init__(self, place: Place) -> None:
        Subject.__init__(self, place)
        password = place.secret()

        @coldcache.resource(close=lambda pool: pool.close(), name="pool")
        def pool() -> Any:
            return self.make_pool(password, recipes.psycopg_check(max_idle=300, timeout=WAIT_S / 2))

        self.kept = pool

    @property
    def pool(self) -> Any:
        """Give the pool of this process."""
        return self.kept.get()


OURS: dict[str, type[Subject]] = {
    "coldcache.resource": Resource,
    "coldcache.resource, with": Block,
    "coldcache.pool": Pool,
    "coldcache.resource, Redis": RedisResource,
}

# The pools of others with coldcache's checks: what breaks between two checks is still the user's.
RECIPES: dict[str, type[Subject]] = {
    "SQLAlchemy, guarded": GuardedEngine,
    "psycopg_pool, guarded": GuardedPool,
}
