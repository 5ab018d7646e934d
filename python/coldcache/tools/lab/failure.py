"""From what a failed process left behind to one message that names the thing.

The traceback is the one the runtime client posted. Text from the process may hold anything,
terminal control codes included; they are made harmless here, before anything can print them.
"""

from __future__ import annotations

from .census import without_import_lines
from .errors import FunctionError, LabError, UsageError
from .output import Output
from .runtime_api import ErrorReport
from .sandbox import Sandbox
from .target import Target

__all__ = ["call_failed", "init_failed", "printable", "process_ended", "timed_out"]

# The client cannot find what it was asked to run: a wrong name, not a failing function.
_WRONG_NAME = frozenset(
    {
        "Runtime.BuiltInModuleConflict",
        "Runtime.HandlerNotFound",
        "Runtime.MalformedHandlerName",
    }
)
_HEADLINE_LIMIT = 300
_TAIL_LINES = 20
_LINE_LIMIT = 500


def init_failed(target: Target, report: ErrorReport, output: Output) -> LabError:
    """The client reported an error instead of asking for its first event."""
    if report.kind in _WRONG_NAME:
        return UsageError(f"{target.spec}: {printable(report.message)}")
    return FunctionError(
        f"{target.spec} failed while starting: {_headline(report)}",
        details=_details(report, output),
    )


def call_failed(target: Target, call: str, report: ErrorReport, output: Output) -> FunctionError:
    """The client reported an error for a call."""
    return FunctionError(
        f"{target.spec} failed on {call}: {_headline(report)}", details=_details(report, output)
    )


def process_ended(target: Target, sandbox: Sandbox, stage: str, output: Output) -> FunctionError:
    """The process was gone while something was expected of it. The sandbox has been stopped."""
    return FunctionError(
        f"{target.spec}: its process {sandbox.exit_status} {stage}", details=_details(None, output)
    )


def timed_out(target: Target, what: str, option: str, output: Output) -> FunctionError:
    """The process was killed because it took too long."""
    return FunctionError(
        f"{target.spec} {what}; {option} sets the limit", details=_details(None, output)
    )


def printable(text: str) -> str:
    """*text* with every control code but newline and tab shown instead of sent."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        char if char.isprintable() or char in "\n\t\u00a0" else repr(char)[1:-1] for char in lines
    )


def _headline(report: ErrorReport) -> str:
    first_line, *_ = printable(report.message).strip().splitlines() or [""]
    text = f"{printable(report.kind)}: {first_line}" if first_line else printable(report.kind)
    return text if len(text) <= _HEADLINE_LIMIT else text[:_HEADLINE_LIMIT] + "..."


def _details(report: ErrorReport | None, output: Output) -> str:
    parts = []
    if report is not None and report.frames:
        frames = "\n".join(frame.rstrip("\n") for frame in report.frames)
        error = f"{report.kind}: {report.message}" if report.message else report.kind
        parts.append(printable(f"Traceback (most recent call last):\n{frames}\n{error}"))
    lines = printable(without_import_lines(output.tail())).replace("\u00a0", " ").splitlines()
    if report is not None:
        lines = _without_own_copy(lines)
    lines = [line[:_LINE_LIMIT] for line in lines if line.strip()][-_TAIL_LINES:]
    if lines:
        parts.append("\n".join(["The end of its output:", *(f"  {line}" for line in lines)]))
    return "\n\n".join(parts)


def _without_own_copy(lines: list[str]) -> list[str]:
    """Cut what the runtime client itself prints about the error that it posts as well."""
    for position in reversed(range(len(lines))):
        if lines[position].startswith("[ERROR] "):
            lines = lines[:position]
            break
    return [line for line in lines if "LAMBDA_WARNING: Unhandled exception" not in line]
