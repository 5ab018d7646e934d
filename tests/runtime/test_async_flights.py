"""One load for all callers of a key: tasks, threads and loops together."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from concurrent.futures import ThreadPoolExecutor

import coldcache
import pytest


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


class Source:
    """Counts its loads and holds each of them until it is let go."""

    def __init__(self):
        self.loads = 0
        self.started = threading.Event()
        self.go_on = threading.Event()

    async def aload(self):
        self.loads += 1
        self.started.set()
        while not self.go_on.is_set():
            await asyncio.sleep(0.001)
        return f"load {self.loads}"

    def load(self):
        self.loads += 1
        self.started.set()
        assert self.go_on.wait(20)
        return f"load {self.loads}"


def test_many_tasks_share_one_load():
    calls = []

    @coldcache.cached
    async def load(key):
        calls.append(key)
        await asyncio.sleep(0)
        return object()

    async def main():
        return await asyncio.gather(*(load("a") for _ in range(64)))

    assert len(set(map(id, run(main())))) == 1
    assert calls == ["a"]


def test_many_tasks_share_one_run_of_an_async_once():
    calls = []

    @coldcache.once
    async def settings():
        calls.append(1)
        await asyncio.sleep(0)
        return object()

    async def main():
        return await asyncio.gather(*(settings() for _ in range(64)))

    assert len(set(map(id, run(main())))) == 1
    assert calls == [1]


def test_different_keys_load_side_by_side():
    entered = []

    @coldcache.cached
    async def load(key):
        entered.append(key)
        await until(lambda: len(entered) == 2)
        return key

    async def main():
        return await asyncio.gather(load("a"), load("b"))

    assert run(main()) == ["a", "b"]


def test_the_tasks_that_join_a_load_are_misses_and_the_load_is_one():
    @coldcache.cached
    async def load(key):
        await asyncio.sleep(0)
        return key

    async def main():
        await asyncio.gather(*(load("a") for _ in range(5)))
        await load("a")

    run(main())
    stats = load.stats()
    assert (stats["hits"], stats["misses"], stats["loads"]) == (1, 5, 1)


def test_a_thread_waits_for_the_load_of_a_task():
    cache, source = coldcache.Cache(), Source()

    async def main():
        task = asyncio.create_task(cache.get_or_load("a", source.aload))
        await until(source.started.is_set)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(cache.get_or_load, "a", source.load)
            await asyncio.sleep(0.05)
            assert not waiting.done()
            source.go_on.set()
            return await task, await asyncio.wrap_future(waiting)

    assert run(main()) == ("load 1", "load 1")
    assert source.loads == 1


def test_a_task_waits_for_the_load_of_a_thread():
    cache, source = coldcache.Cache(), Source()

    async def main():
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(cache.get_or_load, "a", source.load)
            await until(source.started.is_set)
            task = asyncio.create_task(cache.get_or_load("a", source.aload))
            await asyncio.sleep(0.05)
            assert not task.done()
            source.go_on.set()
            return await task, await asyncio.wrap_future(loading)

    assert run(main()) == ("load 1", "load 1")
    assert source.loads == 1


def test_threads_and_tasks_of_several_loops_share_one_load():
    cache, source, loops, threads = coldcache.Cache(), Source(), 4, 4
    everybody = threading.Barrier(loops + threads + 1)

    def in_loop():
        async def main():
            everybody.wait(20)
            return await asyncio.gather(*(cache.get_or_load("a", source.aload) for _ in range(4)))

        return run(main())

    def in_thread():
        everybody.wait(20)
        return [cache.get_or_load("a", source.load)]

    with ThreadPoolExecutor(loops + threads) as pool:
        jobs = [pool.submit(in_loop) for _ in range(loops)]
        jobs += [pool.submit(in_thread) for _ in range(threads)]
        everybody.wait(20)
        assert source.started.wait(20)
        source.go_on.set()
        answers = [answer for job in jobs for answer in job.result(20)]
    assert answers == ["load 1"] * (loops * 4 + threads)
    assert source.loads == 1


def test_plain_code_may_not_wait_for_a_load_of_the_loop_it_blocks():
    cache, source = coldcache.Cache(name="prices"), Source()

    async def main():
        task = asyncio.create_task(cache.get_or_load("a", source.aload))
        await until(source.started.is_set)
        with pytest.raises(coldcache.ReentrantLoadError, match="prices"):
            cache.get_or_load("a", source.load)
        source.go_on.set()
        return await task

    assert run(main()) == "load 1"


def test_async_methods_load_once_per_instance():
    class Service:
        def __init__(self):
            self.calls = 0

        @coldcache.cached
        async def load(self, key):
            self.calls += 1
            await asyncio.sleep(0)
            return self, key

    async def main():
        one, other = Service(), Service()
        answers = await asyncio.gather(*(s.load("a") for s in (one, other) for _ in range(8)))
        assert answers == [(one, "a")] * 8 + [(other, "a")] * 8
        return one.calls, other.calls

    assert run(main()) == (1, 1)


def test_an_async_static_method_and_an_async_class_method_are_cached():
    calls = []

    class Service:
        @coldcache.cached
        @staticmethod
        async def static(key):
            calls.append(key)
            return key

        @coldcache.cached
        @classmethod
        async def of_class(cls, key):
            calls.append(key)
            return cls, key

    async def main():
        for _ in range(2):
            assert await Service.static("s") == "s"
            assert await Service.of_class("c") == (Service, "c")

    run(main())
    assert calls == ["s", "c"]


def test_an_async_once_method_runs_once_per_instance():
    class Service:
        calls = 0

        @coldcache.once
        async def connect(self):
            self.calls += 1
            return self.calls

    async def main():
        one, other = Service(), Service()
        return [await one.connect(), await one.connect(), await other.connect()]

    assert run(main()) == [1, 1, 1]


def test_a_load_overtaken_by_an_invalidation_is_handed_out_but_not_kept():
    source = Source()
    load = coldcache.cached(source.aload)

    async def main():
        before = asyncio.create_task(load())
        await until(source.started.is_set)
        load.invalidate()
        source.go_on.set()
        assert await before == "load 1"
        assert load.peek() is None
        return await load()

    assert run(main()) == "load 2"


def test_a_caller_after_an_invalidation_starts_anew_beside_the_old_load():
    gates = [asyncio.Event, asyncio.Event]
    loads = []

    async def main():
        events = [gate() for gate in gates]

        @coldcache.cached
        async def load():
            number = len(loads)
            loads.append(number)
            await events[number].wait()
            return number

        before = asyncio.create_task(load())
        await until(lambda: loads == [0])
        load.cache_clear()
        after = asyncio.create_task(load())
        await until(lambda: loads == [0, 1])
        events[1].set()
        assert await after == 1
        events[0].set()
        assert await before == 0
        return await load()

    assert run(main()) == 1


def test_a_value_set_during_a_load_is_the_one_that_stays():
    cache, source = coldcache.Cache(), Source()

    async def main():
        task = asyncio.create_task(cache.get_or_load("a", source.aload))
        await until(source.started.is_set)
        cache["a"] = "set"
        source.go_on.set()
        await task
        return cache["a"]

    assert run(main()) == "set"


def test_a_refresh_loads_although_the_value_is_fresh():
    calls = []

    @coldcache.cached
    async def load(key):
        calls.append(key)
        return len(calls)

    async def main():
        return [await load("a"), await load.refresh("a"), await load("a")]

    assert run(main()) == [1, 2, 2]


def test_the_loader_sees_the_context_of_its_first_caller():
    tenant = contextvars.ContextVar("tenant")

    @coldcache.cached
    async def load():
        return tenant.get()

    async def main():
        tenant.set("blue")
        return await load()

    assert run(main()) == "blue"


def test_a_copy_is_made_for_each_task():
    @coldcache.cached(copy="shallow")
    async def load():
        await asyncio.sleep(0)
        return [1]

    async def main():
        return await asyncio.gather(*(load() for _ in range(4)), load())

    first, *others = run(main())
    assert all(other == first and other is not first for other in others)


def test_a_weigher_that_fails_is_an_error_of_the_caller():
    @coldcache.cached(max_weight=10, weigher=lambda value: -1)
    async def load():
        return 1

    with pytest.raises(ValueError, match="weigher"):
        run(load())
    assert load.cache_info().currsize == 0


def test_an_async_once_runs_its_async_dependency_first():
    order = []

    @coldcache.once
    async def secret():
        order.append("secret")

    @coldcache.once(after=(secret,))
    async def client():
        order.append("client")

    run(client())
    assert order == ["secret", "client"]


def test_a_plain_once_refuses_an_async_dependency():
    @coldcache.once
    async def secret():
        return 1

    with pytest.raises(TypeError, match="secret"):
        coldcache.once(after=(secret,))(lambda: 1)


def test_the_fallback_of_a_flag_that_is_off_is_the_answer(monkeypatch):
    monkeypatch.setenv("HEAVY", "off")

    @coldcache.once(flag="HEAVY", fallback="light")
    async def model():
        raise AssertionError

    assert run(model()) == "light"


def test_an_async_fallback_of_a_flag_that_is_off_is_awaited(monkeypatch):
    monkeypatch.setenv("HEAVY", "off")

    async def light():
        return "light"

    @coldcache.once(flag="HEAVY", fallback=light)
    async def model():
        raise AssertionError

    assert run(model()) == "light"


def test_an_async_fallback_of_a_failed_load_is_awaited():
    async def light():
        return "light"

    @coldcache.cached(fallback=light)
    async def load():
        raise OSError

    assert run(load()) == "light"


def test_a_plain_fallback_of_a_failed_load_is_the_answer():
    @coldcache.cached(fallback=None)
    async def load():
        raise OSError

    assert run(load()) is None


def test_recursion_with_gather_over_a_wide_graph_of_waits_stays_quick():
    @coldcache.cached
    async def fibonacci(number):
        if number < 2:
            return number
        await asyncio.sleep(0)
        return sum(await asyncio.gather(fibonacci(number - 1), fibonacci(number - 2)))

    async def main():
        return await asyncio.gather(*(fibonacci(number) for number in range(60, 0, -1)))

    assert run(main())[0] == 1548008755920
