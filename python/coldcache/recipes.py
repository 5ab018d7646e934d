"""Pools of others under coldcache's epochs: asked after a thaw, a restore, a pause, and only then.

Nothing here replaces a pool. Their own checks come at every checkout, with a round trip each
(SQLAlchemy's `pool_pre_ping`, psycopg_pool's `check=`), or not at all; these come where there is a
reason to. The libraries are not imported from here.
"""

import os
import time
from _weakref import ref

from coldcache._answer_limit import AnswerLimit
from coldcache._core import Made, _keep_for_ever, lifetime_epoch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

__all__ = ["guard_engine", "psycopg_check", "psycopg_check_async"]

_KEY = "coldcache"
_TIMEOUT = 2.0  # seconds; a healthy server answers in milliseconds


def _health(max_age: float | None, max_idle: float | None) -> Made:
    return Made(True, lifetime_epoch(), 0, (), max_age, max_idle)


def _touch(health: Made) -> None:
    if health.take():
        health.leave()


def guard_engine(
    engine: "Any",
    *,
    max_idle: float | None = None,
    max_age: float | None = None,
    timeout: float | None = _TIMEOUT,
) -> "Any":
    """Have the pool of an SQLAlchemy engine ask a connection only where there is a reason to.

    A connection that does not answer takes all others of its age with it, as with
    `pool_pre_ping=True`, which is not needed beside it. A forked child begins with an empty pool,
    and nothing of the parent's is closed there.

    Args:
        engine: An `Engine` or `AsyncEngine`, before its first connection.
        max_idle: Seconds without a use after which a connection is asked before the next one.
        max_age: Seconds after which a connection is replaced, by whichever clock says more.
        timeout: Seconds that a connection has to answer; then its socket is shut down, which the
            driver takes for a lost connection. `None` waits as long as the driver does.

    Returns:
        The engine.

    Raises:
        TypeError: *engine* is no engine.
        ValueError: *max_idle*, *max_age* or *timeout* is not a positive number of seconds.
    """
    _check_timeout(timeout)
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
        if not _answers(plain.dialect, connection, timeout):
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


def _check_timeout(timeout: "Any") -> None:
    is_number = isinstance(timeout, int | float) and not isinstance(timeout, bool)
    if timeout is not None and not (is_number and 0 < timeout < float("inf")):
        message = f"timeout must be a positive number of seconds or None, got {timeout!r}"
        raise ValueError(message)


def _answers(dialect: "Any", connection: object, timeout: float | None) -> bool:
    try:
        with AnswerLimit(connection, timeout):
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
    *,
    max_idle: float | None = None,
    max_age: float | None = None,
    timeout: float | None = _TIMEOUT,
) -> "Callable[[Any], None]":
    """Return a `check=` for `psycopg_pool.ConnectionPool` that asks only where there is reason to.

    Make the pool in a `coldcache.resource`, so that a forked child has its own: the threads of this
    one stay behind in the parent. A connection that does not answer in time takes all those with it
    that were not asked since: each caller waits once, however many there are.

    Args:
        max_idle: Seconds since its last checkout after which a connection is asked.
        max_age: Seconds after which a connection is refused, which has the pool replace it.
        timeout: Seconds that a connection has to answer; then its socket is shut down, which the
            driver takes for a lost connection. `None` waits as long as the driver does.

    Raises:
        ValueError: *max_idle*, *max_age* or *timeout* is not a positive number of seconds.
    """
    doubt = _Doubt(max_age, max_idle, timeout)

    def check(connection: "Any") -> None:
        epoch = lifetime_epoch()
        if doubt.is_about(connection):
            with doubt.question(connection), _autocommit(connection):
                connection.execute("")
            connection._coldcache.approve(epoch, 0)  # noqa: SLF001

    return check


def psycopg_check_async(
    *,
    max_idle: float | None = None,
    max_age: float | None = None,
    timeout: float | None = _TIMEOUT,
) -> "Callable[[Any], Awaitable[None]]":
    """Return the same for `psycopg_pool.AsyncConnectionPool`; see `psycopg_check`."""
    doubt = _Doubt(max_age, max_idle, timeout)

    async def check(connection: "Any") -> None:
        epoch = lifetime_epoch()
        if doubt.is_about(connection):
            was_on = connection.autocommit
            with doubt.question(connection):
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


class _Doubt:
    """What the connections of one psycopg pool have in common."""

    def __init__(
        self, max_age: float | None, max_idle: float | None, timeout: float | None
    ) -> None:
        _health(max_age, max_idle)  # wrong limits are an error here, not at the first connection
        _check_timeout(timeout)
        self._limits = (max_age, max_idle)
        self._timeout = timeout
        self._silent_since: float | None = None  # when the latest silent one was asked

    def is_about(self, connection: "Any") -> bool:
        """Whether a connection is to be asked.

        Raises:
            ConnectionError: It is too old, or another one did not answer since it last did.
        """
        health = getattr(connection, "_coldcache", None)
        if health is None:
            # How long it has been in the pool before its first checkout, nobody here knows.
            connection._coldcache = _health(*self._limits)  # noqa: SLF001
            return True
        reason = health.reason(0, False, False)
        if reason is None:
            _touch(health)
            return False
        if reason == "age":
            message = "coldcache: the connection is older than max_age"
            raise ConnectionError(message)
        since = self._silent_since
        if since is not None and connection._coldcache_seen < since:  # noqa: SLF001
            message = "coldcache: others did not answer since it last did"
            raise ConnectionError(message)
        return True

    def question(self, connection: "Any") -> "_Question":
        """A block that asks the connection."""
        return _Question(self, connection, self._timeout)

    def note(self, connection: "Any", begun: float, *, is_silent: bool) -> None:
        """Note how a question ended that began at that time."""
        if is_silent:
            self._silent_since = begun
        connection._coldcache_seen = begun  # noqa: SLF001


class _Question(AnswerLimit):
    """A question to a connection of psycopg's."""

    __slots__ = ("_begun", "_doubt")

    def __init__(self, doubt: _Doubt, connection: "Any", timeout: float | None) -> None:
        super().__init__(connection, timeout)
        self._doubt = doubt
        self._begun = time.monotonic()

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        super().__exit__(kind, error, traceback)
        self._doubt.note(self._connection, self._begun, is_silent=self.is_over)
