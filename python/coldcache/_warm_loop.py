"""The asynchronous part of a warm-up. Imported when there is something asynchronous to run."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import threading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any, TypeVar

    _T = TypeVar("_T")


class OwnLoop:
    """An event loop in a thread of its own, for as long as there is something to run on it."""

    def __init__(self) -> None:
        ready = threading.Event()
        self._closing: asyncio.Event

        async def main() -> None:
            self.loop = asyncio.get_running_loop()
            self._closing = asyncio.Event()
            ready.set()
            await self._closing.wait()
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            if rest:
                await asyncio.wait(rest)

        self.thread = threading.Thread(
            target=asyncio.run, args=(main(),), name="coldcache warm-up loop", daemon=True
        )
        self.thread.start()
        ready.wait()

    def close(self) -> None:
        """End when what runs on it has ended."""
        self.loop.call_soon_threadsafe(self._closing.set)


def submit(
    loop: asyncio.AbstractEventLoop,
    run: Callable[[], Awaitable[Any]],
    context: contextvars.Context,
) -> concurrent.futures.Future[Any]:
    """Start something asynchronous on the loop that another thread runs, in this context."""

    async def begin() -> Any:
        return await run()

    # The callback that makes the task runs in this context, and so does the task.
    return context.run(asyncio.run_coroutine_threadsafe, begin(), loop)


def error_of(done: concurrent.futures.Future[Any]) -> BaseException | None:
    """What ended it, if anything."""
    return asyncio.CancelledError() if done.cancelled() else done.exception()


async def beside(work: Callable[[asyncio.AbstractEventLoop], _T]) -> _T:
    """Do blocking work in a thread of its own, which may start things on the running loop."""
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[_T] = loop.create_future()

    def end(value: Any, error: BaseException | None) -> None:
        if ended.done():
            return  # the caller was cancelled
        if error is not None:
            ended.set_exception(error)
        else:
            ended.set_result(value)

    def run() -> None:
        value, error = None, None
        try:
            value = work(loop)
        except BaseException as raised:  # noqa: BLE001 - for the one who awaits
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop was closed: nobody awaits
            loop.call_soon_threadsafe(end, value, error)

    # In the caller's context: what runs inside a load must not wait for that load.
    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(run,), name="coldcache warm-up", daemon=True
    )
    thread.start()
    value = await ended
    thread.join()  # it has nothing left to do
    return value
