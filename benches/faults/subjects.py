"""How peers keep a connection for the life of the container, each as its documentation says.

Every subject answers the same two questions, a quick one and a slow one, whose right answers
depend on what was asked: an answer that belongs to somebody else's question is a wrong answer.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg_pool
import redis
import sqlalchemy

from faults.place import SIZE, WAIT_S

if TYPE_CHECKING:
    from faults.place import Place

QUICK = "SELECT %s::int * 2 + 1"
SLOW = "SELECT %s::int * 2 + 1 FROM pg_sleep(%s)"


def ask(connection: psycopg.Connection[Any], number: int, seconds: float = 0) -> int:
    """Have the server do a sum, slowly if so wished."""
    if seconds:
        row = connection.execute(SLOW, (number, seconds)).fetchone()
    else:
        row = connection.execute(QUICK, (number,)).fetchone()
    return int(row[0])


def ask_redis(client: redis.Redis, number: int, seconds: float = 0) -> int:
    """Have the server keep and return a number, or wait for a list that never fills."""
    if seconds:
        return number * 2 + 1 if client.blpop(f"never:{number}", timeout=seconds) is None else -1
    key = f"sum:{number}"
    client.set(key, number * 2 + 1)
    return int(client.get(key))  # type: ignore[arg-type]


class Subject:
    """One way to keep connections; made when the function starts."""

    server = "postgresql"
    size = 1  # how many callers it serves at a time
    is_lazy = True  # whether it connects when it is used, and not when it is made
    has_check = False  # whether the user can say how to check
    has_close = True  # whether the user can say how to close
    has_limit = False  # whether it has a time limit of its own for connecting
    answers_at = 1  # which call after a fault has to be answered at the latest
    documented: tuple[type[BaseException], ...] = (psycopg.Error,)

    def __init__(self, place: Place) -> None:
        self.place = place

    def call(self, number: int, seconds: float = 0) -> int:
        """Ask once; slowly, if so wished."""
        raise NotImplementedError

    def told(self) -> str:
        """Give everything that it says about itself, where no secret may be."""
        return ""

    def leave(self) -> None:
        """Close what there is."""

    @contextlib.contextmanager
    def hold(self) -> Iterator[object]:
        """Check a connection out and keep it for the time of the block."""
        yield None


class GlobalConnection(Subject):
    """`connection = psycopg.connect(...)` at module level."""

    is_lazy = False

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.connection = place.connect(place.secret())

    def call(self, number: int, seconds: float = 0) -> int:
        """Ask once; slowly, if so wished."""
        return ask(self.connection, number, seconds)

    def leave(self) -> None:
        """Close the connection."""
        self.connection.close()


class Engine(Subject):
    """A SQLAlchemy engine; the child of a fork gets a pool of its own, as its manual says."""

    size = SIZE
    pre_ping = False
    recycle_s = -1  # off, as it is by default
    documented = (sqlalchemy.exc.SQLAlchemyError,)

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.engine = self.make_engine(place.secret())
        os.register_at_fork(after_in_child=lambda: self.engine.dispose(close=False))

    def make_engine(self, password: str) -> sqlalchemy.Engine:
        """Make the engine; it connects when it is used."""
        return sqlalchemy.create_engine(
            "postgresql+psycopg://",
            creator=lambda: self.place.connect(password),
            pool_size=SIZE,
            max_overflow=0,
            pool_timeout=WAIT_S,
            pool_pre_ping=self.pre_ping,
            pool_recycle=self.recycle_s,
            isolation_level="AUTOCOMMIT",
        )

    def call(self, number: int, seconds: float = 0) -> int:
        """Ask once; slowly, if so wished."""
        text, given = (SLOW, (number, seconds)) if seconds else (QUICK, (number,))
        with self.engine.connect() as connection:
            return int(connection.exec_driver_sql(text, given).scalar_one())

    def leave(self) -> None:
        """Close the pool."""
        self.engine.dispose()

    @contextlib.contextmanager
    def hold(self) -> Iterator[object]:
        """Take one out of the pool."""
        with self.engine.connect() as connection:
            yield connection


class PingingEngine(Engine):
    """The same with `pool_pre_ping=True`."""

    pre_ping = True


class RecyclingEngine(PingingEngine):
    """And with `pool_recycle=300` beside it."""

    recycle_s = 300


class Pool(Subject):
    """`psycopg_pool.ConnectionPool`, without its check."""

    size = SIZE
    checks = False

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.pool = self.make_pool(place.secret(), place.check if self.checks else None)

    def make_pool(self, password: str, check: Any) -> psycopg_pool.ConnectionPool[Any]:
        """Make the pool, which begins to connect."""
        return psycopg_pool.ConnectionPool(
            kwargs=self.place.options() | {"password": password},
            connection_class=self.place.connection_class(),
            min_size=SIZE,
            timeout=WAIT_S,
            check=check,
            open=True,
        )

    def call(self, number: int, seconds: float = 0) -> int:
        """Ask once; slowly, if so wished."""
        with self.pool.connection() as connection:
            return ask(connection, number, seconds)

    def leave(self) -> None:
        """Close the pool."""
        self.pool.close()

    @contextlib.contextmanager
    def hold(self) -> Iterator[object]:
        """Take one out of the pool."""
        with self.pool.connection() as connection:
            yield connection


class CheckingPool(Pool):
    """The same with a check before each use."""

    checks = True
    has_check = True


class GlobalRedis(Subject):
    """`redis.Redis(..., single_connection_client=True)` at module level."""

    server = "redis"
    documented = (redis.RedisError,)
    has_close = False
    is_lazy = False

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.client = redis.Redis(
            **place.redis_options(), password=place.secret(), single_connection_client=True
        )

    def call(self, number: int, seconds: float = 0) -> int:
        """Ask once; slowly, if so wished."""
        return ask_redis(self.client, number, seconds)


class PooledRedis(GlobalRedis):
    """`redis.Redis` over its own `BlockingConnectionPool`, with its check of idle connections."""

    size = SIZE
    is_lazy = True

    def __init__(self, place: Place) -> None:
        Subject.__init__(self, place)
        self.client = redis.Redis(
            connection_pool=redis.BlockingConnectionPool(
                **place.redis_options(),
                password=place.secret(),
                max_connections=SIZE,
                timeout=WAIT_S,
                health_check_interval=30,
            )
        )


PEERS: dict[str, type[Subject]] = {
    "global connection": GlobalConnection,
    "SQLAlchemy": Engine,
    "SQLAlchemy, pre-ping": PingingEngine,
    "SQLAlchemy, pre-ping, recycle": RecyclingEngine,
    "psycopg_pool": Pool,
    "psycopg_pool, check": CheckingPool,
    "global Redis connection": GlobalRedis,
    "redis-py's pool": PooledRedis,
}
