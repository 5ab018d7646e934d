"""What a decorated coroutine function is, and what a hit costs it: nothing of the event loop."""

from __future__ import annotations

import asyncio
import functools
import inspect
import subprocess
import sys

import coldcache
import pytest


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def step(awaitable):
    """Run an awaitable as far as it goes without an event loop; its result."""
    iterator = awaitable.__await__()
    with pytest.raises(StopIteration) as stopped:
        next(iterator)
    return stopped.value.value


async def _double(number):
    return number * 2


@pytest.fixture(params=["cached", "once"])
def decorator(request):
    return getattr(coldcache, request.param)


def test_a_hit_is_answered_without_an_event_loop():
    double = coldcache.cached(ttl=60)(_double)
    run(double(4))
    assert step(double(4)) == 8


def test_a_hit_of_an_async_once_is_answered_without_an_event_loop():
    @coldcache.once
    async def settings():
        return {"a": 1}

    first = run(settings())
    assert step(settings()) is first


def test_a_hit_through_a_keyword_call_is_answered_without_an_event_loop():
    double = coldcache.cached(_double)
    run(double(number=4))
    assert step(double(number=4)) == 8


def test_a_hit_of_get_or_load_is_answered_without_an_event_loop():
    cache = coldcache.Cache()
    cache["a"] = 1

    async def loader():
        raise AssertionError

    assert step(cache.get_or_load("a", loader)) == 1


def test_a_hit_does_not_let_other_tasks_run_first():
    double = coldcache.cached(_double)
    order = []

    async def other():
        order.append("other")

    async def main():
        await double(1)
        task = asyncio.create_task(other())
        await double(1)
        order.append("hit")
        await task

    run(main())
    assert order == ["hit", "other"]


@pytest.mark.parametrize(
    "value",
    [None, (), (1, 2), ValueError("kept"), StopIteration(3), [1], 0],
    ids=repr,
)
def test_a_hit_hands_out_the_very_value(value):
    @coldcache.cached
    async def load():
        return value

    async def main():
        assert await load() is value
        assert await load() is value

    run(main())


@pytest.mark.parametrize(
    "use",
    [
        asyncio.create_task,
        asyncio.ensure_future,
        asyncio.shield,
        asyncio.gather,
        functools.partial(asyncio.wait_for, timeout=5),
    ],
    ids=["create_task", "ensure_future", "shield", "gather", "wait_for"],
)
@pytest.mark.parametrize("is_hit", [True, False], ids=["hit", "miss"])
def test_asyncio_takes_a_call_as_a_coroutine(use, is_hit):
    double = coldcache.cached(_double)

    async def main():
        if is_hit:
            await double(2)
        return await use(double(2))

    assert run(main()) in (4, [4])


def test_a_hit_works_as_the_main_coroutine_of_asyncio_run():
    double = coldcache.cached(_double)
    assert [asyncio.run(double(3)) for _ in range(3)] == [6, 6, 6]


def test_a_task_made_of_a_hit_has_a_repr():
    double = coldcache.cached(_double)

    async def main():
        await double(1)
        task = asyncio.create_task(double(1))
        text = repr(task)
        await task
        return text

    assert "Task" in run(main())


def test_a_hit_works_in_the_debug_mode_of_asyncio():
    double = coldcache.cached(_double)
    asyncio.run(double(3), debug=True)
    assert asyncio.run(double(3), debug=True) == 6


def test_the_answer_of_a_hit_can_be_awaited_once_only():
    double = coldcache.cached(_double)
    run(double(3))

    async def main():
        hit = double(3)
        await hit
        with pytest.raises(RuntimeError, match="cannot reuse already awaited coroutine"):
            await hit

    run(main())


def test_a_hit_that_is_never_awaited_warns_of_nothing():
    double = coldcache.cached(_double)
    run(double(3))
    double(3)  # warnings are errors


def test_throwing_into_a_hit_raises_there():
    double = coldcache.cached(_double)
    run(double(3))
    with pytest.raises(KeyError, match="thrown"):
        double(3).throw(KeyError("thrown"))


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
@pytest.mark.parametrize("is_hit", [True, False], ids=["hit", "miss"])
def test_eager_tasks_are_fine(is_hit):
    calls = []

    @coldcache.cached
    async def load(key):
        calls.append(key)
        await asyncio.sleep(0)
        return key

    async def main():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        if is_hit:
            await load("a")
        return await asyncio.gather(*(load("a") for _ in range(8)))

    assert run(main()) == ["a"] * 8
    assert calls == ["a"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
def test_an_eager_task_may_finish_the_load_at_once():
    double = coldcache.cached(_double)

    async def main():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        return await double(5)

    assert run(main()) == 10


def test_inspect_sees_a_coroutine_function(decorator):
    async def load():
        return 1

    assert inspect.iscoroutinefunction(decorator(load))


@pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction' is deprecated")
def test_asyncio_sees_a_coroutine_function(decorator):
    async def load():
        return 1

    assert asyncio.iscoroutinefunction(decorator(load))


def test_inspect_sees_a_coroutine_function_in_a_bound_method(decorator):
    class Service:
        @decorator
        async def load(self):
            return 1

    assert inspect.iscoroutinefunction(Service().load)


def test_inspect_sees_a_plain_function_as_such(decorator):
    assert not inspect.iscoroutinefunction(decorator(lambda: 1))


@pytest.mark.filterwarnings("ignore:'asyncio.iscoroutinefunction' is deprecated")
def test_a_partial_of_a_coroutine_function_is_one():
    double = coldcache.cached(functools.partial(_double, 21))
    assert asyncio.iscoroutinefunction(double)
    assert run(double()) == 42


def test_a_callable_object_with_an_async_call_is_awaited():
    class Loader:
        calls = 0

        async def __call__(self, key):
            self.calls += 1
            return key

    loader = Loader()
    load = coldcache.cached(loader)
    assert [run(load("a")), run(load("a"))] == ["a", "a"]
    assert loader.calls == 1
    assert inspect.iscoroutinefunction(load)


def test_the_signature_is_that_of_the_function(decorator):
    async def load(self=None):
        return 1

    assert inspect.signature(decorator(load)) == inspect.signature(load)


def test_async_generator_functions_are_refused(decorator):
    async def pages():
        yield 1

    with pytest.raises(TypeError, match="pages"):
        decorator(pages)


def test_an_unhashable_argument_is_an_error_at_the_call():
    @coldcache.cached
    async def load(event):
        return event

    with pytest.raises(TypeError, match=r"'event'.*key="):
        load({})


def test_a_plain_function_that_returns_a_coroutine_is_refused():
    async def fetch():
        return 1

    @coldcache.cached
    def load():
        return fetch()

    with pytest.raises(TypeError, match=r"load.*coroutine"):
        load()
    assert load.cache_info().currsize == 0


def test_a_plain_loader_that_returns_a_coroutine_is_refused():
    cache = coldcache.Cache()

    async def fetch():
        return 1

    def fetch_plainly():
        return fetch()

    with pytest.raises(TypeError, match="coroutine"):
        cache.get_or_load("a", fetch_plainly)
    assert len(cache) == 0


def test_a_loader_that_returns_a_future_is_refused():
    cache = coldcache.Cache()

    async def main():
        future = asyncio.get_running_loop().create_future()
        with pytest.raises(TypeError, match="Future"):
            cache.get_or_load("a", lambda: future)

    run(main())
    assert len(cache) == 0


@pytest.mark.parametrize(
    ("program", "is_expected"),
    [
        ("import coldcache; coldcache.cached(ttl=1)(lambda x: x)(1)", False),
        ("import coldcache; c = coldcache.Cache(); c.get_or_load('a', lambda: 1)", False),
        (
            "import coldcache, threading\n"
            "c = coldcache.Cache(); b = threading.Barrier(2)\n"
            "def load():\n"
            "    b.wait(); return 1\n"
            "t = threading.Thread(target=c.get_or_load, args=('a', load)); t.start()\n"
            "b.wait(); c.get_or_load('a', lambda: 2); t.join()",
            False,
        ),
        ("import coldcache\n@coldcache.cached\nasync def f(): pass", True),
    ],
    ids=["plain function", "cache", "waiting thread", "coroutine function"],
)
def test_asyncio_is_imported_only_for_a_coroutine_function(program, is_expected):
    program += "\nimport sys; print('asyncio' in sys.modules)"
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert child.stdout.split() == [str(is_expected)]
