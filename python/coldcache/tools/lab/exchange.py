"""What goes over the Runtime API for one event, and the endings other than an answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from .http_message import Request

__all__ = [
    "ANSWER_LIMIT_BYTES",
    "TOO_LARGE",
    "ClientGone",
    "ErrorReport",
    "Exchange",
    "InitFailed",
    "WaitTimeout",
]

ANSWER_LIMIT_BYTES = 6_291_556
"""The platform's limit for the answer of a synchronous call."""

TOO_LARGE = "Function.ResponseSizeTooLarge"
"""The platform's name for an answer above it."""


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
        first_byte_ns: When the first byte of the answer had been read.
        size: Bytes of what was posted, also when it was refused.
    """

    handed_ns: int
    answered_ns: int
    body: bytes = field(repr=False)
    error: ErrorReport | None = None
    first_byte_ns: int = 0
    size: int = 0


class InitFailed(Exception):  # noqa: N818 - an outcome
    """The client reported an error instead of asking for its first event."""

    def __init__(self, report: ErrorReport) -> None:
        super().__init__(f"{report.kind}: {report.message}")
        self.report = report


class ClientGone(Exception):  # noqa: N818 - an outcome
    """The process, or the worker of a call, ended while something was still expected of it."""


class WaitTimeout(Exception):  # noqa: N818 - an outcome
    """What was waited for did not happen in time."""
