"""The use of one object of a pool: `with connections() as connection`."""

import sys
import time
from _thread import get_ident

from coldcache._generic import Generic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType, TracebackType
    from typing import Any, TypeVar

    from coldcache._core import Made
    from coldcache._pooled import Pool

    _T = TypeVar("_T")


class Holder:
    """Who has an object, and since when: for messages."""

    __slots__ = ("code", "line", "since", "thread", "who")

    def __init__(self, code: "CodeType", line: int, who: str | None) -> None:
        self.code = code
        self.line = line
        self.who = who
        self.thread = get_ident()
        self.since = time.monotonic()

    def seconds(self) -> float:
        """Return for how long."""
        return time.monotonic() - self.since

    def __str__(self) -> str:
        """Name the function, its place, and the thread or task."""
        function = getattr(self.code, "co_qualname", self.code.co_name)  # 3.11+
        file = self.code.co_filename.rpartition("/")[2]
        return f"{function} ({file}:{self.line}, {self.who or _thread_name(self.thread)})"


def _thread_name(number: int) -> str:
    threading = sys.modules.get("threading")
    if threading is not None:
        for thread in threading.enumerate():
            if thread.ident == number:
                return f"thread {thread.name}"
    return f"thread {number}"


class Checkout(Generic["_T"]):
    """One use of an object of a pool, from `with` to its end."""

    __slots__ = (
        "_code",
        "_line",
        "_may_retry",
        "_pool",
        "_seat",
        "_was_entered",
        "is_to_be_retried",
    )

    def __init__(self, pool: "Pool[_T]", frame: "Any", *, may_retry: bool = False) -> None:
        self._pool = pool
        self._seat = pool._seat()  # noqa: SLF001
        self._code = frame.f_code
        self._line = frame.f_lineno
        self._may_retry = may_retry
        self._was_entered = False
        self.is_to_be_retried = False

    def _begin(self, *, is_async: bool) -> None:
        pool = self._pool
        if pool.is_async is not is_async:
            kind, word = ("a plain", "with") if is_async else ("a coroutine", "async with")
            message = f"{pool.name} is made by {kind} function: use `{word} {pool.name}() as ...`"
            raise TypeError(message)
        if self._was_entered:
            message = "a checkout is good for one `with` block: call the pool again"
            raise RuntimeError(message)
        self._was_entered = True

    def _hold(self, made: "Made", who: str | None) -> None:
        self._pool._held[id(made)] = Holder(self._code, self._line, who)  # noqa: SLF001

    def _end(self, error: BaseException | None) -> "Made":
        made = self._seat.made
        if made is None:
            message = "a checkout that holds no object cannot be given back"
            raise RuntimeError(message)
        pool = self._pool
        pool._held.pop(id(made), None)  # noqa: SLF001
        if error is not None:
            self.is_to_be_retried = pool._broke(made, error, self._may_retry)  # noqa: SLF001
        return made

    def __enter__(self) -> "_T":
        self._begin(is_async=False)
        try:
            return self._pool._enter(self, self._seat)  # type: ignore[no-any-return]  # noqa: SLF001
        except BaseException:
            self._pool._give_up(self._seat)  # noqa: SLF001
            raise

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> bool:
        made = self._end(error)
        try:
            self._pool._leave(self._seat, made)  # noqa: SLF001
        except BaseException:
            self._pool._give_up(self._seat)  # noqa: SLF001
            raise
        return self.is_to_be_retried

    async def __aenter__(self) -> "_T":
        self._begin(is_async=True)
        try:
            return await self._pool._enter_async(self, self._seat)  # type: ignore[no-any-return]  # noqa: SLF001
        except BaseException:
            self._pool._give_up(self._seat)  # noqa: SLF001
            raise

    async def __aexit__(
        self,
        kind: "type[BaseException] | None",
        error: BaseException | None,
        traceback: "TracebackType | None",
    ) -> bool:
        made = self._end(error)
        await self._pool._leave_async(self._seat, made)  # noqa: SLF001
        return self.is_to_be_retried

    def __del__(self) -> None:
        seat = getattr(self, "_seat", None)  # absent if it was interrupted while it was made
        if seat is not None and seat.made is not None:
            self._pool._recover(seat)  # noqa: SLF001

    def __repr__(self) -> str:
        state = "in use" if self._seat.made else ("over" if self._was_entered else "not entered")
        return f"<checkout of {self._pool.name}: {state}>"
