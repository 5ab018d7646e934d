"""The old value at once, and one refresh beside it, as a task of the caller's loop."""

from __future__ import annotations

import asyncio
import logging
import sys

import coldcache
import pytest


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


@pytest.fixture
def clock():
    with coldcache.testing.clock() as clock:
        yield clock


def counting(values=None, **options):
    calls = []

    @coldcache.cached(ttl=10, **options)
    async def load():
        calls.append(1)
        await asyncio.sleep(0)
        number = len(calls)
        return number if values is None else values[number - 1]

    return load, calls


def test_a_stale_value_is_served_and_refreshed_once(clock):
    load, calls = counting(stale=100)

    async def main():
        await load()
        clock.advance(20)
        assert await asyncio.gather(*(load() for _ in range(8))) == [1] * 8
        await until(lambda: load.peek() == 2)
        return await load()

    assert run(main()) == 2
    assert len(calls) == 2


def test_a_stale_none_is_served_at_once(clock):
    load, _ = counting(values=[None, "new"], stale=100)

    async def main():
        await load()
        clock.advance(20)
        return await load()

    assert run(main()) is None


def test_a_value_past_its_stale_time_is_not_served(clock):
    load, _ = counting(stale=100)

    async def main():
        await load()
        clock.advance(111)
        return await load()

    assert run(main()) == 2


def test_a_value_shortly_before_its_end_is_served_and_refreshed(clock):
    load, _ = counting(refresh_ahead=3)

    async def main():
        await load()
        clock.advance(8)
        assert await load() == 1
        await until(lambda: load.stats()["loads"] == 2)
        return await load()

    assert run(main()) == 2


def test_a_failed_refresh_serves_on_and_is_logged_once(clock, caplog):
    calls = []

    @coldcache.cached(ttl=10, stale=100, name="prices")
    async def load():
        calls.append(1)
        if len(calls) > 1:
            raise OSError("secret detail")
        return "old"

    async def main():
        await load()
        clock.advance(20)
        for wanted in (2, 3):
            assert await load() == "old"
            await until(lambda wanted=wanted: len(calls) == wanted)
            await asyncio.sleep(0.01)
            clock.advance(5)  # past the pause after a refresh that failed

    with caplog.at_level(logging.WARNING):
        run(main())
    told = [record for record in caplog.records if "prices" in record.getMessage()]
    assert len(told) == 1
    assert "secret detail" not in caplog.text


def test_a_failed_refresh_is_not_tried_again_at_once(clock):
    calls = []

    @coldcache.cached(ttl=10, stale=100)
    async def load():
        calls.append(1)
        if len(calls) > 1:
            raise OSError
        return "old"

    async def main():
        await load()
        clock.advance(20)
        for _ in range(5):
            assert await load() == "old"
            await until(lambda: len(calls) == 2)
            await asyncio.sleep(0)

    run(main())
    assert len(calls) == 2


def test_cancelling_the_caller_that_was_served_does_not_stop_the_refresh(clock):
    load, _ = counting(stale=100)

    async def main():
        await load()
        clock.advance(20)
        caller = asyncio.create_task(load())
        await asyncio.sleep(0)
        caller.cancel()
        await asyncio.wait([caller])
        await until(lambda: load.peek() == 2)

    run(main())


def test_a_refresh_that_slept_with_the_sandbox_is_not_kept(clock):
    async def main():
        go_on, calls = asyncio.Event(), []

        @coldcache.cached(ttl=10, stale=10_000)
        async def load():
            calls.append(1)
            if len(calls) == 2:
                await go_on.wait()
            return len(calls)

        await load()
        clock.advance(20)
        await load()
        await until(lambda: len(calls) == 2)
        clock.freeze(600)
        go_on.set()
        await asyncio.sleep(0.01)
        return load.peek()

    assert run(main()) != 2


def test_one_loop_per_invocation_still_gets_fresh(clock):
    """The loop of the invocation that started the refresh ends before the refresh would."""
    calls = []

    @coldcache.cached(ttl=10, stale=1000)
    async def load():
        calls.append(1)
        await asyncio.sleep(0.005)
        return len(calls)

    assert asyncio.run(load()) == 1
    clock.advance(20)
    answers = [asyncio.run(load()) for _ in range(5)]
    assert answers[0] == 1
    assert answers[-1] > 1


def refreshed(clock, reload):
    """The value after one refresh by this coroutine function."""
    calls = []

    @coldcache.cached(ttl=10, stale=1000)
    async def load():
        calls.append(1)
        return "old" if len(calls) == 1 else await reload()

    async def main():
        await load()
        clock.advance(20)
        assert await load() == "old"
        await until(lambda: load.stats()["loads"] == 2)
        return load.peek()

    return run(main())


def test_a_refresh_may_time_out_inside_and_go_on(clock):
    async def reload():
        try:
            await asyncio.wait_for(asyncio.sleep(10), 0.01)
        except asyncio.TimeoutError:
            await asyncio.sleep(0.2)  # longer than a loop that ends would have waited
        return "new"

    assert refreshed(clock, reload) == "new"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="task groups came with 3.11")
def test_a_refresh_may_survive_a_group_of_tasks_that_failed(clock):
    async def fail():
        raise OSError

    async def reload():
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                await asyncio.sleep(0.05)
        except ExceptionGroup:  # noqa: F821 - a builtin where this runs
            await asyncio.sleep(0.2)
        return "new"

    assert refreshed(clock, reload) == "new"


def test_a_refresh_that_does_not_end_does_not_hold_up_the_end_of_the_loop(clock):
    async def main():
        calls = []

        @coldcache.cached(ttl=10, stale=1000)
        async def load():
            calls.append(1)
            if len(calls) > 1:
                await asyncio.get_running_loop().create_future()
            return "old"

        await load()
        clock.advance(20)
        assert await load() == "old"
        await until(lambda: len(calls) == 2)

    run(main())


def test_plain_code_is_served_the_stale_value_while_a_task_refreshes(clock):
    cache = coldcache.Cache(ttl=10, stale=100)

    async def main():
        go_on, started = asyncio.Event(), []

        async def loader():
            started.append(1)
            await go_on.wait()
            return "new"

        cache["a"] = "old"
        clock.advance(20)
        assert await cache.get_or_load("a", loader) == "old"
        await until(lambda: started)
        assert cache.get_or_load("a", lambda: "unused") == "old"
        go_on.set()
        await until(lambda: cache.peek("a") == "new")

    run(main())
