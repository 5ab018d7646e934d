"""A load that fails: every caller gets an exception of its own, and the next call tries again."""

from __future__ import annotations

import asyncio
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor

import coldcache
import pytest


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


class Down(Exception):
    pass


def failing(times=1, **options):
    calls = []

    @coldcache.cached(**options)
    async def load():
        calls.append(1)
        await asyncio.sleep(0)
        if len(calls) <= times:
            raise Down("source", len(calls))
        return f"load {len(calls)}"

    return load, calls


async def together(load, number):
    return await asyncio.gather(*(load() for _ in range(number)), return_exceptions=True)


def test_a_failing_load_runs_once_for_all_who_wait():
    load, calls = failing()
    errors = run(together(load, 64))
    assert calls == [1]
    assert all(type(error) is Down and error.args == ("source", 1) for error in errors)


def test_every_waiter_gets_an_exception_of_its_own():
    load, _ = failing()
    errors = run(together(load, 16))
    assert len(set(map(id, errors))) == 16


def test_the_exceptions_of_the_waiters_are_chained_to_the_original():
    load, _ = failing()
    original, *others = run(together(load, 16))
    assert all(other.__cause__ is original for other in others)


def test_the_traceback_of_the_original_shows_the_load():
    load, _ = failing()
    original, *_ = run(together(load, 2))
    assert [frame.name for frame in traceback.extract_tb(original.__traceback__)][-1] == "load"


def test_tracebacks_do_not_grow_with_the_number_of_waiters():
    def frames(number):
        load, _ = failing()
        errors = run(together(load, number))
        return max(len(traceback.extract_tb(error.__traceback__)) for error in errors)

    assert frames(64) == frames(2)


def test_the_next_call_tries_again():
    load, _ = failing()

    async def main():
        await together(load, 4)
        return await load()

    assert run(main()) == "load 2"


def test_the_next_invocation_tries_again():
    load, _ = failing()
    run(together(load, 4))
    assert run(load()) == "load 2"


def test_a_failure_reaches_waiting_threads():
    cache = coldcache.Cache()

    async def main():
        started, go_on = [], asyncio.Event()

        async def loader():
            started.append(1)
            await go_on.wait()
            raise Down("source")

        task = asyncio.create_task(cache.get_or_load("a", loader))
        await until(lambda: started)
        with ThreadPoolExecutor(4) as pool:
            waiting = [pool.submit(cache.get_or_load, "a", lambda: "own") for _ in range(4)]
            await asyncio.sleep(0.05)
            go_on.set()
            errors = [await asyncio.to_thread(job.exception, 20) for job in waiting]
        with pytest.raises(Down) as caught:
            await task
        return caught.value, errors

    original, errors = run(main())
    assert all(type(error) is Down and error.__cause__ is original for error in errors)


def test_a_failure_of_a_thread_reaches_waiting_tasks():
    cache, started, go_on = coldcache.Cache(), threading.Event(), threading.Event()

    def loader():
        started.set()
        assert go_on.wait(20)
        raise Down("source")

    async def never():
        raise AssertionError

    async def main():
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(cache.get_or_load, "a", loader)
            await until(started.is_set)
            tasks = [asyncio.create_task(cache.get_or_load("a", never)) for _ in range(4)]
            await asyncio.sleep(0.01)
            go_on.set()
            errors = await asyncio.gather(*tasks, return_exceptions=True)
            return await asyncio.to_thread(loading.exception, 20), errors

    original, errors = run(main())
    assert all(type(error) is Down and error.__cause__ is original for error in errors)


def test_a_failure_is_remembered_for_its_time():
    with coldcache.testing.clock() as clock:
        load, calls = failing(error_ttl=10)

        async def main():
            await together(load, 2)
            clock.advance(5)
            with pytest.raises(Down):
                await load()
            clock.advance(6)
            return await load()

        assert run(main()) == "load 2"
        assert calls == [1, 1]


def test_a_remembered_failure_is_an_exception_of_each_callers_own():
    load, _ = failing(times=9, error_ttl=10)

    async def main():
        return [(await together(load, 1))[0] for _ in range(5)]

    errors = run(main())
    assert len(set(map(id, errors))) == 5
    assert all(error.__cause__ is errors[0] for error in errors[1:])


def test_an_old_value_stands_in_for_a_failed_load():
    with coldcache.testing.clock() as clock:
        down = []

        @coldcache.cached(ttl=10, stale_if_error=100)
        async def load():
            await asyncio.sleep(0)
            if down:
                raise Down
            return "old"

        async def main():
            await load()
            down.append(1)
            clock.advance(20)
            return await asyncio.gather(*(load() for _ in range(8)))

        assert run(main()) == ["old"] * 8


def test_a_copy_of_a_value_that_stands_in_is_made_once():
    copies = []

    def copy(value):
        copies.append(value)
        return list(value)

    with coldcache.testing.clock() as clock:
        down = []

        @coldcache.cached(ttl=10, stale_if_error=100, error_ttl=50, copy=copy)
        async def load():
            if down:
                raise Down
            return ["old"]

        async def main():
            await load()
            down.append(1)
            clock.advance(20)
            await load()
            copies.clear()
            return await load()

        assert run(main()) == ["old"]
        assert len(copies) == 1


def test_a_failed_refresh_on_demand_is_an_error_and_keeps_the_value():
    down = []

    @coldcache.cached
    async def load():
        if down:
            raise Down
        return "old"

    async def main():
        await load()
        down.append(1)
        with pytest.raises(Down):
            await load.refresh()
        return await load()

    assert run(main()) == "old"


def test_an_async_once_that_may_not_retry_keeps_its_failure():
    calls = []

    @coldcache.once(retry="never")
    async def settings():
        calls.append(1)
        raise Down

    for _ in range(3):
        with pytest.raises(Down):
            run(settings())
    assert calls == [1]


def test_an_async_once_retries_after_a_failure():
    calls = []

    @coldcache.once
    async def settings():
        calls.append(1)
        if len(calls) == 1:
            raise Down
        return "done"

    with pytest.raises(Down):
        run(settings())
    assert run(settings()) == "done"
    assert settings.is_done()
