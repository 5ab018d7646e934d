"""What is known about one call of the handler, as plain data: for exporters, and for logs."""

from __future__ import annotations

import os
import time

from coldcache import _identity, _start_class
from coldcache._core import _timeline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from coldcache._call import Call


class Invocation:
    """One call of a handler; exporters get it after the answer.

    Nothing of the event, of the answer or of an error's message is in it. Times are in seconds.

    Attributes:
        request_id: The platform's id of the request, or ``None``.
        trace_id: The platform's trace header or id, or ``None``.
        init_id: Random text, the same for all calls of one initialisation of the process.
        function_name: Name of the function or service, or ``None``.
        function_version: Its version or revision, or ``None``.
        memory_mb: Its memory in MB, or ``None``.
        platform: ``lambda``, ``cloud-run``, ``azure``, ``kubernetes`` or ``server``.
        start_class: ``on-demand``, ``proactive``, ``provisioned``, ``restored``,
            ``managed-instance`` or ``re-init`` on the first call, ``warm`` on all others.
        start_rule: The fact that decided the start class, in words.
        is_first: Whether it is the first call of this initialisation.
        began_at: When the handler was called, seconds since 1970.
        call_seconds: How long the handler ran; initialisation is not in it.
        error: Name of the type of what the handler raised, or ``None``.
        init_seconds: First call only: from the start of the process to the end of initialisation.
        first_answer_seconds: First call only: from the start of the process, or from when the
            first event was there if that is later, to the answer.
        visible_start_seconds: First call only: from when a gateway received the request to the
            call of the handler, by two machines' clocks; ``None`` without a gateway.
        next_wait_seconds: First call only: how long the runtime client waited for the event.
        startup_errors: First call only: how often each type of error was raised during the start.
        cache: ``hits``, ``misses``, ``loads``, ``load_errors``, ``stale``, ``evictions`` of all
            caches together, since the start of the process.
        resources: ``rebuilds`` and ``check_failures`` of all resources and pools, likewise.
        pools: ``saturated`` (likewise) and ``waiting`` (now).
        own_seconds: What coldcache itself cost in this call, exporters left out.
        is_ping: Whether it was a warm-up ping, which did not reach the user's handler.
    """

    __slots__ = (
        "began_at",
        "cache",
        "call_seconds",
        "error",
        "first_answer_seconds",
        "function_name",
        "function_version",
        "init_id",
        "init_seconds",
        "is_first",
        "is_ping",
        "memory_mb",
        "next_wait_seconds",
        "own_seconds",
        "platform",
        "pools",
        "request_id",
        "resources",
        "start_class",
        "start_rule",
        "startup_errors",
        "trace_id",
        "visible_start_seconds",
    )

    def __init__(
        self,
        *,
        init_id: str,
        platform: str,
        start_class: str,
        start_rule: str,
        is_first: bool,
        began_at: float,
        request_id: str | None = None,
        trace_id: str | None = None,
        function_name: str | None = None,
        function_version: str | None = None,
        memory_mb: int | None = None,
        call_seconds: float = 0.0,
        error: str | None = None,
        init_seconds: float | None = None,
        first_answer_seconds: float | None = None,
        visible_start_seconds: float | None = None,
        next_wait_seconds: float | None = None,
        startup_errors: dict[str, int] | None = None,
        cache: dict[str, int] | None = None,
        resources: dict[str, int] | None = None,
        pools: dict[str, int] | None = None,
        own_seconds: float = 0.0,
        is_ping: bool = False,
    ) -> None:
        self.request_id = request_id
        self.trace_id = trace_id
        self.init_id = init_id
        self.function_name = function_name
        self.function_version = function_version
        self.memory_mb = memory_mb
        self.platform = platform
        self.start_class = start_class
        self.start_rule = start_rule
        self.is_first = is_first
        self.began_at = began_at
        self.call_seconds = call_seconds
        self.error = error
        self.init_seconds = init_seconds
        self.first_answer_seconds = first_answer_seconds
        self.visible_start_seconds = visible_start_seconds
        self.next_wait_seconds = next_wait_seconds
        self.startup_errors = {} if startup_errors is None else startup_errors
        self.cache = {} if cache is None else cache
        self.resources = {} if resources is None else resources
        self.pools = {} if pools is None else pools
        self.own_seconds = own_seconds
        self.is_ping = is_ping

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold: every attribute by its name."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __repr__(self) -> str:
        return f"<Invocation {self.request_id}: {self.start_class}, {self.call_seconds:.3f} s>"


def describe(call: Call, *, is_over: bool) -> Invocation:
    """Put together what exporters get."""
    identity = _identity.identity()
    found = Invocation(
        init_id=call.init_id,
        platform=identity.platform,
        start_class=call.start[0],
        start_rule=call.start[1],
        is_first=call.first is not None,
        began_at=call.began_at,
        request_id=_text(call.context, "aws_request_id"),
        trace_id=os.environ.get("_X_AMZN_TRACE_ID"),
        function_name=identity.name,
        function_version=identity.version,
        memory_mb=identity.memory_mb,
        call_seconds=time.perf_counter() - call.began if call.seconds is None else call.seconds,
        error=call.error,
        own_seconds=call.own,
        is_ping=call.is_ping,
    )
    if call.first is not None:
        found.next_wait_seconds = call.first.next_wait
        found.visible_start_seconds = call.first.visible
        _describe_start(found)
    if is_over:
        from coldcache import _usage  # noqa: PLC0415 - see above

        found.cache = _usage.of_caches()
        found.resources, found.pools = _usage.of_holdings()
    return found


def _describe_start(found: Invocation) -> None:
    recorded = _timeline()
    moments = {name: at / 1e9 for name, at in recorded["marks"].items()}
    began, _ = _start_class.started()
    init_end = moments.get("init_end", moments.get("first_call"))
    if init_end is not None:
        found.init_seconds = init_end - began
    answered = moments.get("first_answer", moments.get("first_return"))
    if answered is not None:
        # Nobody waited before there was an event; one that was there first waited for all of it.
        if found.start_class not in ("on-demand", "re-init"):
            began = moments.get("first_event", moments.get("first_call", began))
        found.first_answer_seconds = answered - began
    found.startup_errors = recorded["errors"]


def _text(thing: object, name: str) -> str | None:
    try:
        found = getattr(thing, name, None)
    except Exception:  # noqa: BLE001 - somebody else's object
        return None
    return found if isinstance(found, str) else None
