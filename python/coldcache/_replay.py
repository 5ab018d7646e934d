"""Replaying a sample event before the first request, with side effects held back."""

from __future__ import annotations

import contextvars
import copy
import functools
import os
import sys
import time

from coldcache._core import _is_coroutine_function
from coldcache.exceptions import ConfigError, SideEffectBlocked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, overload

    F = TypeVar("F", bound=Callable[..., Any])

_UNSET: Any = ...

# A replay counts what it blocks by name. Tasks that outlive it stay blocked through the variable;
# threads are covered by the list while it runs.
_mine: contextvars.ContextVar[Replay | None] = contextvars.ContextVar(
    "coldcache_replay", default=None
)
_active: list[Replay] = []


if TYPE_CHECKING:

    @overload
    def side_effect(function: F, /) -> F: ...
    @overload
    def side_effect(function: None = None, /, *, instead: Any = ...) -> Callable[[F], F]: ...


def side_effect(function: Callable[..., Any] | None = None, /, *, instead: Any = _UNSET) -> Any:
    """Declare that a function has effects which a replayed sample event must not have.

    While `warm_up(event=...)` replays, a call of it, from whatever thread, does not run it. At all
    other times it runs as it is.

    Args:
        function: A function, a method, or a coroutine function.
        instead: What a blocked call returns: a value, or a callable with the same arguments.
            Without it a blocked call raises `SideEffectBlocked`, and the replay counts as done if
            that is what ends the handler.

    Returns:
        The function, guarded.

    Raises:
        TypeError: It is put on something that is no function; put it below `staticmethod` and
            `classmethod`.
    """
    if function is None:
        return functools.partial(side_effect, instead=instead)
    if not callable(function) or isinstance(function, (staticmethod, classmethod, type)):
        message = f"side_effect decorates functions, got {function!r}; staticmethod goes above it"
        raise TypeError(message)
    name = getattr(function, "__qualname__", repr(function))
    plain: Callable[..., Any] = function

    def blocked(replay: Replay, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        replay.blocked[name] = replay.blocked.get(name, 0) + 1
        if instead is _UNSET:
            message = f"{name} has side effects, and this is a replayed sample event"
            raise SideEffectBlocked(message)
        return instead(*args, **kwargs) if callable(instead) else instead

    if _is_coroutine_function(function):

        @functools.wraps(plain)
        async def guarded(*args: Any, **kwargs: Any) -> Any:
            replay = current()
            if replay is None:
                return await plain(*args, **kwargs)
            value = blocked(replay, args, kwargs)
            return await value if hasattr(value, "__await__") else value

        return guarded

    @functools.wraps(plain)
    def guard(*args: Any, **kwargs: Any) -> Any:
        replay = current()
        return plain(*args, **kwargs) if replay is None else blocked(replay, args, kwargs)

    return guard


def current() -> Replay | None:
    """Return the replay that the current code belongs to, if any."""
    mine = _mine.get()
    if mine is not None:
        return mine
    # A thread of the handler's own carries no variable: while a replay runs, none is let through.
    return _active[-1] if _active else None


class Replay:
    """One call of the handler with a sample event.

    Attributes:
        blocked: How often each declared side effect was blocked.
        stopped: Whether a blocked side effect ended the handler.
    """

    kind = "replay"
    name = "sample event"
    required = False
    warm: Any = "prepaid"
    after = ()
    is_async = False

    def __init__(self, handler: Callable[..., Any], event: object) -> None:
        self._handler = handler
        self._event = event
        self.blocked: dict[str, int] = {}
        self.stopped = False

    def is_done(self) -> bool:
        """Whether it need not run: it always does."""
        return False

    def _warm_up(self) -> None:
        token = _mine.set(self)
        _active.append(self)
        try:
            # The handler may change its event, which is the caller's.
            result = self._handler(copy.deepcopy(self._event), ReplayContext())
            if hasattr(result, "__await__"):
                import asyncio  # noqa: PLC0415 - an asynchronous handler has it

                asyncio.run(_finish(result))
        except Exception as error:
            self.stopped = _is_blocked(error)
            if not self.stopped:
                raise
        finally:
            _active.remove(self)
            _mine.reset(token)


async def _finish(result: Any) -> Any:
    return await result


def _is_blocked(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, SideEffectBlocked):
            return True
        error = error.__cause__ or error.__context__
    return False


class ReplayContext:
    """What the handler gets as its context: the platform's attributes, and ten seconds."""

    is_replay = True  # this is no call of the platform's
    aws_request_id = "00000000-0000-0000-0000-000000000000"
    client_context = None
    identity = None
    tenant_id = None

    def __init__(self) -> None:
        self.function_name = os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = os.environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        region = os.environ.get("AWS_REGION", "us-east-1")
        self.invoked_function_arn = (
            f"arn:aws:lambda:{region}:000000000000:function:{self.function_name}"
        )
        self._deadline = time.monotonic() + 10

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the end of the ten seconds."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: object) -> None:
        """Write a line, as the platform's context does."""
        sys.stdout.write(str(message))


def find_handler() -> Callable[..., Any]:
    """The handler that the platform was told of, if its module is loaded or being loaded.

    Raises:
        ConfigError: There is none.
    """
    spec = os.environ.get("_HANDLER", "")
    module_name, _, attribute = spec.replace("/", ".").rpartition(".")
    handler = getattr(sys.modules.get(module_name), attribute, None) if module_name else None
    if not callable(handler):
        message = (
            "warm_up(event=...) replays through the handler named by _HANDLER, which is "
            f"{spec!r} here and names no function that is defined yet; pass handler=, or call "
            "warm_up below the handler"
        )
        raise ConfigError(message)
    return handler  # type: ignore[no-any-return]
