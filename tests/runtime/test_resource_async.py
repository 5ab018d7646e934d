"""Resources made by coroutine functions: one object for each loop, shared by its tasks."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from typing import Any

import coldcache
import pytest
from coldcache import resource


class Client:
    """A client that knows its loop and whether it was closed."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.is_closed = False

    async def close(self) -> None:
        await asyncio.sleep(0)
        assert not self.is_closed
        self.is_closed = True


async def connect() -> Client:
    await asyncio.sleep(0)
    return Client()


def test_tasks_of_a_loop_share_one_object() -> None:
    client = resource(connect)

    async def use() -> Client:
        async with client() as one:
            await asyncio.sleep(0)
            return one

    async def main() -> set[Client]:
        return set(await asyncio.gather(*(use() for _ in range(32))))

    assert len(asyncio.run(main())) == 1
    assert client.stats()["made"] == 1


def test_a_healthy_use_never_waits() -> None:
    client = resource(connect)

    async def main() -> None:
        await client.get()
        with pytest.raises(StopIteration) as stop:
            client().__aenter__().send(None)  # type: ignore[attr-defined]
        assert isinstance(stop.value.value, Client)

    asyncio.run(main())


def test_each_loop_has_an_object_of_its_own() -> None:
    client = resource(close=Client.close)(connect)

    async def use() -> bool:
        async with client() as one:
            return one.loop is asyncio.get_running_loop()

    assert [asyncio.run(use()) for _ in range(3)] == [True] * 3
    assert client.stats()["made"] == 3


def test_loops_in_several_threads_do_not_get_each_others_objects(
    start: Callable[..., Any],
) -> None:
    client = resource(connect)
    barrier = threading.Barrier(4)

    async def use() -> bool:
        good = True
        for _ in range(50):
            async with client() as one:
                await asyncio.sleep(0)
                good &= one.loop is asyncio.get_running_loop()
        barrier.wait(10)
        return good

    assert start(*[lambda: asyncio.run(use())] * 4).values() == [True] * 4
    assert client.stats()["made"] == 4


def test_objects_of_closed_loops_are_let_go() -> None:
    client = resource(connect)
    for _ in range(20):
        asyncio.run(client.get())
    gc.collect()

    assert len(client._by_loop) == len(client._alive) == 1


def test_with_per_loop_false_all_loops_share_one_object() -> None:
    client = resource(per_loop=False)(connect)

    assert asyncio.run(client.get()) is asyncio.run(client.get())


def test_a_plain_factory_may_make_one_object_for_each_loop() -> None:
    client = resource(per_loop=True, close=Client.close)(Client)

    async def use() -> bool:
        with client() as one, client() as same:
            return one is same and one.loop is asyncio.get_running_loop()

    assert [asyncio.run(use()) for _ in range(3)] == [True] * 3


def test_an_awaitable_close_of_a_plain_factory_is_awaited_beside() -> None:
    client = resource(per_loop=True, close=Client.close)(Client)

    async def use() -> bool:
        with client() as one:
            pass
        client.invalidate()
        await asyncio.sleep(0.01)  # real time, two turns of the loop
        return one.is_closed

    assert asyncio.run(use())


def test_aclose_closes_the_object_of_the_loop() -> None:
    client = resource(close=Client.close)(connect)

    async def main() -> list[bool]:
        first = await client.get()
        await client.aclose()
        second = await client.get()
        return [first.is_closed, second.is_closed, first is second]

    assert asyncio.run(main()) == [True, False, False]


def test_a_replaced_object_is_closed_by_the_task_that_used_it_last() -> None:
    client = resource(close=Client.close)(connect)

    async def main() -> list[bool]:
        async with client() as one:
            async with client():
                client.invalidate()
            before = one.is_closed
        return [before, one.is_closed]

    assert asyncio.run(main()) == [False, True]


def test_checks_are_awaited_once_for_all_tasks(clock: Any) -> None:
    checks: list[Client] = []

    async def check(client: Client) -> None:
        checks.append(client)
        await asyncio.sleep(0)

    client = resource(check=check)(connect)

    async def main() -> None:
        await client.get()
        clock.freeze(60)
        await asyncio.gather(*(client.get() for _ in range(16)))

    asyncio.run(main())
    assert len(checks) == 1


def test_a_check_may_be_a_plain_function(clock: Any) -> None:
    client = resource(check=lambda one: False)(connect)

    async def main() -> bool:
        first = await client.get()
        clock.freeze(60)
        return first is await client.get()

    assert not asyncio.run(main())


def test_call_awaits_and_tries_once_more() -> None:
    client = resource(retry_on=OSError)(connect)
    errors = [OSError()]

    async def fetch(one: Client, path: str) -> str:
        await asyncio.sleep(0)
        if errors:
            raise errors.pop()
        return path

    assert asyncio.run(client.call(fetch, "/")) == "/"
    assert (client.stats()["made"], client.stats()["retries"]) == (2, 1)


def test_a_retried_block_runs_twice_at_most() -> None:
    client = resource(retry_on=OSError)(connect)
    runs: list[int] = []

    async def main() -> None:
        for attempt in client(retry=True):
            async with attempt:
                runs.append(1)
                raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        asyncio.run(main())

    assert len(runs) == 2


def test_a_hanging_factory_ends_in_load_timeout_even_if_it_ignores_its_cancellation() -> None:
    closed: list[int] = []

    @resource(timeout=0.05, close=closed.append)
    async def client() -> int:
        for _ in range(3):
            try:
                await asyncio.sleep(0.1)  # real time, beyond the limit
            except asyncio.CancelledError:
                continue
        return 7

    async def main() -> None:
        with pytest.raises(coldcache.LoadTimeout):
            await client.get()
        while not closed:
            await asyncio.sleep(0.001)  # real time

    asyncio.run(main())
    assert closed == [7]


def test_a_hanging_check_leaves_time_to_make_a_new_object(clock: Any) -> None:
    client = resource(timeout=0.2, check=lambda one: asyncio.sleep(60))(connect)

    async def main() -> bool:
        first = await client.get()
        clock.freeze(60)
        return first is await client.get()

    assert not asyncio.run(main())


def test_cancelling_the_task_that_makes_it_does_not_harm_the_others() -> None:
    gate: list[asyncio.Event] = []

    @resource
    async def client() -> Client:
        await gate[0].wait()
        return Client()

    async def main() -> bool:
        gate.append(asyncio.Event())
        first = asyncio.ensure_future(client.get())
        await asyncio.sleep(0)
        second = asyncio.ensure_future(client.get())
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        gate[0].set()
        return isinstance(await second, Client)

    assert asyncio.run(main())
    assert client.stats()["made"] == 1


def test_cancelling_the_only_task_leaves_a_resource_that_works() -> None:
    hangs = [True]

    @resource
    async def client() -> Client:
        if hangs.pop() if hangs else False:
            await asyncio.sleep(60)
        return Client()

    async def main() -> Client:
        task = asyncio.ensure_future(client.get())
        await asyncio.sleep(0.01)  # real time
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return await client.get()

    assert isinstance(asyncio.run(main()), Client)


def test_a_cancellation_inside_a_block_makes_the_object_suspicious() -> None:
    checks: list[Client] = []
    client = resource(check=checks.append)(connect)

    async def use() -> None:
        async with client():
            await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.ensure_future(use())
        await asyncio.sleep(0.01)  # real time
        task.cancel()
        await asyncio.wait((task,))
        await client.get()

    asyncio.run(main())
    assert len(checks) == 1


def test_a_use_inside_its_own_factory_is_an_error() -> None:
    @resource
    async def client() -> Client:
        return await client.get()  # type: ignore[no-any-return]

    with pytest.raises(coldcache.ReentrantLoadError, match="client -> client"):
        asyncio.run(client.get())


def test_a_task_started_by_the_factory_may_use_the_object_later() -> None:
    tasks: list[asyncio.Task[Any]] = []

    @resource
    async def client() -> Client:
        async def later() -> Client:
            await asyncio.sleep(0.01)  # real time, until it is made
            return await client.get()  # type: ignore[no-any-return]

        tasks.append(asyncio.ensure_future(later()))
        return Client()

    async def main() -> bool:
        return await client.get() is await tasks[0]

    assert asyncio.run(main())
