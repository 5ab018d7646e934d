"""Pools filled by a coroutine function. Imported when the first such factory is decorated."""

import asyncio

from coldcache._bounded import Deadline
from coldcache._core import Made, Seat
from coldcache._disposal import CLOSE_AT_EXIT, CLOSE_SHARE
from coldcache._pooled import Pool
from coldcache._shared_async import run, see_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from coldcache._checkout import Checkout

    _T = TypeVar("_T")


class AsyncPool(Pool["_T"]):
    """A pool filled by a coroutine function: `async with connections() as connection`."""

    is_async = True

    async def call(  # type: ignore[override]
        self, function: "Callable[..., Any]", /, *args: "Any", **kwargs: "Any"
    ) -> "Any":
        """Return what the function returns, awaited if it has to be; see `Pool.call`."""
        for attempt in self(retry=True):
            async with attempt as value:
                answer = function(value, *args, **kwargs)
                return await answer if hasattr(answer, "__await__") else answer
        raise AssertionError  # the second attempt swallows nothing

    async def aclose(self) -> None:
        """Close the objects of the running event loop that are idle now."""
        roster = self._roster()
        for made in roster.drain():
            made.retire()
            await run(self._closing(made))

    async def _warm_up(self) -> None:
        missing = self._settings.min_idle - self._roster().counts()[1]
        seats = [seat for _ in range(missing) if (seat := self._seat()).reserve()]
        await asyncio.gather(*(run(self._add(seat, self._loop())) for seat in seats))

    def _seat(self) -> Seat:
        self._forget_closed_loops()
        return super()._seat()

    async def _enter_async(self, checkout: "Checkout[Any]", seat: Seat) -> "Any":
        made = seat.take_healthy(self._errors_seen, self._settings.min_idle)
        if made is None:
            made = await run(self._obtain(seat, self._loop()))
        self._counts["uses"] += 1
        task = asyncio.current_task()
        checkout._hold(made, f"task {task.get_name()}" if task else None)  # noqa: SLF001
        return made.value

    async def _leave_async(self, seat: Seat, made: Made) -> None:
        if self._settings.reset is None and not made.is_retired:
            self._leave(seat, made)
            return
        # Also where the task was cancelled: what is given back is given back whole.
        await asyncio.shield(asyncio.ensure_future(self._put_back_whole(seat, made)))

    async def _put_back_whole(self, seat: Seat, made: Made) -> None:
        try:
            await run(self._put_back(seat, made))
        except BaseException:
            self._give_up(seat)
            raise

    def _forget_closed_loops(self) -> None:
        for key in tuple(self._rosters):
            if key is not None and key.is_closed():
                self._rosters.pop(key, None)
                for made in tuple(self._alive.values()):
                    if made.event_loop is key:
                        made.retire()
                        self._alive.pop(id(made), None)  # nothing of it can be awaited any more
                        self._count_replaced("loop closed")

    def invalidate(self) -> None:
        """Have all objects made anew; those in use are closed when their users are done."""
        self._put_aside("invalidated")
        while self._litter:
            self._close(self._litter.popleft())

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
