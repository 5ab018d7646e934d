"""Cancelling one caller, all of them, or the load itself; nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import coldcache
import pytest


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


async def until(condition):
    while not condition():
        await asyncio.sleep(0.001)


class Slow:
    """A load that waits for its event, and tells how it went."""

    def __init__(self):
        self.loads = 0
        self.was_cancelled = False
        self.go_on = asyncio.Event()

    async def __call__(self):
        self.loads += 1
        try:
            await self.go_on.wait()
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        return self.loads


def test_cancelling_the_first_caller_spares_the_others():
    async def main():
        slow = Slow()
        load = coldcache.cached(slow)
        first = asyncio.create_task(load())
        await until(lambda: slow.loads)
        others = [asyncio.create_task(load()) for _ in range(8)]
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.wait([first])
        slow.go_on.set()
        assert await asyncio.gather(*others) == [1] * 8
        assert first.cancelled()
        assert not slow.was_cancelled

    run(main())


def test_cancelling_a_later_caller_spares_the_first():
    async def main():
        slow = Slow()
        load = coldcache.cached(slow)
        first = asyncio.create_task(load())
        await until(lambda: slow.loads)
        later = asyncio.create_task(load())
        await asyncio.sleep(0)
        later.cancel()
        await asyncio.wait([later])
        slow.go_on.set()
        assert await first == 1

    run(main())


def test_the_load_is_cancelled_when_the_last_caller_leaves():
    async def main():
        slow = Slow()
        load = coldcache.cached(slow)
        callers = [asyncio.create_task(load()) for _ in range(3)]
        await until(lambda: slow.loads)
        for caller in callers:
            caller.cancel()
        await asyncio.wait(callers)
        await until(lambda: slow.was_cancelled)

    run(main())


def test_the_next_call_after_a_cancelled_load_starts_anew():
    async def main():
        slow = Slow()
        load = coldcache.cached(slow)
        caller = asyncio.create_task(load())
        await until(lambda: slow.loads)
        caller.cancel()
        await asyncio.wait([caller])
        slow.go_on.set()
        assert await load() == 2
        assert slow.was_cancelled

    run(main())


def test_a_call_in_the_moment_of_the_cancellation_gets_a_value():
    async def main():
        slow = Slow()
        load = coldcache.cached(slow)
        caller = asyncio.create_task(load())
        await until(lambda: slow.loads)
        caller.cancel()
        next_caller = asyncio.create_task(load())  # runs right after the cancelled one
        await asyncio.wait([caller])
        slow.go_on.set()
        assert await next_caller in (1, 2)

    run(main())


def test_a_caller_cancelled_before_it_ran_leaves_nothing_behind():
    async def main():
        slow = Slow()
        load = coldcache.cached(slow)
        caller = asyncio.create_task(load())
        caller.cancel()
        await asyncio.wait([caller])
        slow.go_on.set()
        assert await load() == 1

    run(main())


def test_a_caller_cancelled_before_the_load_ran_leaves_nothing_behind():
    async def main():
        slow = Slow()
        load = coldcache.cached(slow)
        caller = asyncio.create_task(load())
        await asyncio.sleep(0)  # the caller has run, its load has not
        caller.cancel()
        await asyncio.wait([caller])
        slow.go_on.set()
        assert await load() in (1, 2)

    run(main())


def test_wait_for_that_gives_up_spares_the_others():
    async def main():
        slow = Slow()
        load = coldcache.cached(slow)
        patient = asyncio.create_task(load())
        await until(lambda: slow.loads)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(load(), 0.01)
        slow.go_on.set()
        assert await patient == 1

    run(main())


def test_a_shielded_caller_keeps_the_load_alive():
    async def main():
        slow = Slow()
        load = coldcache.cached(slow)
        caller = asyncio.ensure_future(load())
        outer = asyncio.shield(caller)
        await until(lambda: slow.loads)
        outer.cancel()
        slow.go_on.set()
        assert await caller == 1

    run(main())


class Meddling(asyncio.SelectorEventLoop):
    """Lets others do something in the middle of a caller, where it makes its next future."""

    meddle = None

    def create_future(self):
        meddle, self.meddle = self.meddle, None
        if meddle is not None:
            meddle()
        return super().create_future()


def test_a_passenger_who_leaves_before_the_owner_waits_does_not_stop_the_load():
    @coldcache.cached
    async def load():
        await asyncio.sleep(0.01)
        return "loaded"

    async def impatient():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(load(), 0.01)

    def elsewhere():
        thread = threading.Thread(target=asyncio.run, args=(impatient(),))
        thread.start()
        thread.join(20)

    async def main():
        asyncio.get_running_loop().meddle = elsewhere
        return await load()

    loop = Meddling()
    try:
        assert loop.run_until_complete(main()) == "loaded"
    finally:
        loop.close()


def test_a_waiting_thread_keeps_the_load_alive_when_the_task_is_cancelled():
    cache = coldcache.Cache()

    async def main():
        slow = Slow()

        async def loader():
            return await slow()

        caller = asyncio.create_task(cache.get_or_load("a", loader))
        await until(lambda: slow.loads)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(cache.get_or_load, "a", lambda: "own load")
            await asyncio.sleep(0.05)
            caller.cancel()
            await asyncio.wait([caller])
            slow.go_on.set()
            assert await asyncio.wrap_future(waiting) == 1

    run(main())


def test_cancelling_a_task_that_waits_for_a_thread_leaves_the_load_alone():
    cache, started, go_on = coldcache.Cache(), threading.Event(), threading.Event()

    def loader():
        started.set()
        assert go_on.wait(20)
        return "loaded"

    async def never():
        raise AssertionError

    async def main():
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(cache.get_or_load, "a", loader)
            await until(started.is_set)
            caller = asyncio.create_task(cache.get_or_load("a", never))
            await asyncio.sleep(0)
            caller.cancel()
            await asyncio.wait([caller])
            go_on.set()
            assert await asyncio.wrap_future(loading) == "loaded"
        assert cache["a"] == "loaded"

    run(main())


def test_a_loader_that_cancels_itself_cancels_its_caller():
    @coldcache.cached
    async def load():
        raise asyncio.CancelledError

    async def main():
        with pytest.raises(asyncio.CancelledError):
            await load()

    run(main())


def test_a_cancellation_is_not_kept():
    calls = []

    @coldcache.cached(error_ttl=60)
    async def load():
        calls.append(1)
        if len(calls) == 1:
            raise asyncio.CancelledError
        return "loaded"

    async def main():
        with pytest.raises(asyncio.CancelledError):
            await load()
        return await load()

    assert run(main()) == "loaded"


def test_a_cancelled_load_is_not_shared_with_those_who_wait():
    calls = []

    @coldcache.cached
    async def load():
        calls.append(1)
        await asyncio.sleep(0)
        if len(calls) == 1:
            raise asyncio.CancelledError
        return "loaded"

    async def main():
        return await asyncio.gather(*(load() for _ in range(3)), return_exceptions=True)

    first, *others = run(main())
    assert isinstance(first, asyncio.CancelledError)
    assert others == ["loaded", "loaded"]


def test_a_loader_that_suppresses_its_cancellation_may_still_publish():
    async def main():
        go_on = asyncio.Event()
        started = []

        @coldcache.cached
        async def load():
            started.append(1)
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                return "cleaned up"

        caller = asyncio.create_task(load())
        await until(lambda: started)
        caller.cancel()
        await asyncio.wait([caller])
        await until(lambda: load.peek() is not None)
        assert await load() == "cleaned up"

    run(main())


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_an_exit_from_a_load_is_not_shared(kind):
    calls = []

    @coldcache.cached
    async def load():
        calls.append(1)
        await asyncio.sleep(0)
        if len(calls) == 1:
            raise kind
        return "loaded"

    async def main():
        await asyncio.gather(*(load() for _ in range(3)))

    with pytest.raises(kind):
        asyncio.run(main())
    assert asyncio.run(load()) == "loaded"


@pytest.fixture
def no_complaints(caplog):
    """Fail if asyncio logs anything: exceptions never retrieved, tasks destroyed while pending."""
    with caplog.at_level(logging.WARNING, logger="asyncio"):
        yield
        gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


def test_a_failed_load_whose_callers_left_is_not_complained_about(no_complaints):
    async def main():
        go_on = asyncio.Event()

        @coldcache.cached
        async def load():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                raise OSError("while cancelled") from None

        caller = asyncio.create_task(load())
        await asyncio.sleep(0.01)
        caller.cancel()
        await asyncio.wait([caller])
        await asyncio.sleep(0.01)

    run(main())


@pytest.mark.parametrize("kind", [OSError, asyncio.CancelledError, GeneratorExit])
def test_a_failing_load_is_not_complained_about(no_complaints, kind):
    @coldcache.cached
    async def load():
        raise kind

    async def main():
        with pytest.raises(kind):
            await load()

    run(main())


def test_a_value_that_cannot_be_weighed_is_not_complained_about(no_complaints):
    @coldcache.cached(max_weight=10, weigher=lambda value: "heavy")
    async def load():
        return 1

    async def main():
        with pytest.raises(TypeError, match="weigher"):
            await load()

    run(main())


def test_an_exit_from_a_load_is_not_complained_about(no_complaints):
    @coldcache.cached
    async def load():
        raise SystemExit

    with pytest.raises(SystemExit):
        asyncio.run(load())


def test_a_run_that_ends_with_loads_in_flight_is_not_complained_about(no_complaints):
    @coldcache.cached
    async def load(key):
        await asyncio.Event().wait()

    async def main():
        for key in range(4):
            asyncio.create_task(load(key))  # noqa: RUF006
        await asyncio.sleep(0.01)

    asyncio.run(main())


def test_a_coroutine_dropped_in_the_middle_lands_its_flight():
    """Driven by hand and closed, as the garbage collector closes what was abandoned."""
    calls = []

    @coldcache.cached
    async def load():
        calls.append(1)
        if len(calls) == 1:
            await asyncio.Event().wait()
        return "loaded"

    loop = asyncio.new_event_loop()
    task = loop.create_task(load())
    loop.call_later(0.01, loop.stop)
    loop.run_forever()
    for pending in asyncio.all_tasks(loop):
        pending._log_destroy_pending = False  # what is tested is what comes after
    loop.close()
    del task, pending
    gc.collect()
    assert run(load()) == "loaded"
