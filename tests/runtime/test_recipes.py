"""SQLAlchemy's own pool under coldcache's epochs, with SQLite as the real database."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import pytest
from coldcache import _core, recipes

sqlalchemy = pytest.importorskip("sqlalchemy", reason="recipes: SQLAlchemy is not installed")


@pytest.fixture
def engine(tmp_path: Path) -> Any:
    made = sqlalchemy.create_engine(
        f"sqlite:///{tmp_path}/data.db", poolclass=sqlalchemy.pool.QueuePool, pool_size=2
    )
    made.pings = []
    ping = made.dialect.do_ping

    def do_ping(connection: Any) -> bool:
        made.pings.append(connection)
        return ping(connection)  # type: ignore[no-any-return]

    made.dialect.do_ping = do_ping
    yield made
    made.dispose()


def use(engine: Any) -> Any:
    with engine.connect() as connection:
        assert connection.execute(sqlalchemy.text("select 1")).scalar() == 1
        return connection.connection.dbapi_connection


def test_a_healthy_connection_is_never_asked(engine: Any) -> None:
    assert recipes.guard_engine(engine, max_idle=60) is engine
    assert len({use(engine) for _ in range(20)}) == 1
    assert engine.pings == []


def test_it_is_asked_once_after_a_thaw(engine: Any, clock: Any) -> None:
    recipes.guard_engine(engine)
    use(engine)
    clock.freeze(60)
    for _ in range(5):
        use(engine)

    assert len(engine.pings) == 1


def test_it_is_asked_after_a_restore_and_a_long_pause(engine: Any, clock: Any) -> None:
    recipes.guard_engine(engine, max_idle=60)
    use(engine)
    _core._note_restore()
    use(engine)
    clock.advance(61)
    use(engine)
    use(engine)

    assert len(engine.pings) == 2


def test_one_that_does_not_answer_is_replaced(engine: Any, clock: Any) -> None:
    recipes.guard_engine(engine)
    old = use(engine)
    old.close()
    clock.freeze(60)

    assert use(engine) is not old


def test_one_that_is_too_old_is_replaced_without_a_question(engine: Any, clock: Any) -> None:
    recipes.guard_engine(engine, max_age=60)
    old = use(engine)
    clock.freeze(60)

    assert use(engine) is not old
    assert engine.pings == []


def test_a_forked_child_has_connections_of_its_own(engine: Any) -> None:
    recipes.guard_engine(engine)
    old = use(engine)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if use(engine) is not old else 1)
        finally:
            os._exit(2)

    assert os.waitpid(child, 0)[1] == 0
    assert use(engine) is old


def test_what_is_no_engine_is_refused() -> None:
    with pytest.raises(TypeError, match="wants an SQLAlchemy engine, got str"):
        recipes.guard_engine("sqlite://")


def test_wrong_limits_are_refused_at_once(engine: Any) -> None:
    with pytest.raises(ValueError, match="max_idle must be a positive number of seconds"):
        recipes.guard_engine(engine, max_idle=0)
    with pytest.raises(ValueError, match="max_age must be a positive number of seconds"):
        recipes.psycopg_check(max_age=-1)
    with pytest.raises(ValueError, match="max_age must be a positive number of seconds"):
        recipes.psycopg_check_async(max_age=-1)
