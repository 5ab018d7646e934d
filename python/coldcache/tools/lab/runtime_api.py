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

ANSWER_LIMIT_BYTES = 6_291_556
"""The platform's limit for the answer of a synchronous call."""

# Well above the platform's limit, so that an oversized answer is read and named, not cut off.
_BODY_LIMIT_BYTES = 64 * 1024 * 1024
_PREFIX = "/2018-06-01/runtime/"
_JSON = {"Content-Type": "application/json"}

_T = TypeVar("_T")


@dataclass(frozen=True)
class ErrorReport:
    """What the runtime client posted about a failure.

    Attributes:
        kind: Exception name, or a type of the platform such as ``Runtime.HandlerNotFound``.
        message: The exception's text.
        frames: The traceback's entries as posted, possibly none.
    """

    kind: str
    message: str = ""
    frames: tuple[str, ...] = ()

    @classmethod
    def read(cls, request: Request) -> ErrorReport:
        """Read a posted report leniently: a failing function may post anything."""
        try:
            data = json.loads(request.body)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            data = {}
        kind = data.get("errorType") or request.headers.get("lambda-runtime-function-error-type")
        frames = data.get("stackTrace")
        return cls(
            kind=str(kind or "unknown error"),
            message=str(data.get("errorMessage") or ""),
            frames=tuple(map(str, frames)) if isinstance(frames, list) else (),
        )


@dataclass(frozen=True)
class Exchange:
    """One event and what came back for it; times are of the monotonic clock.

    Attributes:
        handed_ns: Just before the event was sent.
        answered_ns: When the last byte of the answer had been read.
        body: The answer; empty when the call failed.
        error: The failure, or ``None``.
    """

    handed_ns: int
    answered_ns: int
    body: bytes = field(repr=False)
    error: ErrorReport | None = None


class InitFailed(Exception):  # noqa: N818 - an outcome
    """The client reported an error instead of asking for its first event."""

    def __init__(self, report: ErrorReport) -> None:
        super().__init__(f"{report.kind}: {report.message}")
        self.report = report


class ClientGone(Exception):  # noqa: N818 - an outcome
    """The process ended while something was still expected of it."""


class WaitTimeout(Exception):  # noqa: N818 - an outcome
    """What was waited for did not happen in time."""


@dataclass
class _Call:
    """An offered event on its way; all but the first three fields change under the lock."""

    request_id: str
    event: bytes = field(repr=False)
    timeout_s: float
    handed_ns: int | None = None
    exchange: Exchange | None = None


class RuntimeApi:
    """Serves one runtime client. Use as a context manager; leaving it ends every connection.

    Args:
        function_arn: What the client passes on as the invoked function.
        before_next: Called on the arrival of each ``next``, before an event is handed out.
        before_accepted: Called when an answer has been read, before the client hears so. During
            both calls the client stands still, which makes them exact points to look at it.
    """

    def __init__(
        self,
        *,
        function_arn: str,
        before_next: Callable[[], None] | None = None,
        before_accepted: Callable[[], None] | None = None,
    ) -> None:
        self._arn = function_arn
        self._before_next = before_next
        self._before_accepted = before_accepted
        self._changed = threading.Condition()
        self._offered: deque[_Call] = deque()
        self._calls: dict[str, _Call] = {}
        self._first_next_ns: int | None = None
        self._init_error: ErrorReport | None = None
        self._is_idle = False
        self._is_gone = False
        self._is_closed = False
        self._server = LoopbackServer(self._respond, body_limit=_BODY_LIMIT_BYTES)

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
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._server.close()

    # The driver's side

    def offer(self, event: bytes, *, timeout_s: float) -> str:
        """Queue an event for the client's next ``next``.

        Args:
            event: JSON text.
            timeout_s: Seconds from handing out to the deadline the client is told.

        Returns:
            The request id, to wait for.
        """
        call = _Call(str(uuid.uuid4()), event, timeout_s)
        with self._changed:
            self._calls[call.request_id] = call
            self._offered.append(call)
            self._changed.notify_all()
        return call.request_id

    def wait_for_init(self, timeout_s: float) -> int:
        """Wait for the first ``next``, which is the end of init.

        Returns:
            Its arrival on the monotonic clock, in nanoseconds.

        Raises:
            InitFailed: The client reported an error instead.
            ClientGone: The process ended.
            WaitTimeout: *timeout_s* seconds went by.
        """
        return self._wait(lambda: self._first_next_ns, timeout_s)

    def wait_for_answer(self, request_id: str, timeout_s: float) -> Exchange:
        """Wait for the answer to an offered event, or the failure reported for it.

        Raises:
            ClientGone: The process ended without answering.
            WaitTimeout: *timeout_s* seconds went by.
        """
        call = self._calls[request_id]
        return self._wait(lambda: call.exchange, timeout_s)

    def wait_until_idle(self, timeout_s: float) -> None:
        """Wait until the client asks for an event and there is none: it stands still.

        Raises:
            InitFailed: The client reported an error instead of its first ``next``.
            ClientGone: The process ended.
            WaitTimeout: *timeout_s* seconds went by.
        """
        self._wait(lambda: self._is_idle or None, timeout_s)

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
                return Response(HTTPStatus.OK)
        return _refuse(HTTPStatus.NOT_FOUND, "UnknownPath", request.path)

    def _next(self, request: Request) -> Response:
        if self._before_next is not None:
            self._before_next()
        with self._changed:
            if self._first_next_ns is None:
                self._first_next_ns = request.arrived_ns
            if not self._offered:
                self._is_idle = True
                self._changed.notify_all()  # nothing to send first: say at once that init is over
            self._changed.wait_for(lambda: self._offered or self._is_closed)
            self._is_idle = False
            if self._is_closed:
                return _refuse(HTTPStatus.GONE, "Closed", "the lab has ended")
            call = self._offered.popleft()
            now_ms = time.time_ns() // 1_000_000
            headers = {
                **_JSON,
                "Lambda-Runtime-Aws-Request-Id": call.request_id,
                "Lambda-Runtime-Deadline-Ms": str(now_ms + round(call.timeout_s * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": self._arn,
                "Lambda-Runtime-Trace-Id": _trace_id(now_ms // 1000),
            }
            call.handed_ns = time.monotonic_ns()
        return Response(HTTPStatus.OK, call.event, headers, after_send=self._notify)

    def _answer(self, request: Request, request_id: str, *, failed: bool) -> Response:
        size = len(request.body)
        error = ErrorReport.read(request) if failed else None
        if size > ANSWER_LIMIT_BYTES:
            error = ErrorReport(
                "Function.ResponseSizeTooLarge",
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
            )
        if size > ANSWER_LIMIT_BYTES:
            self._notify()
            return _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "RequestEntityTooLarge", str(size))
        return Response(HTTPStatus.ACCEPTED, after_send=self._notify)

    def _fail_init(self, request: Request) -> Response:
        with self._changed:
            self._init_error = ErrorReport.read(request)
        return Response(HTTPStatus.ACCEPTED, after_send=self._notify)

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()


def _refuse(status: HTTPStatus, kind: str, message: str) -> Response:
    body = json.dumps({"errorType": kind, "errorMessage": message}).encode()
    return Response(status, body, _JSON)


def _trace_id(epoch_s: int) -> str:
    return f"Root=1-{epoch_s:08x}-{uuid.uuid4().hex[:24]};Parent={uuid.uuid4().hex[:16]};Sampled=0"
