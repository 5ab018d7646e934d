"""What a trial came to: counted from the calls, and small enough to travel as JSON."""

from __future__ import annotations

import dataclasses
import traceback
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faults.callers import Call, Crowd

# An error may take the time for a look at the connection and for a new one, each with its own
# limit of two seconds, and the machine is shared.
LATE_S = 5.0


NOT_TESTED = "not tested"  # how the remark begins if the machine cannot do it


@dataclass
class Outcome:
    """The figures of one subject under one fault."""

    made: int = 0
    right: int = 0
    wrong: int = 0
    hung: int = 0
    not_made: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    undocumented: dict[str, int] = field(default_factory=dict)
    late: int = 0
    longest_error_s: float = 0.0
    longest_call_s: float = 0.0
    failed_after: int = 0
    # How many calls a caller needed after the fault's end until one was answered, at worst; None if
    # some caller's last call still failed.
    to_recovery: int | None = 1
    leaks: int = 0
    remarks: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Count the calls without a right answer."""
        return sum(self.errors.values()) + self.wrong + self.hung

    @property
    def is_tested(self) -> bool:
        """Whether the fault could be made at all."""
        return not any(remark.startswith(NOT_TESTED) for remark in self.remarks)

    def as_json(self) -> dict[str, Any]:
        """Give all of it as plain data."""
        return dataclasses.asdict(self)

    def add(self, other: Outcome) -> None:
        """Count the calls of another process as well."""
        for name in ("made", "right", "wrong", "hung", "not_made", "late", "failed_after", "leaks"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("errors", "undocumented"):
            setattr(self, name, dict(Counter(getattr(self, name)) + Counter(getattr(other, name))))
        self.longest_error_s = max(self.longest_error_s, other.longest_error_s)
        self.longest_call_s = max(self.longest_call_s, other.longest_call_s)
        recoveries = (self.to_recovery, other.to_recovery)
        self.to_recovery = None if None in recoveries else max(r for r in recoveries if r)
        self.remarks += other.remarks


def kind(error: BaseException) -> str:
    """Name an error with its package."""
    cls = type(error)
    return f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}".removeprefix("builtins.")


def judge(
    crowd: Crowd,
    ended: float | None,
    documented: tuple[type[BaseException], ...],
    secrets: list[str],
) -> Outcome:
    """Count.

    Args:
        crowd: The calls.
        ended: When the fault ended; None if no call was to come after it.
        documented: What the subject says it raises.
        secrets: Texts that must not be in any error.
    """
    outcome = Outcome(not_made=sum(work.not_made for work in crowd.works))
    errors: Counter[str] = Counter()
    undocumented: Counter[str] = Counter()
    for call in crowd.calls():
        outcome.made += 1
        took = (call.ended or call.begun) - call.begun
        if call.is_hung:
            outcome.hung += 1
            continue
        outcome.longest_call_s = max(outcome.longest_call_s, took)
        if call.error is None:
            outcome.right += call.is_right
            outcome.wrong += not call.is_right
            continue
        errors[kind(call.error)] += 1
        if not isinstance(call.error, documented):
            undocumented[kind(call.error)] += 1
        outcome.longest_error_s = max(outcome.longest_error_s, took)
        outcome.late += took > LATE_S
        told = "".join(traceback.format_exception(call.error))
        outcome.leaks += any(secret in told for secret in secrets)
    outcome.errors, outcome.undocumented = dict(errors), dict(undocumented)
    if ended is not None:
        _judge_recovery(outcome, [call for call in crowd.calls() if call.begun >= ended])
    return outcome


def _judge_recovery(outcome: Outcome, calls: list[Call]) -> None:
    """See how many calls each caller needed, of those that began after the fault's end."""
    by_caller: dict[int, list[Call]] = {}
    for call in calls:
        by_caller.setdefault(call.caller, []).append(call)
    outcome.failed_after = sum(call.failed for call in calls)
    if not calls:
        outcome.to_recovery = None
    for own in by_caller.values():
        if own[-1].failed:
            outcome.to_recovery = None
            return
        last_failure = max((place for place, call in enumerate(own) if call.failed), default=-1)
        assert outcome.to_recovery is not None
        outcome.to_recovery = max(outcome.to_recovery, last_failure + 2)
