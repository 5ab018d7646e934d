"""Pools filled by coroutine functions: one for each loop, shared by its tasks."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import coldcache
import pytest
from coldcache import pool


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


def test_a_pool_of_a_loop_hands_each_object_to_one_task_at_a_time() -> None:
    clients = pool(size=3)(connect)
    in_use: set[Client] = set()

    async def use() -> None:
        async with clients() as one:
            assert one not in in_use
            in_use.add(one)
            await asyncio.sleep(0)
            in_use.remove(one)

    async def main() -> None:
        await asyncio.gather(*(use() for _ in range(100)))

    asyncio.run(main())
    assert clients.stats()["made"] <= 3
    assert clients.stats()["in_use"] == 0


def test_tasks_get_objects_in_the_order_in_which_they_came() -> None:
    clients = pool(size=1)(connect)
    order: list[int] = []

    async def use(number: int) -> None:
        async with clients():
            order.append(number)
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*(use(number) for number in range(20)))

    asyncio.run(main())
    assert order == list(range(20))


def test_a_full_pool_of_a_loop_is_saturated_and_names_the_task() -> None:
    clients = pool(size=1, timeout=0.05, name="clients")(connect)

    async def hold() -> None:
        async with clients():
            with pytest.raises(coldcache.PoolSaturated, match=r"hold .* task holding"):
                async with clients():
                    pass

    async def main() -> None:
        await asyncio.create_task(hold(), name="holding")

    asyncio.run(main())
    assert clients.stats()["saturated"] == 1


def test_cancelled_waiters_lose_nothing() -> None:
    clients = pool(size=2)(connect)

    async def use() -> None:
        async with clients():
            await asyncio.sleep(0)

    async def main() -> None:
        for turn in range(50):
            tasks = [asyncio.ensure_future(use()) for _ in range(10)]
            for _ in range(turn % 7):
                await asyncio.sleep(0)
            for task in tasks[:: turn % 3 + 1]:
                task.cancel()
            await asyncio.wait(tasks)

    asyncio.run(main())
    stats = clients.stats()
    assert (stats["in_use"], stats["waiting"]) == (0, 0)
    assert stats["idle"] <= 2


def test_an_object_whose_task_was_cancelled_is_replaced() -> None:
    clients = pool(size=1, close=Client.close)(connect)

    async def use() -> None:
        async with clients():
            await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.ensure_future(use())
        await asyncio.sleep(0.01)  # real time
        task.cancel()
        await asyncio.wait((task,))
        async with clients():
            pass

    asyncio.run(main())
    assert clients.stats()["replaced"] == {"interrupted": 1}


def test_warm_up_fills_the_pool_of_the_loop_side_by_side() -> None:
    running = [0]
    most = [0]

    @pool(size=4, min_idle=3)
    async def clients() -> Client:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0)
        running[0] -= 1
        return Client()

    async def main() -> dict[str, Any]:
        await clients._warm_up()  # type: ignore[misc]
        return clients.stats()

    assert asyncio.run(main())["idle"] == 3
    assert most == [3]


def test_pools_of_closed_loops_are_let_go() -> None:
    clients = pool(size=2)(connect)

    async def use() -> None:
        async with clients():
            pass

    for _ in range(10):
        asyncio.run(use())
    gc.collect()

    assert len(clients._rosters) == len(clients._alive) == 1


def test_reset_is_awaited_before_the_object_is_handed_on() -> None:
    resets: list[Client] = []

    async def reset(client: Client) -> None:
        await asyncio.sleep(0)
        resets.append(client)

    clients = pool(size=1, reset=reset)(connect)

    async def main() -> list[int]:
        seen = []
        for _ in range(3):
            async with clients():
                seen.append(len(resets))
        return seen

    assert asyncio.run(main()) == [0, 1, 2]
