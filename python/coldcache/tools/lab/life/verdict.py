"""From what happened to a process to an outcome: one word for the record, evidence for a reader.

A record names the kind of a failure, never its message: that may hold what the function was given.
The message, the traceback and the end of the output are in the error that comes with it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from ..errors import LabError
from ..exchange import TOO_LARGE, ErrorReport, Exchange
from ..failure import call_failed, init_failed, process_ended, timed_out
from ..runtime_api import ClientGone, WaitTimeout
from ..target import Target
from .incarnation import Incarnation
from .records import Outcome

__all__ = ["Judge", "Verdict"]

# After an answer that was refused the client ends, as a rule; the next call must not meet it dying.
_SETTLE_S = 1.0


@dataclass(frozen=True)
class Verdict:
    """How a start or a call ended.

    Attributes:
        outcome: In one word.
        error: In a few, for the record.
        failure: The evidence; ``None`` where nothing failed.
    """

    outcome: Outcome
    error: str | None = None
    failure: LabError | None = None


class Judge:
    """Judges the processes of one environment; whatever failed is stopped first.

    Args:
        target: The function.
        memory_mb: Its memory size, for the words about its ceiling.
    """

    def __init__(self, target: Target, *, memory_mb: int) -> None:
        self._target = target
        self._memory_mb = memory_mb

    def answered(self, incarnation: Incarnation, exchange: Exchange) -> Verdict:
        """The client posted an answer or an error."""
        report = exchange.error
        if report is None:
            return Verdict("ok")
        failure = call_failed(self._target, "a call", report, incarnation.output)
        if report.kind != TOO_LARGE:
            return Verdict("error", report.kind, failure)
        with contextlib.suppress(ClientGone, WaitTimeout):
            incarnation.api.wait_for_idle(_SETTLE_S)
        return Verdict("too_large", report.message, failure)

    def init_failed(self, incarnation: Incarnation, report: ErrorReport) -> Verdict:
        """The client posted an error instead of asking for its first event."""
        incarnation.stop()
        failure = init_failed(self._target, report, incarnation.output)
        return Verdict("init_error", report.kind, failure)

    def init_too_long(self, incarnation: Incarnation, limit_s: float, option: str) -> Verdict:
        """Init did not end in time."""
        incarnation.stop()
        what = f"did not end its init within {limit_s:g} s"
        failure = timed_out(self._target, what, option, incarnation.output)
        return Verdict("init_timeout", what, failure)

    def restore_too_long(self, incarnation: Incarnation, limit_s: float) -> Verdict:
        """Restore and hooks did not end in time."""
        incarnation.stop()
        what = f"did not end its restore within {limit_s:g} s (SnapStartTimeoutException)"
        failure = timed_out(self._target, what, "the platform", incarnation.output)
        return Verdict("init_timeout", what, failure)

    def call_too_long(self, incarnation: Incarnation, limit_s: float) -> Verdict:
        """No answer came in time."""
        incarnation.stop()
        what = f"did not answer within {limit_s:g} s"
        failure = timed_out(self._target, what, "--timeout", incarnation.output)
        return Verdict("timeout", what, failure)

    def ended(self, incarnation: Incarnation, stage: str, *, was_out_of_memory: bool) -> Verdict:
        """The process is gone.

        Args:
            incarnation: Whose.
            stage: What it was doing.
            was_out_of_memory: Whether the kernel ended one of its processes at the ceiling.
        """
        how = incarnation.stop()
        if was_out_of_memory:
            how = f"used up its {self._memory_mb} MB of memory and {how}"
        failure = process_ended(self._target, incarnation.sandbox, stage, incarnation.output)
        return Verdict("crash", f"its process {how}", failure)

    def worker_ended(self, incarnation: Incarnation) -> Verdict:
        """One of several workers is gone, the others serve on."""
        what = "its worker ended during the call"
        failure = LabError(f"{self._target.spec}: {what}", details=incarnation.output.tail())
        return Verdict("crash", what, failure)
