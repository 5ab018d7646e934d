"""The pools of SQLAlchemy and psycopg under coldcache's epochs, with a server that restarts."""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import coldcache
import psycopg
import psycopg_pool
import pytest
import sqlalchemy
from coldcache import recipes, testing

if TYPE_CHECKING:
    from faults.stage import Stage

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def clock() -> Iterator[testing.Clock]:
    with testing.clock() as held:
        yield held


@pytest.fixture
def conninfo(stage: Stage) -> str:
    server = stage.postgresql
    return psycopg.conninfo.make_conninfo(
        host="127.0.0.1", port=server.port, user="app", password=server.password, dbname="postgres"
    )


class Counted(psycopg.Connection[Any]):
    """Counts the questions that psycopg's own check asks."""

    asked = 0

    def execute(self, query: Any, *args: Any, **options: Any) -> Any:
        type(self).asked += query == ""
        return super().execute(query, *args, **options)


@pytest.fixture
def use(conninfo: str) -> Iterator[Callable[[], Any]]:
    """Use a connection of psycopg's pool, which is a resource."""
    Counted.asked = 0
    check = recipes.psycopg_check(max_idle=300)

    @coldcache.resource(close=lambda pool: pool.close())
    def connections() -> Any:
        pool = psycopg_pool.ConnectionPool(
            conninfo, min_size=1, max_size=1, check=check, connection_class=Counted, open=True
        )
        pool.wait(20)
        return pool

    def run() -> Any:
        with connections() as pool, pool.connection() as connection:
            return connection.execute("SELECT 1").fetchone()

    yield run
    connections.close()


def test_psycopgs_pool_asks_a_connection_at_its_first_use_alone(use: Callable[[], Any]) -> None:
    for _ in range(10):
        use()

    assert Counted.asked == 1


def test_psycopgs_pool_asks_once_after_a_thaw(use: Callable[[], Any], clock: Any) -> None:
    use()
    clock.freeze(60)
    for _ in range(5):
        use()

    assert Counted.asked == 2


def test_psycopgs_pool_gets_over_a_restart_during_a_freeze(
    use: Callable[[], Any], clock: Any, stage: Stage
) -> None:
    use()
    stage.postgresql.restart()
    clock.freeze(60)

    assert use() == (1,)


def test_a_forked_child_has_a_psycopg_pool_of_its_own(use: Callable[[], Any]) -> None:
    use()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os._exit(0 if use() == (1,) else 1)
        finally:
            os._exit(2)

    assert os.waitpid(child, 0)[1] == 0
    assert use() == (1,)


def test_psycopgs_asynchronous_pool_gets_over_a_restart_during_a_freeze(
    conninfo: str, clock: Any, stage: Stage
) -> None:
    async def main() -> list[Any]:
        check = recipes.psycopg_check_async()
        pool = psycopg_pool.AsyncConnectionPool(
            conninfo, min_size=1, max_size=1, check=check, open=False
        )
        rows = []
        async with pool:
            for _ in range(3):
                async with pool.connection() as connection:
                    rows.append(await (await connection.execute("SELECT 1")).fetchone())
                stage.postgresql.restart()
                clock.freeze(60)
        return rows

    assert asyncio.run(main()) == [(1,)] * 3


def test_sqlalchemys_pool_gets_over_a_restart_during_a_freeze(
    conninfo: str, clock: Any, stage: Stage
) -> None:
    engine = recipes.guard_engine(
        sqlalchemy.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo))
    )

    def ask() -> Any:
        with engine.connect() as connection:
            return connection.execute(sqlalchemy.text("SELECT 1")).scalar()

    try:
        ask()
        stage.postgresql.restart()
        clock.freeze(60)
        assert ask() == 1
    finally:
        engine.dispose()
