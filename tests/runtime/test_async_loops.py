"""Event loops come and go: one per invocation, several at once, closed or stopped half way."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import coldcache
import pytest


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


class Loop:
    """An event loop in a thread of its own, ended in whatever way a test wants."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def submit(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(20)

    def close(self):
        """Stop and close without cancelling anything, as careless programs do."""
        self.stop()
        for task in asyncio.all_tasks(self.loop):
            task._log_destroy_pending = False
        self.loop.close()


@pytest.fixture
def other():
    other = Loop()
    yield other
    if not other.loop.is_closed():
        if other.loop.is_running():
            other.stop()
        other.close()


class Stuck:
    """The first load never ends; later ones do at once."""

    def __init__(self):
        self.loads = 0
        self.started = threading.Event()

    async def __call__(self):
        self.loads += 1
        if self.loads == 1:
            self.started.set()
            await asyncio.get_running_loop().create_future()
        return f"load {self.loads}"


def test_one_loop_per_invocation_loads_once():
    calls = []

    @coldcache.cached
    async def load(key):
        calls.append(key)
        await asyncio.sleep(0)
        return key

    assert [run(load("a")) for _ in range(3)] == ["a"] * 3
    assert calls == ["a"]


def test_one_loop_per_invocation_runs_an_async_once_once():
    calls = []

    @coldcache.once
    async def settings():
        calls.append(1)
        await asyncio.sleep(0)
        return {}

    first, second, third = (run(settings()) for _ in range(3))
    assert first is second is third
    assert calls == [1]


def test_an_invocation_that_times_out_in_flight_does_not_harm_the_next():
    stuck = Stuck()
    load = coldcache.cached(stuck)

    async def handler():
        return await asyncio.wait_for(load(), 0.02)

    with pytest.raises(asyncio.TimeoutError):
        asyncio.run(handler())
    assert [run(load()), run(load())] == ["load 2", "load 2"]


def test_an_invocation_that_forgets_its_task_does_not_harm_the_next():
    stuck = Stuck()
    load = coldcache.cached(stuck)

    async def handler():
        asyncio.create_task(load())  # noqa: RUF006
        await until(stuck.started.is_set)

    asyncio.run(handler())
    assert run(load()) == "load 2"


def test_four_loops_in_four_threads_load_once():
    calls, barrier = [], threading.Barrier(4)

    @coldcache.cached
    async def load():
        calls.append(1)
        await asyncio.sleep(0.05)
        return object()

    async def main():
        barrier.wait(20)
        return await load()

    with ThreadPoolExecutor(4) as pool:
        answers = {id(job.result(20)) for job in [pool.submit(run, main()) for _ in range(4)]}
    assert len(answers) == 1
    assert calls == [1]


def test_cancelling_the_caller_on_the_loop_of_the_load_spares_other_loops(other):
    started, go_on = threading.Event(), threading.Event()

    @coldcache.cached
    async def load():
        started.set()
        await until(go_on.is_set)
        return "loaded"

    first = other.submit(load())
    assert started.wait(20)

    async def main():
        caller = asyncio.create_task(load())
        await asyncio.sleep(0.02)
        first.cancel()
        await asyncio.sleep(0.02)
        go_on.set()
        return await caller

    assert run(main()) == "loaded"


def test_the_last_waiter_leaving_from_another_loop_cancels_the_load(other):
    started, cancelled = threading.Event(), threading.Event()

    @coldcache.cached
    async def load():
        started.set()
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    first = other.submit(load())
    assert started.wait(20)

    async def main():
        caller = asyncio.create_task(load())
        await asyncio.sleep(0.02)
        first.cancel()
        await asyncio.sleep(0.02)
        assert not cancelled.is_set()
        caller.cancel()
        await asyncio.wait([caller])

    run(main())
    assert cancelled.wait(20)


@pytest.mark.parametrize("end", [Loop.stop, Loop.close], ids=["stopped", "closed"])
def test_a_loop_that_goes_away_hands_the_flight_to_a_waiting_task(other, end):
    stuck = Stuck()
    load = coldcache.cached(stuck)
    other.submit(load())
    assert stuck.started.wait(20)

    async def main():
        caller = asyncio.create_task(load())
        await asyncio.sleep(0.02)
        end(other)
        return await caller

    assert run(main()) == "load 2"


@pytest.mark.parametrize("end", [Loop.stop, Loop.close], ids=["stopped", "closed"])
def test_a_loop_that_goes_away_hands_the_flight_to_a_waiting_thread(other, end):
    stuck, cache = Stuck(), coldcache.Cache()

    async def loader():
        return await stuck()

    other.submit(cache.get_or_load("a", loader))
    assert stuck.started.wait(20)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(cache.get_or_load, "a", lambda: "own load")
        end(other)
        assert waiting.result(20) == "own load"


@pytest.mark.parametrize("end", [Loop.stop, Loop.close], ids=["stopped", "closed"])
def test_a_loop_that_went_away_is_not_waited_for(other, end):
    stuck = Stuck()
    load = coldcache.cached(stuck)
    other.submit(load())
    assert stuck.started.wait(20)
    end(other)
    assert run(load()) == "load 2"


def test_only_one_of_many_waiters_takes_over_from_a_loop_that_went_away(other):
    stuck = Stuck()
    load = coldcache.cached(stuck)
    other.submit(load())
    assert stuck.started.wait(20)

    async def main():
        callers = [asyncio.create_task(load()) for _ in range(16)]
        await asyncio.sleep(0.02)
        other.close()
        return await asyncio.gather(*callers)

    assert run(main()) == ["load 2"] * 16
    assert stuck.loads == 2


def test_a_waiting_loop_that_was_closed_does_not_harm_the_load(other):
    started, go_on, cache = threading.Event(), threading.Event(), coldcache.Cache()

    def loader():
        started.set()
        assert go_on.wait(20)
        return "loaded"

    async def never():
        raise AssertionError

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(cache.get_or_load, "a", loader)
        assert started.wait(20)
        waiting = other.submit(cache.get_or_load("a", never))
        other.submit(asyncio.sleep(0.02)).result(20)
        other.close()
        go_on.set()
        assert loading.result(20) == "loaded"
        assert not waiting.done()


def test_a_loop_run_in_pieces_finishes_its_load():
    go_on = []

    @coldcache.cached
    async def load():
        await until(lambda: go_on)
        return "loaded"

    loop = asyncio.new_event_loop()
    try:
        task = loop.create_task(load())
        loop.run_until_complete(asyncio.sleep(0.01))
        go_on.append(1)
        assert loop.run_until_complete(asyncio.wait_for(task, 20)) == "loaded"
    finally:
        loop.close()


def test_a_waiting_task_times_out_as_asked():
    stuck = Stuck()
    load = coldcache.cached(timeout=0.02)(stuck)

    async def main():
        with pytest.raises(coldcache.LoadTimeout, match="Stuck"):
            await load()

    run(main())


def test_a_timeout_of_the_only_caller_cancels_the_load():
    cancelled = []

    @coldcache.cached(timeout=0.02)
    async def load():
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            cancelled.append(1)
            raise

    async def main():
        with pytest.raises(coldcache.LoadTimeout):
            await load()
        await until(lambda: cancelled)

    run(main())


def test_a_task_that_waits_for_a_thread_times_out_as_asked():
    cache, started, go_on = coldcache.Cache(timeout=0.02), threading.Event(), threading.Event()

    def loader():
        started.set()
        assert go_on.wait(20)
        return "loaded"

    async def never():
        raise AssertionError

    async def main():
        with pytest.raises(TimeoutError):
            await cache.get_or_load("a", never)

    with ThreadPoolExecutor(1) as pool:
        loading = pool.submit(cache.get_or_load, "a", loader)
        assert started.wait(20)
        try:
            run(main())
        finally:
            go_on.set()
        assert loading.result(20) == "loaded"


def test_a_load_within_the_timeout_is_answered():
    @coldcache.cached(timeout=10)
    async def load():
        await asyncio.sleep(0)
        return "loaded"

    assert run(load()) == "loaded"


def test_a_forked_child_does_not_wait_for_a_load_of_the_parents_loop(other):
    stuck = Stuck()
    load = coldcache.cached(stuck)
    other.submit(load())
    assert stuck.started.wait(20)
    child = fork()
    if child == 0:
        os._exit(0 if asyncio.run(load()) == "load 2" else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0


def fork():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads, since 3.12
        return os.fork()
