"""Resources whose factory is a coroutine function: the waiting and running that tasks have to do.

Imported when the first such factory is decorated.
"""

import asyncio

from coldcache._bounded import Call, Deadline
from coldcache._core import Lease, Made
from coldcache._disposal import CLOSE_AT_EXIT, CLOSE_SHARE
from coldcache._line import Line
from coldcache._shared import Resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, TypeVar

    _R = TypeVar("_R")
    _T = TypeVar("_T")

# Tasks that nobody awaits: a loop remembers its tasks only weakly.
_beside: "set[asyncio.Future[Any]]" = set()


async def make(call: "Call | Line") -> "Any":
    """Make a call and await what it returns, for as long as it may take.

    A call that ignores its cancellation is not waited for: what it still brings is closed then.
    """
    if isinstance(call, Line):
        return await call.wait()
    seconds = call.seconds()
    if seconds is None:
        return await _answer(call)
    task = asyncio.ensure_future(_answer(call))
    try:
        done, _ = await asyncio.wait((task,), timeout=seconds)
    except BaseException:
        _abandon(call, task)
        raise
    if done:
        return task.result()
    _abandon(call, task)
    raise call.timed_out()


async def _answer(call: Call) -> "Any":
    answer = call.function(*call.arguments)
    return await answer if hasattr(answer, "__await__") else answer


def _abandon(call: Call, task: "asyncio.Future[Any]") -> None:
    def ended(task: "asyncio.Future[Any]") -> None:
        _beside.discard(task)
        if not task.cancelled() and task.exception() is None:
            call.dispose(task.result())

    _beside.add(task)
    task.add_done_callback(ended)
    task.cancel()


async def run(steps: "Generator[Call | Line, Any, _R]") -> "_R":
    """Await each call of a generator and tell it how that ended; its result."""
    answer: Any = None
    error: BaseException | None = None
    while True:
        try:
            call = steps.send(answer) if error is None else steps.throw(error)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        finally:
            error = None
        try:
            answer = await make(call)
        except BaseException as raised:  # noqa: BLE001 - it is thrown into the generator
            answer, error = None, raised


def see_to(
    steps: "Generator[Call | Line, Any, Any]", home: "asyncio.AbstractEventLoop | None"
) -> bool:
    """Have a generator's calls awaited beside, on the loop they belong to; false if it is gone."""
    running = asyncio._get_running_loop()  # noqa: SLF001 - documented, for frameworks
    loop = home or running
    if loop is None or loop.is_closed():
        return False
    coroutine = run(steps)
    if loop is running:
        task = loop.create_task(coroutine)
        _beside.add(task)
        task.add_done_callback(_beside.discard)
    elif loop.is_running():
        asyncio.run_coroutine_threadsafe(coroutine, loop)
    else:
        try:
            loop.run_until_complete(coroutine)
        except RuntimeError:  # another loop runs here, or this one was closed meanwhile
            coroutine.close()
            return False
    return True


def see_to_awaitable(awaitable: "Any") -> bool:
    """Have an awaitable awaited beside, on the running loop; false if there is none."""
    if asyncio._get_running_loop() is None:  # noqa: SLF001
        return False
    task = asyncio.ensure_future(awaitable)
    _beside.add(task)
    task.add_done_callback(_note_end)
    return True


def _note_end(task: "asyncio.Future[Any]") -> None:
    _beside.discard(task)
    if not task.cancelled():
        task.exception()  # it was thrown away, and its error is nobody's


class AsyncResource(Resource["_T"]):
    """A resource made by a coroutine function: `async with client() as session`."""

    async def get(self) -> "_T":  # type: ignore[override]
        """Return the object itself, healthy as of now; see `Resource.get`."""
        lease = Lease(self, may_retry=False)
        value = await lease.__aenter__()
        await lease.__aexit__(None, None, None)
        return value

    async def call(  # type: ignore[override]
        self, function: "Callable[..., Any]", /, *args: "Any", **kwargs: "Any"
    ) -> "Any":
        """Return what the function returns, awaited if it has to be; see `Resource.call`."""
        for attempt in self._attempts():
            async with attempt as value:
                answer = function(value, *args, **kwargs)
                return await answer if hasattr(answer, "__await__") else answer
        raise AssertionError  # the second attempt swallows nothing

    async def aclose(self) -> None:
        """Close the object of the running event loop now, whoever uses it."""
        made = self._by_loop.get(self._loop())
        if made is not None:
            self._replace(made, "invalidated")
            await run(self._closing(made))

    async def _warm_up(self) -> None:
        await self.get()

    async def _enter(self, lease: "Lease[_T]") -> "Any":
        self._refuse_ring()
        self._forget_closed_loops()
        await run(self._clear_litter(Deadline(self._settings.timeout)))
        key = self._loop()

        async def settle() -> Made:
            return await run(self._settle(key))

        while True:
            made = await self._flights.get_or_load(key, settle)
            if lease._hold(made):  # noqa: SLF001
                return made.value

    async def _exit(self, made: Made, is_swallowed: bool) -> bool:
        await run(self._closing(made))
        return is_swallowed

    def _forget_closed_loops(self) -> None:
        for key, made in tuple(self._by_loop.items()):
            if key is not None and key.is_closed():
                self._take_out(key, made)
                made.retire()
                self._alive.pop(id(made), None)  # nothing of it can be awaited any more
                self._count_replaced("loop closed")

    def _close(self, made: Made) -> None:
        if not see_to(self._closing(made), made.event_loop):
            self._alive.pop(id(made), None)

    def _close_late(self, value: "Any") -> None:
        see_to(self._closing_value(value, Deadline(None)), None)

    def _close_at_exit(self) -> None:
        seconds = self._settings.timeout or CLOSE_AT_EXIT
        for made in tuple(self._alive.values())[::-1]:
            made.retire()
            see_to(self._closing(made, Deadline(seconds / CLOSE_SHARE)), made.event_loop)
