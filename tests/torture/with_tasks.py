"""Scenarios for coroutine functions that tasks call."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from verdict import Verdict, loads
from with_threads import CALLERS, Down, whose

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from subjects import Cached


async def settled(*awaitables: Awaitable[object]) -> list[object]:
    return await asyncio.gather(*awaitables, return_exceptions=True)


async def until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.001)


def stampede(subject: Callable[..., Cached]) -> Verdict:
    """64 tasks ask for the same cold key."""
    calls = []

    async def load(key: object) -> object:
        calls.append(key)
        await asyncio.sleep(0.05)
        return "value"

    async def main() -> list[object]:
        cached = subject(load)
        return await asyncio.gather(*(cached.call("k") for _ in range(CALLERS)))

    answers = asyncio.run(main())
    return loads(len(calls), set(answers) == {"value"})


def failing(subject: Callable[..., Cached]) -> Verdict:
    """The load fails while 64 tasks wait for it."""
    calls, is_healthy = [], []

    async def load(key: object) -> object:
        calls.append(key)
        await asyncio.sleep(0.05)
        if not is_healthy:
            raise Down
        return "healthy"

    async def main() -> Verdict:
        cached = subject(load)
        answers = await settled(*(cached.call("k") for _ in range(CALLERS)))
        number = len(calls)
        if not all(isinstance(answer, Down) for answer in answers):
            return Verdict(False, "other errors")
        is_healthy.append(1)
        later = (await settled(cached.call("k")))[0]
        return loads(number) if later == "healthy" else Verdict(False, "old error later")

    return asyncio.run(main())


def exceptions(subject: Callable[..., Cached]) -> Verdict:
    """The exceptions of 16 tasks whose load failed: whose are they, and how long?"""

    async def load(key: object) -> object:
        await asyncio.sleep(0.05)
        raise Down

    async def main() -> list[object]:
        cached = subject(load)
        return await settled(*(cached.call("k") for _ in range(16)))

    return whose(asyncio.run(main()))


def reentry(subject: Callable[..., Cached]) -> Verdict:
    """A load awaits its own key."""

    async def await_it(awaitable: Awaitable[object]) -> object:
        return await awaitable

    return _reentry(subject, await_it)


def reentry_in_a_task(subject: Callable[..., Cached]) -> Verdict:
    """A load awaits its own key, in a task of its own."""

    async def await_it(awaitable: Awaitable[object]) -> object:
        return await asyncio.ensure_future(awaitable)

    return _reentry(subject, await_it)


def _reentry(subject: Callable[..., Cached], await_it: Callable[..., Awaitable]) -> Verdict:
    depth = []

    async def load(key: object) -> object:
        depth.append(key)
        return await await_it(cached.call(key)) if len(depth) == 1 else "value"

    async def main() -> object:
        return (await settled(cached.call("k")))[0]

    cached = subject(load)
    return told(asyncio.run(main()))


def ring(subject: Callable[..., Cached]) -> Verdict:
    """Two tasks: the load of a awaits b, the load of b awaits a."""
    other, depth = {"a": "b", "b": "a"}, []

    async def load(key: str) -> object:
        depth.append(key)
        if len(depth) > 2:
            return key
        await until(lambda: len(depth) >= 2)
        return await cached.call(other[key])

    async def main() -> list[object]:
        return await settled(cached.call("a"), cached.call("b"))

    cached = subject(load)
    answers = asyncio.run(main())
    errors = [answer for answer in answers if isinstance(answer, BaseException)]
    return told(errors[0] if errors else answers[0])


def told(answer: object) -> Verdict:
    if isinstance(answer, Exception):
        return Verdict(True, type(answer).__name__)
    return Verdict(True, "runs twice")


def clear(subject: Callable[..., Cached]) -> Verdict:
    """All results are forgotten while a load runs; is what it brings kept nevertheless?"""
    calls, go_on = [], []

    async def load(key: object) -> object:
        calls.append(key)
        await until(lambda: go_on)
        return len(calls)

    async def main() -> Verdict:
        cached = subject(load)
        task = asyncio.ensure_future(cached.call("k"))
        await until(lambda: calls)
        cleared = cached.clear()
        if asyncio.iscoroutine(cleared):
            await cleared
        go_on.append(1)
        await settled(task)
        await cached.call("k")
        return Verdict(len(calls) == 2, "discarded" if len(calls) == 2 else "old value kept")

    return asyncio.run(main())


def cancel(subject: Callable[..., Cached]) -> Verdict:
    """The first of several callers is cancelled while it loads."""
    calls = []

    async def load(key: object) -> object:
        calls.append(key)
        await asyncio.sleep(0.1)
        return "value"

    async def main() -> Verdict:
        cached = subject(load)
        first = asyncio.ensure_future(cached.call("k"))
        await until(lambda: calls)
        others = [asyncio.ensure_future(cached.call("k")) for _ in range(4)]
        await asyncio.sleep(0.02)
        first.cancel()
        answers = await settled(*others)
        later = (await settled(cached.call("k")))[0]
        if isinstance(later, BaseException):
            return Verdict(False, "key poisoned")
        if set(map(repr, answers)) != {repr("value")}:
            return Verdict(False, "others cancelled")
        return Verdict(True, "others spared")

    return asyncio.run(main())


def runs(subject: Callable[..., Cached]) -> Verdict:
    """Three invocations, each with an event loop of its own."""
    calls = []

    async def load(key: object) -> object:
        calls.append(key)
        await asyncio.sleep(0.01)
        return "value"

    cached = subject(load)

    async def main() -> object:
        return await cached.call("k")

    for _ in range(3):
        asyncio.run(main())
    return loads(len(calls))


def times_out(subject: Callable[..., Cached]) -> Verdict:
    """An invocation ends in the middle of its load; then come others with loops of their own."""
    calls = []

    async def load(key: object) -> object:
        calls.append(key)
        await asyncio.sleep(10 if len(calls) == 1 else 0.01)
        return "value"

    cached = subject(load)

    async def main(limit_s: float) -> object:
        return await asyncio.wait_for(cached.call("k"), limit_s)

    with contextlib.suppress(asyncio.TimeoutError):
        asyncio.run(main(0.05))
    for _ in range(2):
        try:
            asyncio.run(main(3))
        except asyncio.TimeoutError:
            return Verdict(False, "next one hangs")
        except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001
            return Verdict(False, type(error).__name__)
    return Verdict(True, "next one loads")


def loops(subject: Callable[..., Cached]) -> Verdict:
    """Four event loops in four threads ask for the same cold key."""
    calls, barrier, lock = [], threading.Barrier(4), threading.Lock()

    async def load(key: object) -> object:
        with lock:
            calls.append(key)
        await asyncio.sleep(0.1)
        return "value"

    cached = subject(load)

    async def main() -> object:
        barrier.wait()
        return await asyncio.wait_for(cached.call("k"), 4)

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(asyncio.run, main()) for _ in range(4)]
        errors = [type(job.exception()).__name__ for job in jobs if job.exception()]
    if errors:
        return Verdict(False, f"{4 - len(errors)} of 4 answered")
    return loads(len(calls))


SCENARIOS = {
    "stampede": stampede,
    "failing": failing,
    "exceptions": exceptions,
    "reentry": reentry,
    "reentry_in_a_task": reentry_in_a_task,
    "ring": ring,
    "clear": clear,
    "cancel": cancel,
    "runs": runs,
    "times_out": times_out,
    "loops": loops,
}
