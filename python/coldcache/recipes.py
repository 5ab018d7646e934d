"""Pools of others under coldcache's epochs: asked after a thaw, a restore, a pause, and only then.

Nothing here replaces a pool. Their own checks come at every checkout, with a round trip each
(SQLAlchemy's `pool_pre_ping`, psycopg_pool's `check=`), or not at all; these come where there is a
reason to. The libraries are not imported from here.
"""

import os
from _weakref import ref

from coldcache._core import Made, _keep_for_ever, lifetime_epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

__all__ = ["guard_engine", "psycopg_check", "psycopg_check_async"]

_KEY = "coldcache"


def _health(max_age: float | None, max_idle: float | None) -> Made:
    return Made(True, lifetime_epoch(), 0, (), max_age, max_idle)


def _touch(health: Made) -> None:
    if health.take():
        health.leave()


def guard_engine(
    engine: "Any", *, max_idle: float | None = None, max_age: float | None = None
) -> "Any":
    """Have the pool of an SQLAlchemy engine ask a connection only where there is a reason to.

    A connection that does not answer takes all others of its age with it, as with
    `pool_pre_ping=True`, which is not needed beside it. A forked child begins with an empty pool,
    and nothing of the parent's is closed there.

    Args:
        engine: An `Engine` or `AsyncEngine`, before its first connection.
        max_idle: Seconds without a use after which a connection is asked before the next one.
        max_age: Seconds after which a connection is replaced, by whichever clock says more.

    Returns:
        The engine.

    Raises:
        TypeError: *engine* is no engine.
        ValueError: *max_idle* or *max_age* is not a positive number of seconds.
    """
    plain = getattr(engine, "sync_engine", engine)
    if not (hasattr(plain, "dialect") and hasattr(plain, "pool") and hasattr(plain, "dispose")):
        message = f"guard_engine() wants an SQLAlchemy engine, got {type(engine).__name__}"
        raise TypeError(message)
    _health(max_age, max_idle)  # wrong limits are an error here, not at the first connection
    import sqlalchemy  # noqa: PLC0415 - it is there: the engine is its

    def begin(_connection: object, record: "Any") -> None:
        record.info[_KEY] = _health(max_age, max_idle)

    def check(connection: object, record: "Any", _proxy: object) -> None:
        health = record.info.get(_KEY)
        epoch = lifetime_epoch()
        reason = "unknown" if health is None else health.reason(0, False, False)
        if reason is None:
            return
        if reason in {"age", "reset"}:
            message = f"coldcache: {reason}"
            raise sqlalchemy.exc.DisconnectionError(message)
        if not _answers(plain.dialect, connection):
            raise sqlalchemy.exc.InvalidatePoolError
        if health is None:
            record.info[_KEY] = _health(max_age, max_idle)
        else:
            health.approve(epoch, 0)

    def end(_connection: object, record: "Any") -> None:
        health = record.info.get(_KEY)
        if health is not None:
            _touch(health)

    sqlalchemy.event.listen(plain, "connect", begin)
    sqlalchemy.event.listen(plain, "checkout", check)
    sqlalchemy.event.listen(plain, "checkin", end)
    _empty_after_fork(plain)
    return engine


def _answers(dialect: "Any", connection: object) -> bool:
    try:
        return bool(dialect.do_ping(connection))
    except dialect.loaded_dbapi.Error:
        return False


def _empty_after_fork(engine: "Any") -> None:
    reference = ref(engine)

    def in_child() -> None:
        engine = reference()
        if engine is not None:
            _keep_for_ever(engine.pool)  # its connections are the parent's
            engine.dispose(close=False)

    os.register_at_fork(after_in_child=in_child)


def psycopg_check(
    *, max_idle: float | None = None, max_age: float | None = None
) -> "Callable[[Any], None]":
    """Return a `check=` for `psycopg_pool.ConnectionPool` that asks only where there is reason to.

    Make the pool in a `coldcache.resource`, so that a forked child has its own: the threads of this
    one stay behind in the parent.

    Args:
        max_idle: Seconds since its last checkout after which a connection is asked.
        max_age: Seconds after which a connection is refused, which has the pool replace it.

    Raises:
        ValueError: *max_idle* or *max_age* is not a positive number of seconds.
    """
    _health(max_age, max_idle)

    def check(connection: "Any") -> None:
        epoch = lifetime_epoch()
        if _is_doubtful(connection, max_age, max_idle):
            with _autocommit(connection):
                connection.execute("")
            connection._coldcache.approve(epoch, 0)  # noqa: SLF001

    return check


def psycopg_check_async(
    *, max_idle: float | None = None, max_age: float | None = None
) -> "Callable[[Any], Awaitable[None]]":
    """Return the same for `psycopg_pool.AsyncConnectionPool`; see `psycopg_check`."""
    _health(max_age, max_idle)

    async def check(connection: "Any") -> None:
        epoch = lifetime_epoch()
        if _is_doubtful(connection, max_age, max_idle):
            was_on = connection.autocommit
            await connection.set_autocommit(True)
            await connection.execute("")
            await connection.set_autocommit(was_on)
            connection._coldcache.approve(epoch, 0)  # noqa: SLF001

    return check


class _autocommit:  # noqa: N801 - used as a statement
    """A question outside of any transaction."""

    def __init__(self, connection: "Any") -> None:
        self.connection = connection
        self.was_on = connection.autocommit

    def __enter__(self) -> None:
        self.connection.autocommit = True

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if error is None:
            self.connection.autocommit = self.was_on


def _is_doubtful(connection: "Any", max_age: float | None, max_idle: float | None) -> bool:
    health = getattr(connection, "_coldcache", None)
    if health is None:
        # How long it has been in the pool before its first checkout, nobody here knows.
        connection._coldcache = _health(max_age, max_idle)  # noqa: SLF001
        return True
    reason = health.reason(0, False, False)
    if reason is None:
        _touch(health)
        return False
    if reason == "age":
        message = "coldcache: the connection is older than max_age"
        raise ConnectionError(message)
    return True
