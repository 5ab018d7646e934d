"""The recipes beside connections that never answer: packets vanish, nobody is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg
import psycopg_pool
import pytest
import sqlalchemy
from coldcache import recipes, testing

if TYPE_CHECKING:
    from faults.stage import Stage

pytestmark = pytest.mark.timeout(120)

# Seconds that a connection has to answer; the tests wait for it, in real time.
LIMIT = 0.5


@pytest.fixture
def sleep(stage: Stage) -> Iterator[Callable[[], None]]:
    """An hour of freeze, after which none of today's connections answers."""
    from faults.servers import NotHereError  # noqa: PLC0415 - needs packages that may be missing

    with testing.clock() as clock:

        def run() -> None:
            try:
                assert stage.middleman.lose("postgresql")
            except NotHereError as reason:
                pytest.skip(f"NOT TESTED: {reason}")
            clock.freeze(3600)

        yield run


@pytest.fixture
def conninfo(stage: Stage) -> str:
    return psycopg.conninfo.make_conninfo(
        host="127.0.0.1",
        port=stage.middleman.ports["postgresql"],
        user="app",
        password=stage.postgresql.password,
        dbname="postgres",
    )


def test_sqlalchemys_pool_gives_a_silent_connection_up(
    conninfo: str, sleep: Callable[[], None]
) -> None:
    engine = recipes.guard_engine(
        sqlalchemy.create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo)
        ),
        timeout=LIMIT,
    )

    def ask() -> Any:
        with engine.connect() as connection:
            return connection.execute(sqlalchemy.text("SELECT 1")).scalar()

    try:
        ask()
        sleep()
        assert ask() == 1
    finally:
        engine.dispose()


def test_sqlalchemys_asynchronous_pool_gives_a_silent_connection_up(
    conninfo: str, sleep: Callable[[], None]
) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    async def connect() -> Any:
        return await psycopg.AsyncConnection.connect(conninfo)

    async def main() -> Any:
        engine = recipes.guard_engine(
            create_async_engine("postgresql+psycopg://", async_creator=connect), timeout=LIMIT
        )

        async def ask() -> Any:
            async with engine.connect() as connection:
                return (await connection.execute(sqlalchemy.text("SELECT 1"))).scalar()

        await ask()
        sleep()
        try:
            return await ask()
        finally:
            await engine.dispose()

    assert asyncio.run(main()) == 1


def test_psycopgs_pool_gives_all_its_silent_connections_up_after_one_wait(
    conninfo: str, sleep: Callable[[], None]
) -> None:
    asked = []

    class Counted(psycopg.Connection[Any]):
        def execute(self, query: Any, *args: Any, **options: Any) -> Any:
            if query == "":
                asked.append(self)
            return super().execute(query, *args, **options)

    with psycopg_pool.ConnectionPool(
        conninfo,
        min_size=3,
        max_size=3,
        check=recipes.psycopg_check(timeout=LIMIT),
        connection_class=Counted,
        timeout=20,
        open=True,
    ) as pool:
        pool.wait(20)
        with pool.connection(), pool.connection(), pool.connection():
            asked.clear()  # each of them was asked once
        sleep()
        with pool.connection() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    # The first silent one, and the new one at its first checkout.
    assert len(asked) == 2


def test_psycopgs_asynchronous_pool_gives_a_silent_connection_up(
    conninfo: str, sleep: Callable[[], None]
) -> None:
    async def main() -> Any:
        pool = psycopg_pool.AsyncConnectionPool(
            conninfo,
            min_size=1,
            max_size=1,
            check=recipes.psycopg_check_async(timeout=LIMIT),
            timeout=20,
            open=False,
        )
        async with pool:
            async with pool.connection():
                pass
            sleep()
            async with pool.connection() as connection:
                return await (await connection.execute("SELECT 1")).fetchone()

    assert asyncio.run(main()) == (1,)
