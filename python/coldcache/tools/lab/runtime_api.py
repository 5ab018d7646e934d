"""The Lambda Runtime API for one process under test, on the loopback interface.

One server a process, so that nothing of an earlier sample can reach a later one. Events are offered
from outside and handed out when the client asks, on the connection's own thread: no second thread
has to wake up between the client's request and its event. Requests are stamped on arrival with the
monotonic clock.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import TypeVar

from .exchange import (
    ANSWER_LIMIT_BYTES,
    TOO_LARGE,
    ClientGone,
    ErrorReport,
    Exchange,
    InitFailed,
    WaitTimeout,
)
from .http_message import Request, Response
from .loopback import LoopbackServer

__all__ = [
    "ANSWER_LIMIT_BYTES",
    "ClientGone",
    "ErrorReport",
    "Exchange",
    "InitFailed",
    "RuntimeApi",
    "WaitTimeout",
]

# Well above the platform's limit, so that an oversized answer is read and named, not cut off.
_BODY_LIMIT_BYTES = 64 * 1024 * 1024
_PREFIX = "/2018-06-01/runtime/"
_JSON = {"Content-Type": "application/json"}

_T = TypeVar("_T")


@dataclass
class _Call:
    """An offered event on its way; all but the first four fields change under the lock."""

    request_id: str
    event: bytes = field(repr=False)
    timeout_s: float
    since_ns: int | None = None
    handed_ns: int | None = None
    exchange: Exchange | None = None
    connection: int = 0
    is_lost: bool = False


class RuntimeApi:
    """Serves one runtime client. Use as a context manager; leaving it ends every connection.

    Args:
        function_arn: What the client passes on as the invoked function.
        before_next: Called on the arrival of each ``next``, before an event is handed out.
        before_accepted: Called when an answer has been read, before the client hears so. During
            both calls the client stands still, which makes them exact points to look at it.
        on_idle: Called when all workers wait for an event and there is none.
        workers: How many processes ask for events side by side. No event is handed out before
            each of them has asked.
        hold_restore: Whether ``restore/next`` is held until :meth:`release_restore`.

    Attributes:
        wall_ahead_s: How far the client's wall clock is ahead of ours, in seconds. Deadlines are
            told by the client's.
    """

    def __init__(
        self,
        *,
        function_arn: str,
        before_next: Callable[[], None] | None = None,
        before_accepted: Callable[[], None] | None = None,
        on_idle: Callable[[], None] | None = None,
        workers: int = 1,
        hold_restore: bool = False,
    ) -> None:
        self._arn = function_arn
        self._before_next = before_next
        self._before_accepted = before_accepted
        self._on_idle = on_idle
        self._workers = workers
        self.wall_ahead_s = 0.0
        self._changed = threading.Condition()
        self._offered: deque[_Call] = deque()
        self._calls: dict[str, _Call] = {}
        self._waiting: deque[object] = deque()  # who asks for an event, the longest first
        self._init_ns: int | None = None
        self._restore_ns: int | None = None
        self._holds_restore = hold_restore
        self._init_error: ErrorReport | None = None
        self._is_gone = False
        self._is_closed = False
        self._server = LoopbackServer(
            self._respond, body_limit=_BODY_LIMIT_BYTES, on_disconnect=self._disconnected
        )

    @property
    def address(self) -> str:
        """``host:port``, the value of ``AWS_LAMBDA_RUNTIME_API``."""
        return f"{self._server.host}:{self._server.port}"

    def __enter__(self) -> RuntimeApi:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every connection, also where it was never entered. Further calls do nothing."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._server.close()

    # The driver's side

    def offer(self, event: bytes, *, timeout_s: float, since_ns: int | None = None) -> str:
        """Queue an event for the client's next ``next``.

        Args:
            event: JSON text.
            timeout_s: Seconds to the deadline the client is told.
            since_ns: Where they begin on the monotonic clock; ``None``: when it is handed out.

        Returns:
            The request id, to wait for.
        """
        call = _Call(str(uuid.uuid4()), event, timeout_s, since_ns)
        with self._changed:
            self._calls[call.request_id] = call
            self._offered.append(call)
            self._changed.notify_all()
        return call.request_id

    def wait_for_init(self, timeout_s: float) -> int:
        """Wait for the end of init: the first ``next``, or the first of the slowest worker.

        Returns:
            Its arrival on the monotonic clock, in nanoseconds.

        Raises:
            InitFailed: The client reported an error instead.
            ClientGone: The process ended.
            WaitTimeout: *timeout_s* seconds went by.
        """
        return self._wait(lambda: self._init_ns, timeout_s)

    def wait_for_restore(self, timeout_s: float) -> int:
        """Wait until the client asks for its restore: it may be taken a snapshot of.

        Returns:
            When it asked, on the monotonic clock, in nanoseconds.

        Raises:
            InitFailed: The client reported an error instead.
            ClientGone: The process ended.
            WaitTimeout: *timeout_s* seconds went by.
        """
        return self._wait(lambda: self._restore_ns, timeout_s)

    def release_restore(self) -> None:
        """Answer the client's ``restore/next``, now or when it comes."""
        with self._changed:
            self._holds_restore = False
            self._changed.notify_all()

    def wait_for_idle(self, timeout_s: float) -> None:
        """Wait until all workers wait for an event and none is queued.

        Raises:
            ClientGone: The process ended.
            WaitTimeout: *timeout_s* seconds went by.
        """
        self._wait(lambda: self._has_nothing_to_do() or None, timeout_s)

    @property
    def is_idle(self) -> bool:
        """Whether all workers wait for an event and none is queued."""
        with self._changed:
            return self._has_nothing_to_do()

    def wait_for_answer(self, request_id: str, timeout_s: float) -> Exchange:
        """Wait for the answer to an offered event, or the failure reported for it.

        Raises:
            ClientGone: The process ended without answering.
            WaitTimeout: *timeout_s* seconds went by.
        """
        call = self._calls[request_id]

        def outcome() -> Exchange | None:
            if call.exchange is None and call.is_lost:
                raise ClientGone
            return call.exchange

        return self._wait(outcome, timeout_s)

    def forget(self, request_id: str) -> None:
        """Drop an event and what came back for it; an answer that still comes is refused."""
        with self._changed:
            call = self._calls.pop(request_id, None)
            if call is not None and call in self._offered:
                self._offered.remove(call)

    def handed_ns(self, request_id: str) -> int | None:
        """When an offered event was handed out, or ``None`` if it still waits."""
        with self._changed:
            return self._calls[request_id].handed_ns

    def client_gone(self) -> None:
        """Note that the process has ended, so that nobody goes on waiting for it."""
        with self._changed:
            self._is_gone = True
            self._changed.notify_all()

    def _wait(self, outcome: Callable[[], _T | None], timeout_s: float) -> _T:
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while (result := outcome()) is None:
                if self._init_error is not None:
                    raise InitFailed(self._init_error)
                if self._is_gone:
                    raise ClientGone
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise WaitTimeout
                self._changed.wait(remaining)
            return result

    # The client's side

    def _respond(self, request: Request) -> Response:
        prefix, _, path = request.path.partition(_PREFIX)
        match request.method, prefix, *path.split("/"):
            case "GET", "", "invocation", "next":
                return self._next(request)
            case "POST", "", "invocation", request_id, ("response" | "error") as kind:
                return self._answer(request, request_id, failed=kind == "error")
            case "POST", "", ("init" | "restore"), "error":
                return self._fail_init(request)
            case "GET", "", "restore", "next":
                return self._restore(request)
        return _refuse(HTTPStatus.NOT_FOUND, "UnknownPath", request.path)

    def _next(self, request: Request) -> Response:
        if self._before_next is not None:
            self._before_next()
        place = object()
        with self._changed:
            self._waiting.append(place)
            if self._init_ns is None and len(self._waiting) >= self._workers:
                self._init_ns = request.arrived_ns
            if self._workers > 1 or not self._offered:
                self._changed.notify_all()  # nothing to send first: say at once who is there
            is_idle = self._has_nothing_to_do()
        if is_idle and self._on_idle is not None:
            self._on_idle()
        with self._changed:
            self._changed.wait_for(lambda: self._is_turn_of(place) or self._is_closed)
            self._waiting.remove(place)
            if self._is_closed:
                return _refuse(HTTPStatus.GONE, "Closed", "the lab has ended")
            call = self._offered.popleft()
            if self._offered:
                self._changed.notify_all()  # the next one in the queue of workers has a turn too
            call.connection = request.connection
            headers = self._headers(call)
            call.handed_ns = time.monotonic_ns()
        return Response(HTTPStatus.OK, call.event, headers, after_send=self._notify)

    def _headers(self, call: _Call) -> dict[str, str]:
        now_ms = time.time_ns() // 1_000_000 + round(self.wall_ahead_s * 1000)
        left_ms = round(call.timeout_s * 1000)
        if call.since_ns is not None:
            left_ms -= (time.monotonic_ns() - call.since_ns) // 1_000_000
        return {
            **_JSON,
            "Lambda-Runtime-Aws-Request-Id": call.request_id,
            "Lambda-Runtime-Deadline-Ms": str(now_ms + left_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self._arn,
            "Lambda-Runtime-Trace-Id": _trace_id(now_ms // 1000),
        }

    def _has_nothing_to_do(self) -> bool:
        return not self._offered and len(self._waiting) >= self._workers

    def _is_turn_of(self, place: object) -> bool:
        """Whether a waiting worker gets the next event: the one that has waited longest does."""
        return bool(self._offered) and self._init_ns is not None and self._waiting[0] is place

    def _restore(self, request: Request) -> Response:
        with self._changed:
            if self._restore_ns is None:
                self._restore_ns = request.arrived_ns
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._holds_restore or self._is_closed)
        return Response(HTTPStatus.OK)

    def _answer(self, request: Request, request_id: str, *, failed: bool) -> Response:
        size = len(request.body)
        error = ErrorReport.read(request) if failed else None
        if size > ANSWER_LIMIT_BYTES:
            error = ErrorReport(
                TOO_LARGE,
                f"the answer has {size} bytes; the platform accepts {ANSWER_LIMIT_BYTES}",
            )
        if self._before_accepted is not None:
            self._before_accepted()
        with self._changed:
            call = self._calls.get(request_id)
            if call is None or call.handed_ns is None or call.exchange is not None:
                return _refuse(HTTPStatus.BAD_REQUEST, "InvalidRequestID", request_id)
            # Recorded before the client hears of it: it may end at once, and must not seem gone.
            call.exchange = Exchange(
                handed_ns=call.handed_ns,
                answered_ns=request.complete_ns,
                body=b"" if error else request.body,
                error=error,
                first_byte_ns=request.first_byte_ns,
                size=size,
            )
        if size > ANSWER_LIMIT_BYTES:
            self._notify()
            return _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", str(size))
        return Response(HTTPStatus.ACCEPTED, after_send=self._notify)

    def _fail_init(self, request: Request) -> Response:
        with self._changed:
            self._init_error = ErrorReport.read(request)
        return Response(HTTPStatus.ACCEPTED, after_send=self._notify)

    def _disconnected(self, connection: int) -> None:
        # Of one worker the process itself is watched; among several, one may be gone alone.
        if self._workers == 1:
            return
        with self._changed:
            for call in self._calls.values():
                if call.connection == connection and call.exchange is None:
                    call.is_lost = True
            self._changed.notify_all()

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _refuse(status: HTTPStatus, kind: str, message: str) -> Response:
    body = json.dumps({"errorType": kind, "errorMessage": message}).encode()
    return Response(status, body, _JSON)


def _trace_id(epoch_s: int) -> str:
    return f"Root=1-{epoch_s:08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
