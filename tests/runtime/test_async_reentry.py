"""A load that waits for itself, whichever way round: an error that names the ring, never a hang."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import coldcache
import pytest


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


def ring(error):
    """The names in the message, from the alphabetically first one: a ring has no beginning."""
    *names, again = str(error).rsplit(": ", 1)[1].split(" -> ")
    assert names[0] == again
    at = names.index(min(names))
    return names[at:] + names[:at]


async def direct(load):
    return await load()


async def through_create_task(load):
    return await asyncio.create_task(load())


async def through_gather(load):
    return await asyncio.gather(asyncio.sleep(0), load())


async def through_wait_for(load):
    return await asyncio.wait_for(load(), 10)


async def through_shield(load):
    return await asyncio.shield(load())


async def through_a_thread_with_a_loop(load):
    return await asyncio.to_thread(lambda: asyncio.run(load()))


async def through_two_tasks(load):
    return await asyncio.create_task(through_create_task(load))


WAYS = [
    direct,
    through_create_task,
    through_gather,
    through_wait_for,
    through_shield,
    through_a_thread_with_a_loop,
    through_two_tasks,
]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_load_that_awaits_itself_is_an_error(way):
    @coldcache.cached(name="settings")
    async def load():
        return await way(load)

    with pytest.raises(coldcache.ReentrantLoadError, match=r"settings.*settings"):
        run(load())


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_an_async_once_that_awaits_itself_is_an_error(way):
    @coldcache.once(name="settings")
    async def load():
        return await way(load)

    with pytest.raises(coldcache.ReentrantLoadError, match=r"settings.*settings"):
        run(load())


def test_a_load_that_waits_for_itself_through_to_thread_is_an_error():
    cache = coldcache.Cache(name="settings")

    async def loader():
        return await asyncio.to_thread(cache.get_or_load, "a", lambda: "second")

    with pytest.raises(coldcache.ReentrantLoadError, match=r"settings.*settings"):
        run(cache.get_or_load("a", loader))


def test_a_load_that_waits_for_itself_in_its_own_plain_code_is_an_error():
    cache = coldcache.Cache(name="settings")

    async def loader():
        return cache.get_or_load("a", lambda: "second")

    with pytest.raises(coldcache.ReentrantLoadError, match=r"settings.*settings"):
        run(cache.get_or_load("a", loader))


def test_a_plain_load_that_runs_a_loop_that_awaits_it_is_an_error():
    cache = coldcache.Cache(name="settings")

    async def inner():
        return "second"

    async def main():
        return await cache.get_or_load("a", inner)

    with pytest.raises(coldcache.ReentrantLoadError, match=r"settings.*settings"):
        cache.get_or_load("a", lambda: asyncio.run(main()))


def test_a_load_that_waits_for_itself_through_another_names_both():
    @coldcache.cached(name="outer")
    async def outer():
        return await inner()

    @coldcache.cached(name="inner")
    async def inner():
        return await outer()

    with pytest.raises(coldcache.ReentrantLoadError) as caught:
        run(outer())
    assert ring(caught.value) == ["inner", "outer"]


def test_a_long_ring_is_named_in_order():
    functions = {}

    def define(name, following):
        @coldcache.cached(name=name)
        async def load():
            return await functions[following]()

        functions[name] = load

    for name, following in zip("abcd", "bcda", strict=True):
        define(name, following)
    with pytest.raises(coldcache.ReentrantLoadError) as caught:
        run(functions["a"]())
    assert ring(caught.value) == ["a", "b", "c", "d"]


def test_two_tasks_that_wait_for_each_others_loads_are_told():
    async def main():
        both = set()

        @coldcache.cached(name="a")
        async def load_a():
            both.add("a")
            await until(lambda: len(both) == 2)
            return await load_b()

        @coldcache.cached(name="b")
        async def load_b():
            both.add("b")
            await until(lambda: len(both) == 2)
            return await load_a()

        return await asyncio.gather(load_a(), load_b(), return_exceptions=True)

    answers = run(main())
    assert all(isinstance(answer, coldcache.ReentrantLoadError) for answer in answers)
    assert any("a" in str(answer) and "b" in str(answer) for answer in answers)


def test_two_loops_that_wait_for_each_others_loads_are_told():
    barrier = threading.Barrier(2)

    @coldcache.cached(name="a")
    async def load_a():
        await asyncio.to_thread(barrier.wait, 20)
        return await load_b()

    @coldcache.cached(name="b")
    async def load_b():
        await asyncio.to_thread(barrier.wait, 20)
        return await load_a()

    def caught(load):
        with pytest.raises(coldcache.ReentrantLoadError) as caught:
            run(load())
        return str(caught.value)

    with ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(caught, load) for load in (load_a, load_b)]
        messages = [job.result(20) for job in jobs]
    assert any("a" in message and "b" in message for message in messages)


def test_a_thread_and_a_task_that_wait_for_each_other_are_told():
    cache, barrier = coldcache.Cache(), threading.Barrier(2)

    def plain():
        barrier.wait(20)
        return cache.get_or_load("b", lambda: "b")

    async def asynchronous():
        await asyncio.to_thread(barrier.wait, 20)
        return await cache.get_or_load("a", unreached)

    async def unreached():
        return "a"

    with ThreadPoolExecutor(2) as pool:
        jobs = [
            pool.submit(cache.get_or_load, "a", plain),
            pool.submit(lambda: run(cache.get_or_load("b", asynchronous))),
        ]
        errors = [job.exception(20) for job in jobs]
    assert all(isinstance(error, coldcache.ReentrantLoadError) for error in errors)


def test_the_one_who_closes_the_ring_fails_alone_if_the_other_copes():
    async def main():
        both = set()

        @coldcache.cached
        async def load_a():
            both.add("a")
            await until(lambda: len(both) == 2)
            try:
                return await load_b()
            except coldcache.ReentrantLoadError:
                return "a coped"

        @coldcache.cached
        async def load_b():
            both.add("b")
            await until(lambda: len(both) == 2)
            try:
                return await load_a()
            except coldcache.ReentrantLoadError:
                return "b coped"

        return await asyncio.gather(load_a(), load_b())

    answers = run(main())
    assert answers in (["a coped", "a coped"], ["b coped", "b coped"])


def test_a_failed_reentry_leaves_the_key_usable():
    deep = [True]

    @coldcache.cached
    async def load():
        return await load() if deep else "loaded"

    with pytest.raises(coldcache.ReentrantLoadError):
        run(load())
    deep.clear()
    assert run(load()) == "loaded"


def test_tasks_that_wait_for_different_loads_are_no_ring():
    @coldcache.cached
    async def load(number):
        await asyncio.sleep(0)
        return number + (await load(number - 1) if number else 0)

    async def main():
        return await asyncio.gather(*(load(number) for number in range(20)))

    assert run(main()) == [number * (number + 1) // 2 for number in range(20)]


def test_a_refresh_started_inside_a_load_may_need_that_load():
    """The load was served the old value and does not wait for the refresh: no ring."""
    with coldcache.testing.clock() as clock:
        inner_loads = []

        @coldcache.cached(name="outer")
        async def outer():
            value = await inner()
            await asyncio.sleep(0.01)
            return value

        @coldcache.cached(name="inner", ttl=10, stale=100)
        async def inner():
            if inner_loads:
                inner_loads.append(await outer())
            else:
                inner_loads.append("first")
            return "inner"

        async def main():
            await inner()
            clock.advance(20)
            answer = await outer()
            await until(lambda: len(inner_loads) == 2)
            return answer

        assert run(main()) == "inner"
        assert inner_loads == ["first", "inner"]


def test_a_load_whose_impatient_starter_left_may_need_the_starters_load():
    async def main():
        @coldcache.cached(name="outer")
        async def outer():
            try:
                await asyncio.wait_for(inner(), 0.01)
            except asyncio.TimeoutError:
                gave_up.set()
            await asyncio.sleep(0.02)
            return "outer"

        @coldcache.cached(name="inner")
        async def inner():
            started.set()
            await gave_up.wait()
            return "inner of " + await outer()

        gave_up, started = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(outer())
        await started.wait()
        second = asyncio.create_task(inner())  # keeps the inner load alive
        return await asyncio.gather(first, second)

    assert run(main()) == ["outer", "inner of outer"]
