"""Resources and pools in a warm-up: made before the first request, in their order."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from typing import Any

import coldcache
import pytest
from coldcache import _core, _step


@pytest.fixture(autouse=True)
def _nothing_else(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    gc.collect()
    before = {id(thing): thing for thing in _core._declared()}
    monkeypatch.setattr(
        "coldcache._graph._declared",
        lambda: [thing for thing in _core._declared() if id(thing) not in before],
    )
    monkeypatch.setattr("coldcache._graph._pending_numbers", list)
    steps = dict(_step._declared)
    _step._declared.clear()
    yield
    _step._declared.clear()
    _step._declared.update(steps)


def test_a_resource_is_made_and_then_used() -> None:
    made: list[object] = []

    @coldcache.resource
    def database() -> object:
        made.append(object())
        return made[-1]

    step = coldcache.warm_up().steps[0]

    assert (step.kind, step.state, len(made)) == ("resource", "done", 1)
    assert database.get() is made[0]


def test_a_pool_makes_as_many_as_are_to_be_idle() -> None:
    made: list[object] = []

    @coldcache.pool(size=4, min_idle=2)
    def connections() -> object:
        made.append(object())
        return made[-1]

    step = coldcache.warm_up().steps[0]

    assert (step.kind, step.state, len(made)) == ("pool", "done", 2)
    assert connections.is_done()


def test_a_resource_comes_after_the_secret_that_it_depends_on() -> None:
    calls: list[str] = []

    @coldcache.once
    def secret() -> str:
        calls.append("secret")
        return "hunter2"

    @coldcache.resource(depends_on=(secret,))
    def database() -> str:
        calls.append("database")
        return f"connection with {secret()}"

    @coldcache.step("tables", after=(database,))
    def tables() -> None:
        calls.append("tables")

    report = coldcache.warm_up()

    assert calls == ["secret", "database", "tables"]
    assert report.step("tables").after == (database.name,)
    assert "hunter2" not in f"{report} {report.to_json()}"


def test_a_resource_that_cannot_be_made_is_made_by_its_first_use() -> None:
    answers: list[Any] = ["connection", OSError("server is down")]

    @coldcache.resource
    def database() -> str:
        answer = answers.pop()
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    report = coldcache.warm_up()

    assert (report.ok, [step.state for step in report.steps]) == (True, ["failed"])
    assert database.get() == "connection"


def test_what_is_not_to_be_warmed_is_not_made() -> None:
    @coldcache.resource(warm=False)
    def database() -> object:
        raise AssertionError

    assert coldcache.warm_up().steps == ()
    assert not database.is_done()


def test_an_asynchronous_resource_is_not_made_on_a_loop_that_ends_with_the_warm_up() -> None:
    @coldcache.resource
    async def client() -> object:
        raise AssertionError

    after = coldcache.once(after=(client,), name="after")(_nothing)
    report = coldcache.warm_up()

    assert {step.state for step in report.steps} == {"deferred", "skipped"}
    assert "await warm_up_async()" in report.step(client.name).reason
    assert report.step("after").reason == f"{client.name} is not done"
    assert not after.is_done()


async def _nothing() -> None: ...


def test_an_asynchronous_resource_may_be_shared_by_all_loops() -> None:
    @coldcache.resource(per_loop=False)
    async def client() -> object:
        return object()

    assert coldcache.warm_up().steps[0].state == "done"
    assert client.is_done()


def test_an_asynchronous_resource_belongs_to_the_loop_that_uses_it() -> None:
    loops: list[object] = []

    @coldcache.resource
    async def client() -> object:
        loops.append(asyncio.get_running_loop())
        return object()

    async def main() -> object:
        await coldcache.warm_up_async()
        async with client() as one:
            assert one is not None
        return asyncio.get_running_loop()

    loop = asyncio.run(main())

    assert loops == [loop]
