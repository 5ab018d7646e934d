"""An asynchronous handler where the caller is plain code: one event loop for the container's life.

Clients that belong to a loop live as long as it does, so one loop a call would throw them away.
"""

from __future__ import annotations

import asyncio
import atexit
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_kept: tuple[int, asyncio.AbstractEventLoop] | None = None


def loop() -> asyncio.AbstractEventLoop:
    """The loop of this process, made when it is first needed."""
    global _kept  # noqa: PLW0603 - one a process
    if _kept is None or _kept[0] != os.getpid() or _kept[1].is_closed():
        made = asyncio.new_event_loop()
        if _kept is None:
            atexit.register(_close)
        _kept = (os.getpid(), made)
        asyncio.set_event_loop(made)
    return _kept[1]


def run(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, BaseException | None]:
    """Run a coroutine function to its end: its result, or what it raised.

    Returned, not raised, so that the traceback has no frame of the loop's machinery in it.
    """
    outcome: tuple[Any, BaseException | None] = (None, None)

    async def drive() -> None:
        nonlocal outcome
        try:
            outcome = (await function(*args, **kwargs), None)
        except BaseException as error:  # noqa: BLE001 - the caller raises it
            trace = error.__traceback__
            outcome = (None, error.with_traceback(trace and trace.tb_next))

    loop().run_until_complete(drive())
    return outcome


def settle(seconds: float) -> None:
    """Let the refreshes under way on the kept loop run for so many seconds at most."""
    from coldcache import _asyncio  # noqa: PLC0415 - loaded where there are such refreshes

    if _kept is None or _kept[1].is_running() or _kept[1].is_closed():
        return
    kept = _kept[1]
    tasks = [task for task in tuple(_asyncio.refreshing) if task.get_loop() is kept]
    if tasks:
        kept.run_until_complete(asyncio.wait(tasks, timeout=seconds))


def _close() -> None:
    if _kept is None or _kept[0] != os.getpid() or _kept[1].is_running():
        return
    kept = _kept[1]
    if not kept.is_closed():
        pending = asyncio.all_tasks(kept)
        for task in pending:
            task.cancel()
        if pending:
            kept.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        kept.close()
