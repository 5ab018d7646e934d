"""The end of the invocation: whoever waits gives up before it, and refreshes get a moment."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator

import coldcache
import pytest
from coldcache import _core, _identity, _runtime_client


@pytest.fixture(autouse=True)
def _no_deadline() -> Iterator[None]:
    _core._set_deadline(None)
    yield
    _core._set_deadline(None)


class Context:
    def __init__(self, left_ms: int) -> None:
        self.left_ms = left_ms

    def get_remaining_time_in_millis(self) -> int:
        return self.left_ms


@pytest.fixture
def slow() -> Iterator[Callable[[], int]]:
    """A function that another thread is loading, until the test is over."""
    begun, done = threading.Event(), threading.Event()

    @coldcache.once(name="slow")
    def load() -> int:
        begun.set()
        done.wait()
        return 1

    thread = threading.Thread(target=load)
    thread.start()
    begun.wait()
    yield load
    done.set()
    thread.join()


def test_a_waiting_thread_gives_up_before_the_invocation_ends(slow: Callable[[], int]) -> None:
    @coldcache.handler
    def handler(event: object, context: object) -> int:
        return slow()

    with pytest.raises(coldcache.LoadTimeout, match="load of slow: the invocation ends"):
        handler({}, Context(100))  # real time: the wait itself


def test_after_the_call_nothing_ends_a_wait() -> None:
    @coldcache.handler
    def handler(event: object, context: object) -> float | None:
        return _core._patience()

    inside = handler({}, Context(10_000))

    assert inside == pytest.approx(9.95, abs=0.5)
    assert _core._patience() is None


def test_a_shorter_timeout_of_the_function_comes_first() -> None:
    begun, done = threading.Event(), threading.Event()

    @coldcache.once(name="slow", timeout=0.02)
    def load() -> int:
        begun.set()
        done.wait()
        return 1

    thread = threading.Thread(target=load)
    thread.start()
    begun.wait()

    @coldcache.handler
    def handler(event: object, context: object) -> int:
        return load()

    with pytest.raises(coldcache.LoadTimeout) as raised:
        handler({}, Context(10_000))
    done.set()
    thread.join()

    assert "the invocation ends" not in str(raised.value)


def test_a_waiting_task_gives_up_before_the_invocation_ends() -> None:
    async def main() -> None:
        done = asyncio.Event()

        @coldcache.once(name="slow")
        async def load() -> int:
            await done.wait()
            return 1

        first = asyncio.ensure_future(load())
        await asyncio.sleep(0)

        @coldcache.handler
        async def handler(event: object, context: object) -> int:
            return await load()

        with pytest.raises(coldcache.LoadTimeout, match="the invocation ends"):
            await handler({}, Context(100))  # real time: the wait itself
        done.set()
        await first

    asyncio.run(main())


def test_where_calls_overlap_nobodys_end_counts() -> None:
    barrier = threading.Barrier(2)
    seen: list[float | None] = []

    @coldcache.handler
    def handler(event: object, context: object) -> None:
        barrier.wait()
        seen.append(_core._patience())
        barrier.wait()

    threads = [threading.Thread(target=handler, args=({}, Context(5000))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert seen == [None, None]


@pytest.mark.parametrize("seconds", [float("nan"), float("inf"), -1.0, 1e300])
def test_a_time_that_cannot_be_is_no_error(seconds: float) -> None:
    _core._set_deadline(seconds)


def test_refreshes_under_way_are_settled_after_the_answer(
    clock: coldcache.testing.Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_runtime_client, "is_serving", True)
    monkeypatch.setattr(_runtime_client, "_after_answer", [])
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
    monkeypatch.setattr(_identity, "_identity", None)
    release = threading.Event()
    loads: list[int] = []

    @coldcache.cached(ttl=10, stale=60)
    def parameter() -> int:
        loads.append(1)
        if len(loads) == 2:
            release.wait()
        return len(loads)

    @coldcache.handler
    def handler(event: object, context: object) -> int:
        return parameter()

    handler({}, Context(30_000))
    _runtime_client._answered()
    _runtime_client.is_serving = True
    clock.advance(15)
    stale = handler({}, Context(30_000))
    under_way = _core._refreshes_under_way()
    release.set()
    _runtime_client._answered()

    assert (stale, under_way, _core._refreshes_under_way()) == (1, 1, 0)


def test_a_refresh_that_takes_too_long_is_left() -> None:
    assert _core._settle_refreshes(0.0) is True
