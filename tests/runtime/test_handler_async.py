"""Asynchronous handlers: awaited by an asynchronous host, run to their end for the plain client."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import Iterator
from typing import Any

import coldcache
import pytest
from coldcache import _handler_loop, _runtime_client
from coldcache._invocation import Invocation


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if the runtime client had just handed out an event."""
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
    monkeypatch.setattr(_runtime_client, "is_serving", True)
    yield
    _runtime_client._after_answer.clear()
    _handler_loop._close()
    asyncio.set_event_loop(None)


class Kept:
    def __init__(self) -> None:
        self.got: list[Invocation] = []

    def emit(self, invocation: Invocation) -> None:
        self.got.append(invocation)


def test_where_the_host_is_asynchronous_it_is_awaited() -> None:
    kept = Kept()

    @coldcache.handler(metrics=kept)
    async def handler(event: object, context: object) -> object:
        await asyncio.sleep(0)
        return event

    assert inspect.iscoroutinefunction(handler)
    assert asyncio.run(handler(3, None)) == 3
    assert [one.is_first for one in kept.got] == [True]


def test_calls_of_several_tasks_are_told_apart() -> None:
    class Context:
        def __init__(self, name: str) -> None:
            self.aws_request_id = name

    @coldcache.handler
    async def handler(event: object, context: Context) -> str | None:
        await asyncio.sleep(0)
        found = coldcache.invocation()
        return found and found.request_id

    async def main() -> list[str | None]:
        return await asyncio.gather(*(handler(1, Context(name)) for name in "abc"))

    assert asyncio.run(main()) == ["a", "b", "c"]


def test_the_plain_client_gets_the_answer_and_the_loop_is_kept(client: None) -> None:
    loops: list[asyncio.AbstractEventLoop] = []

    @coldcache.handler
    async def handler(event: object, context: object) -> object:
        await asyncio.sleep(0)
        loops.append(asyncio.get_running_loop())
        return event

    answers: list[Any] = [handler(1, None), handler(2, None)]

    assert answers == [1, 2]
    assert loops[0] is loops[1]


def test_its_exception_comes_out_with_one_frame_more(client: None) -> None:
    error = LookupError("x")

    @coldcache.handler
    async def handler(event: object, context: object) -> None:
        raise error

    with pytest.raises(LookupError) as raised:
        handler({}, None)  # type: ignore[unused-coroutine] - it is run

    assert raised.value is error
    frames = [frame.name for frame in traceback.extract_tb(raised.tb)]
    assert frames[1:] == ["handle", "handler"]


def test_a_cancellation_comes_out(client: None) -> None:
    @coldcache.handler
    async def handler(event: object, context: object) -> None:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        handler({}, None)  # type: ignore[unused-coroutine] - it is run


def test_on_the_platform_a_running_loop_still_awaits_it(client: None) -> None:
    @coldcache.handler
    async def handler(event: object, context: object) -> object:
        return event

    async def main() -> object:
        return await handler(3, None)

    assert asyncio.run(main()) == 3


def test_during_init_a_call_is_a_coroutine_as_before(
    client: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_runtime_client, "is_serving", False)
    monkeypatch.setattr(_runtime_client, "_installed", [object])

    @coldcache.handler
    async def handler(event: object, context: object) -> object:
        return event

    assert asyncio.run(handler(3, None)) == 3


def test_an_asynchronous_refresh_gets_a_moment_after_the_answer(
    client: None, clock: coldcache.testing.Clock
) -> None:
    loads: list[int] = []

    @coldcache.cached(ttl=10, stale=60)
    async def parameter() -> int:
        await asyncio.sleep(0.001)  # real time: long enough to outlive the handler
        loads.append(1)
        return len(loads)

    @coldcache.handler
    async def handler(event: object, context: object) -> int:
        return await parameter()

    handler({}, None)  # type: ignore[unused-coroutine] - it is run
    clock.advance(15)
    stale: Any = handler({}, None)
    before = len(loads)
    coldcache._call.settle_refreshes(5.0)

    assert (stale, before, len(loads)) == (1, 1, 2)


def test_a_ping_is_answered_without_the_function(client: None) -> None:
    @coldcache.handler
    async def handler(event: object, context: object) -> str:
        return "called"

    pong: Any = handler({"coldcache": {"ping": {"hold_seconds": 0}}}, None)

    assert "pong" in pong["coldcache"]


def test_a_call_that_is_closed_in_another_context_ends() -> None:
    import contextvars  # noqa: PLC0415 - where contexts are the subject

    @coldcache.handler
    async def handler(event: object, context: object) -> None:
        await asyncio.sleep(60)

    loop = asyncio.new_event_loop()
    under_way: Any = handler({}, None)
    asyncio.set_event_loop(loop)
    contextvars.Context().run(lambda: asyncio._set_running_loop(loop))  # what sleep asks for
    try:
        contextvars.Context().run(under_way.send, None)
    finally:
        asyncio._set_running_loop(None)
    under_way.close()
    loop.close()
    asyncio.set_event_loop(None)

    assert coldcache.invocation() is None
