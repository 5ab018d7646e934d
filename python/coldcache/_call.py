"""One call of a handler: what is noted before the user's code, and what after it."""

from __future__ import annotations

import functools
import os
import sys
import time
from _contextvars import ContextVar

from coldcache import _runtime_client, _start_class
from coldcache._core import (
    _close_timeline,
    _log_warning,
    _mark,
    _patience,
    _refreshes_under_way,
    _set_deadline,
    _settle_refreshes,
    lifetime_epoch,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from contextvars import Token
    from typing import Any

    from coldcache._exporters import Exporters
    from coldcache._invocation import Invocation

# Seconds that refreshes under way get after an answer: longer, and it would be billed.
GRACE = 0.1
# A gateway's clock is not ours: a request from the future by less than this came just now. One that
# is older than any platform lets it wait is a recording.
_CLOCK_SKEW = 1.0
_LONGEST_WAIT = 3600.0

_WARM = ("warm", "not the first call of this initialisation")

_current: ContextVar[Call | None] = ContextVar("coldcache_call", default=None)
# Calls under way, oldest first: code in threads of the user's own has no context to look at.
_running: list[Call] = []
# The epoch in which the process was looked at last, and the initialisation it was then.
_epoch: int | None = None
_init_id = ""
# Whoever takes it out is the first call of this initialisation.
_first: list[None] = []


class Call:
    """A call from `begin` to `end`.

    Attributes:
        began: When the user's code began, on the clock of `time.perf_counter`.
        began_at: The same in seconds since 1970.
        context: What the platform handed over as the context.
        error: Type of what the user's code raised.
        is_exit: Whether that ends the process, as a rule.
        first: What only the first call of an initialisation has.
        own: Seconds that coldcache took for itself.
        seconds: How long the user's code ran; ``None`` while it does.
        start: The start class and its rule.
    """

    __slots__ = (
        "began",
        "began_at",
        "context",
        "error",
        "first",
        "init_id",
        "is_exit",
        "is_ping",
        "own",
        "seconds",
        "start",
        "token",
    )

    began: float
    token: Token[Call | None]

    def __init__(self, context: Any) -> None:
        self.context = context
        self.began_at = time.time()
        self.init_id = _init_id
        self.start = _WARM
        self.first: First | None = None
        self.error: str | None = None
        self.seconds: float | None = None
        self.own = 0.0
        self.is_exit = self.is_ping = False

    def fail(self, error: BaseException) -> None:
        """Note what the user's code raised: its type only, since messages may hold secrets."""
        self.error = type(error).__name__
        self.is_exit = not isinstance(error, Exception)


class First:
    """What only the first call of an initialisation has; `Invocation` says what each is."""

    __slots__ = ("next_wait", "visible")

    def __init__(self, event: Any, called_at: float) -> None:
        self.next_wait = _runtime_client.waited
        self.visible = visible_start(event, called_at)


class Metrics:
    """Where the facts of calls go; what that takes is imported when the first answer is out."""

    __slots__ = ("_exporters", "_wanted")

    def __init__(self, wanted: tuple[Any, ...]) -> None:
        self._wanted = wanted
        self._exporters: Exporters | None = None

    def emit(self, call: Call) -> None:
        """Hand on the facts of a call that is over."""
        from coldcache._invocation import describe  # noqa: PLC0415 - see above

        if self._exporters is None:
            from coldcache._exporters import Exporters  # noqa: PLC0415 - see above

            self._exporters = Exporters(self._wanted)
        self._exporters.emit(describe(call, is_over=True))


def begin(args: tuple[Any, ...]) -> Call | None:
    """Note a call; ``None`` for one that is part of another one, or a rehearsal."""
    entered = time.perf_counter()
    context = args[1] if len(args) > 1 else None
    if _current.get() is not None or getattr(type(context), "is_replay", False):
        return None
    if lifetime_epoch() != _epoch:
        _look()
    call = Call(context)
    left = None
    if context is not None:
        try:
            left = context.get_remaining_time_in_millis() / 1000
        except Exception:  # noqa: BLE001 - a context of another kind: nothing ends the call
            left = None
    _running.append(call)
    # Where calls overlap nobody can tell whose end counts.
    _set_deadline(left if len(_running) == 1 else None)
    if _first:
        try:
            _take_turn(call, args)
        except Exception as error:  # noqa: BLE001 - it costs a figure and no call
            _log_warning(f"the class of this start is not known ({type(error).__name__})")
    call.token = _current.set(call)
    call.began = began = time.perf_counter()
    call.own = began - entered
    return call


def end(call: Call, metrics: Metrics | None) -> None:
    """Note the end of the user's code; what can wait until the answer is out waits."""
    ended = time.perf_counter()
    call.seconds = ended - call.began
    try:  # noqa: SIM105 - on each call
        _current.reset(call.token)
    except ValueError:
        pass  # a coroutine that is closed in another context than it ran in
    _running.remove(call)
    left = _patience()
    if not _running:
        _set_deadline(None)
    is_first = call.first is not None
    if is_first:
        _mark("first_return")
    # Looked at one by one, as there is nothing to do after most calls.
    if metrics is None and not is_first and not _refreshes_under_way() and not _refreshing():
        call.own += time.perf_counter() - ended
        return
    grace = GRACE if left is None else min(GRACE, left)
    work = functools.partial(_settle, call, metrics, grace)
    if _runtime_client.is_serving and not call.is_exit:
        _runtime_client.after_answer(work)
        call.own += time.perf_counter() - ended
        return
    if is_first:
        _mark("first_byte")
        _mark("first_answer")
        _close_timeline()
    call.own += time.perf_counter() - ended
    _runtime_client.guarded(work)


def current() -> Call | None:
    """The call that the current code belongs to; in a thread of the user's own, the latest."""
    call = _current.get()
    if call is not None and call.seconds is None:
        return call
    return _running[-1] if _running else None


def invocation() -> Invocation | None:
    """Return what is known about the call under way; ``None`` outside of one.

    Plain data for logs and the like: request id, trace id, start class, and the id of this
    initialisation. Counters and what only the end can tell are not in it yet.
    """
    call = current()
    if call is None:
        return None
    from coldcache._invocation import describe  # noqa: PLC0415 - where somebody asks

    return describe(call, is_over=False)


def visible_start(event: Any, called_at: float) -> float | None:
    """Seconds from when a gateway received the request; ``None`` where the event does not say.

    ``requestContext.timeEpoch`` of HTTP APIs and function URLs, ``requestTimeEpoch`` of REST APIs,
    in milliseconds.
    """
    if not isinstance(event, dict):
        return None
    context = event.get("requestContext")
    if not isinstance(context, dict):
        return None
    received = context.get("timeEpoch", context.get("requestTimeEpoch"))
    if isinstance(received, bool) or not isinstance(received, (int, float)):
        return None
    try:
        waited = called_at - received / 1000
    except OverflowError:  # JSON has whole numbers of any length
        return None
    return max(0.0, waited) if -_CLOCK_SKEW < waited < _LONGEST_WAIT else None


def _look() -> None:
    """See what became of the process since the last call: a copy of it has a first call, too."""
    global _epoch, _init_id  # noqa: PLW0603 - of the process
    _epoch = lifetime_epoch()
    init_id = _start_class.init_id()
    if init_id != _init_id:
        _init_id = init_id
        _first[:] = [None]
        _runtime_client.start_over()


def _take_turn(call: Call, args: tuple[Any, ...]) -> None:
    try:
        _first.pop()
    except IndexError:
        return  # another thread was faster
    _mark("first_call")
    call.first = First(args[0] if args else None, call.began_at)
    call.start = _start_class.decide()
    _start_class.latest = call.start


def _settle(call: Call, metrics: Metrics | None, grace: float) -> None:
    """What comes after the answer where that can be told, and before it elsewhere."""
    if os.environ.get("AWS_LAMBDA_RUNTIME_API"):  # the others do not freeze
        settle_refreshes(grace)
    if metrics is not None:
        metrics.emit(call)
    if call.first is not None and os.environ.get("COLDCACHE_STARTUP_FILE"):
        from coldcache import _startup  # noqa: PLC0415 - where it is asked for

        _startup.write_if_asked()


def settle_refreshes(seconds: float) -> None:
    """Give the refreshes under way a moment before the sandbox may freeze."""
    if _refreshes_under_way():
        _settle_refreshes(seconds)
    if _refreshing():
        from coldcache import _handler_loop  # noqa: PLC0415 - asyncio is loaded

        _handler_loop.settle(seconds)


def _refreshing() -> bool:
    asynchronous: Any = sys.modules.get("coldcache._asyncio")
    return bool(asynchronous is not None and asynchronous.refreshing)
