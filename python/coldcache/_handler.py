"""`handler`: the decorator of the function that the platform calls."""

from __future__ import annotations

import functools
import os
import sys

from coldcache import _call, _runtime_client, _start_class
from coldcache._core import _is_coroutine_function, _log_warning, _patience, _timeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar, overload

    from coldcache._ping import Ping

    F = TypeVar("F", bound=Callable[..., Any])
    AnswerPing = Callable[[dict[Any, Any], _call.Call], Any]

_GENERATORS = 0x20 | 0x200  # of code objects

_VARIABLE = "COLDCACHE_METRICS"
_WANTS = "'emf', 'jsonl:/path', 'otlp:http://host:port' or 'off'"


if TYPE_CHECKING:

    @overload
    def handler(function: F, /) -> F: ...
    @overload
    def handler(
        function: None = None,
        /,
        *,
        metrics: object = None,
        pings: bool | str | tuple[str, ...] = True,
        name: str | None = None,
    ) -> Callable[[F], F]: ...


def handler(
    function: Callable[..., Any] | None = None,
    /,
    *,
    metrics: object = None,
    pings: bool | str | tuple[str, ...] = True,
    name: str | None = None,
) -> Any:
    """See what each call of the platform's handler was: of which start, for how long, how it ended.

    Results and exceptions of the function are its own: they come out as they are. Whatever goes
    wrong in here costs a figure and no call. `invocation` tells the call under way about itself,
    `log_filter` puts that into log records, `startup` has the timeline of the start.

    Whoever waits for somebody else's load gives up shortly before the invocation ends
    (`LoadTimeout`). Refreshes of stale values get up to 0.1 s after the answer.

    An asynchronous function is run to its end where the caller is AWS's runtime client, on one
    event loop that is kept; everywhere else the call is awaited as before.

    Args:
        function: Called with an event and a context, or with whatever the platform hands over.
        metrics: Where the facts of each call go: "emf", "jsonl:/path", "otlp:http://host:port",
            "off", an object with ``emit(invocation)``, or a tuple of these. By default what the
            environment variable ``COLDCACHE_METRICS`` says; nothing without it.
        pings: Whether events that are nothing but warm-up pings are answered without calling the
            function: coldcache's own by default; a tuple names the kinds.
        name: What metrics call the function, where the platform does not name it.

    Returns:
        The function, with the same signature.

    Raises:
        TypeError: What it is put on cannot be called or is a generator function, or an option has
            the wrong type.
        ValueError: There is no exporter of that name, or *name* is empty.
    """
    if name is not None and not isinstance(name, str):
        message = f"name must be a text, got {name!r}"
        raise TypeError(message)
    if name == "":
        raise ValueError("name must not be empty")
    answer_ping = _recogniser(pings)
    wanted = _wanted(metrics)
    told = _call.Metrics(wanted) if wanted else None
    if function is None:
        return functools.partial(_wrap, metrics=told, answer_ping=answer_ping, name=name)
    return _wrap(function, metrics=told, answer_ping=answer_ping, name=name)


def _wanted(metrics: object) -> tuple[Any, ...]:
    """What was given, or what the environment says, without what is off."""
    if metrics is not None:
        many = tuple(metrics) if isinstance(metrics, (tuple, list)) else (metrics,)
        return tuple(one for one in many if _check(one))
    value = os.environ.get(_VARIABLE)
    if not value:
        return ()
    try:
        return tuple(one for one in map(str.strip, value.split(",")) if _check(one))
    except ValueError:
        # The value is not shown: an address may hold a password.
        _log_warning(f"no metrics: {_VARIABLE} must be {_WANTS}, or several with commas")
        return ()


def _check(given: object) -> bool:
    """Whether there is anything to hand facts to; an error for what cannot be used."""
    if not isinstance(given, str):
        if not callable(getattr(given, "emit", None)):
            message = f"metrics must be {_WANTS}, or exporters with emit(invocation), got {given!r}"
            raise TypeError(message)
        return True
    kind, _, where = given.partition(":")
    if given in ("off", ""):
        return False
    if given == "emf" or (kind in ("jsonl", "otlp") and where):
        return True
    message = f"metrics must be {_WANTS}, got {given!r}"
    raise ValueError(message)


def _wrap(
    function: Callable[..., Any],
    *,
    metrics: _call.Metrics | None,
    answer_ping: AnswerPing | None,
    name: str | None,
) -> Callable[..., Any]:
    if not callable(function):
        message = f"handler decorates a function of an event and a context, got {function!r}"
        raise TypeError(message)
    if getattr(getattr(function, "__code__", None), "co_flags", 0) & _GENERATORS:
        message = (
            f"handler decorates functions that return an answer, and "
            f"{getattr(function, '__qualname__', function)} is a generator function"
        )
        raise TypeError(message)
    _note_declaration(name)
    wrap = _wrap_async if _is_coroutine_function(function) else _wrap_plain
    return functools.update_wrapper(wrap(function, metrics, answer_ping), function)


def _note_declaration(name: str | None) -> None:
    """What has to be seen while the start lasts."""
    _runtime_client.install()
    _start_class.started(_start_class.imported_at(_timeline()["steps"]))
    _start_class.note_declaration()
    if name is not None:
        from coldcache._identity import identity  # noqa: PLC0415 - where there is a name

        identity().name = identity().name or name


def _wrap_plain(
    function: Callable[..., Any],
    metrics: _call.Metrics | None,
    answer_ping: AnswerPing | None,
) -> Callable[..., Any]:
    begin, end = _call.begin, _call.end

    def handle(*args: Any, **kwargs: Any) -> Any:
        call = begin(args)
        if call is None:
            return function(*args, **kwargs)
        try:
            if answer_ping is not None and args and type(args[0]) is dict:
                answer = answer_ping(args[0], call)
                if answer is not None:
                    return answer
            return function(*args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        finally:
            end(call, metrics)

    return handle


def _wrap_async(
    function: Callable[..., Any],
    metrics: _call.Metrics | None,
    answer_ping: AnswerPing | None,
) -> Callable[..., Any]:
    async def awaited(*args: Any, **kwargs: Any) -> Any:
        call = _call.begin(args)
        if call is None:
            return await function(*args, **kwargs)
        try:
            if answer_ping is not None and args and type(args[0]) is dict:
                answer = answer_ping(args[0], call)
                if answer is not None:
                    return answer
            return await function(*args, **kwargs)
        except BaseException as error:
            call.fail(error)
            raise
        finally:
            _call.end(call, metrics)

    if not os.environ.get("AWS_LAMBDA_RUNTIME_API"):
        return awaited

    def handle(*args: Any, **kwargs: Any) -> Any:
        if not _is_called_by_client():
            return awaited(*args, **kwargs)
        from coldcache import _handler_loop  # noqa: PLC0415 - asyncio is loaded by now

        call = _call.begin(args)
        try:
            if call is not None and answer_ping is not None and args and type(args[0]) is dict:
                answer = answer_ping(args[0], call)
                if answer is not None:
                    return answer
            result, error = _handler_loop.run(function, args, kwargs)
            if error is not None:
                raise error
            return result
        except BaseException as error:
            if call is not None:
                call.fail(error)
            raise
        finally:
            if call is not None:
                _call.end(call, metrics)

    return handle


def _is_called_by_client() -> bool:
    """Whether the caller is plain code of the platform, which cannot await."""
    events: Any = sys.modules.get("asyncio.events")
    if events is not None and events._get_running_loop() is not None:  # noqa: SLF001 - documented
        return False
    # Where its client is another one than ours, nobody but the platform is known to call.
    return _runtime_client.is_serving or not _runtime_client.is_installed()


def _recogniser(
    pings: bool | str | tuple[str, ...],
) -> AnswerPing | None:
    """What answers an event that is a ping, and returns ``None`` for all others."""
    if pings is False:
        return None
    if pings is True:
        return _answer_ours
    from coldcache import _ping  # noqa: PLC0415 - where somebody else's are asked for

    kinds = _ping.kinds(pings)

    def answer(event: dict[Any, Any], call: _call.Call) -> Any:
        ping = _ping.recognise(event, kinds)
        return None if ping is None else _answer(ping, call)

    return answer if kinds else None


def _answer_ours(event: dict[Any, Any], call: _call.Call) -> Any:
    if len(event) != 1 or "coldcache" not in event:
        return None  # most events, and nothing was imported for them
    from coldcache import _ping  # noqa: PLC0415 - where there are pings

    ping = _ping.recognise(event)
    return None if ping is None else _answer(ping, call)


def _answer(ping: Ping, call: _call.Call) -> dict[str, Any]:
    from coldcache import _ping  # noqa: PLC0415 - loaded by now
    from coldcache._invocation import describe  # noqa: PLC0415 - where there are pings

    call.is_ping = True
    return _ping.answer(ping, describe(call, is_over=False), remaining=_patience())
