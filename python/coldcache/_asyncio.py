"""Waiting and running for asynchronous loads: the part that tasks and futures have to do.

One flight is shared by all callers of a key, whatever thread or event loop they are on. The load
runs in a task of its own, so that the caller who started it may be cancelled without harm to the
others. Imported when the first coroutine function is decorated, never before.
"""

import asyncio
import contextvars
import inspect
import itertools

from coldcache._core import _patience

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from coldcache._core import AsyncLoad, Flight

# Seconds between two looks at the owner of a flight on another loop: it may go away without a word.
_SLICE = 0.05
# The same where the owner is a task of the same loop and cannot go away unnoticed.
_LONG_SLICE = 1.0
# Seconds that the end of a loop is held up for a refresh under way. Longer, and it would be billed;
# not at all, and with one loop per invocation no refresh would ever come to its end.
_GRACE = 0.1

# Refreshes beside the calls that have not ended.
refreshing: "set[asyncio.Task[None]]" = set()

_numbers = itertools.count(1)
# The loads that the current code runs for: inherited by tasks and by `asyncio.to_thread`.
_running: "contextvars.ContextVar[tuple[int, ...]]" = contextvars.ContextVar(
    "coldcache_running", default=()
)


def running_loads() -> tuple[int, ...]:
    """Return the numbers of the loads that the current code runs for, outermost first."""
    return _running.get()


def mark_coroutine_function(wrapper: "Callable[..., Any]") -> None:
    """Make `inspect.iscoroutinefunction` and asyncio's own see through the native wrapper."""
    if hasattr(inspect, "markcoroutinefunction"):  # 3.12+
        inspect.markcoroutinefunction(wrapper)
        return
    # Where asyncio of that time looks; there is no public way.
    wrapper._is_coroutine = asyncio.coroutines._is_coroutine  # type: ignore[attr-defined]  # noqa: SLF001
    # Before 3.12 `inspect` looks at the code of what has all the attributes of a function.
    wrapper.__code__ = _a_coroutine_function.__code__
    wrapper.__defaults__ = wrapper.__kwdefaults__ = None
    if not hasattr(wrapper, "__name__"):
        wrapper.__name__ = type(wrapper).__name__
    if not isinstance(getattr(wrapper, "__annotations__", None), dict):
        wrapper.__annotations__ = {}


async def _a_coroutine_function() -> None: ...


async def drive(load: "AsyncLoad") -> "Any":
    """Answer one call: find the value, join the flight that loads it, or start that flight."""
    loop = asyncio.get_running_loop()
    is_retry = False
    while True:
        number = next(_numbers)
        word, value, flight = load.step(loop, number, is_retry)
        task = None
        if flight is not None:
            if word == "refresh":
                _start_refresh(load, flight, number, loop)
                return value
            task = await _landed(load, flight, loop, number if word == "owner" else None)
            word, value = load.take(flight, word == "owner")
        if word == "await":
            return await value
        if word != "again":
            return value
        if task is not None and task.done():
            task.result()  # an exit, an interrupt, a cancellation: for the one who started it
        is_retry = True


def _start(
    load: "AsyncLoad",
    flight: "Flight",
    number: int,
    loop: asyncio.AbstractEventLoop,
    *,
    is_refresh: bool,
) -> "asyncio.Task[None]":
    run = None
    task: asyncio.Task[None]
    try:
        context = contextvars.copy_context()
        # Only this load: whether those around it wait for it is in the graph, and they need not.
        context.run(_running.set, (number,))
        run = _run(load, flight, is_refresh=is_refresh)
        task = context.run(loop.create_task, run)
    except BaseException:
        if run is not None:
            run.close()
        flight.abandon()
        raise
    flight.run_by(task)

    def ended(task: "asyncio.Task[None]") -> None:
        # Cancelled before its first step, it never reached the code that lands the flight.
        flight.abandon()
        if not task.cancelled():
            task.exception()  # it was handed out by the flight, or is nobody's any more

    task.add_done_callback(ended)
    return task


def _start_refresh(load: "AsyncLoad", flight: "Flight", number: int, loop: "Any") -> None:
    task = _start(load, flight, number, loop, is_refresh=True)
    refreshing.add(task)
    task.add_done_callback(refreshing.discard)
    # Whoever ends a loop cancels all tasks it knows of. This one has somebody to see it through;
    # taking cancellations itself would get in the way of timeouts inside the load.
    asyncio.tasks._unregister_task(task)  # documented, for makers of tasks  # noqa: SLF001
    loop.create_task(_see_through(task))


async def _see_through(task: "asyncio.Task[None]") -> None:
    """End with the task; where the loop ends first, give it a moment."""
    try:
        await asyncio.wait((task,))
    except asyncio.CancelledError:
        await asyncio.wait((task,), timeout=_GRACE)
        task.cancel()
        await asyncio.wait((task,))
        raise


async def _run(load: "AsyncLoad", flight: "Flight", *, is_refresh: bool) -> None:
    load.begin(flight)
    try:
        for dependency in load.after:
            done = dependency()
            if inspect.isawaitable(done):
                await done
        value = await load.call()
    except BaseException as error:
        is_everybodys = load.fail(flight, error)
        if not is_everybodys:
            raise
        if is_refresh:
            load.note_failed_refresh(type(error).__name__)
        return
    try:
        load.succeed(flight, value)
    except Exception as error:  # noqa: BLE001 - a value that cannot be kept is everybody's failure
        if is_refresh:
            load.note_failed_refresh(type(error).__name__)


async def _landed(
    load: "AsyncLoad", flight: "Flight", loop: asyncio.AbstractEventLoop, number: int | None
) -> "asyncio.Task[None] | None":
    """Wait until the flight has ended, or has nobody left to end it; with a number, start it."""
    # Whoever waits inside a load waits on behalf of that load.
    actors = _running.get() or (next(_numbers),)
    landed = loop.create_future()

    def land() -> None:
        if not landed.done():
            landed.set_result(None)

    def wake() -> None:
        loop.call_soon_threadsafe(land)

    try:
        flight.begin_wait(actors)
    except BaseException:
        if number is not None:
            flight.abandon()
        raise
    task = None
    try:
        if number is not None:
            # Only now that this caller is counted: others who join and leave are not the last ones.
            task = _start(load, flight, number, loop, is_refresh=False)
        if not flight.wake_later(wake):
            return task
        timeout, patience = load.timeout, _patience()
        is_invocations = patience is not None and (timeout is None or patience < timeout)
        if is_invocations:
            timeout = patience
        is_ours = flight.runs_on(loop)
        start = loop.time()
        # A wake-up can get lost in a signal handler that raises: the flight itself knows.
        while not (landed.done() or flight.has_landed()):
            slice_ = _LONG_SLICE if is_ours else _SLICE
            if timeout is not None:
                slice_ = min(slice_, start + timeout - loop.time())
                if slice_ <= 0:
                    raise flight.timed_out(timeout, is_invocations=is_invocations)
            await asyncio.wait((landed,), timeout=slice_)
            if not is_ours and flight.is_orphan():
                flight.abandon()
        return task
    finally:
        flight.end_wait(actors)
