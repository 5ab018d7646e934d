"""A case: events that one process gets, how the function does on them as it is, and what differs.

What is compared is what a caller, a log reader or the rest of the process can notice: the end of
the process, the answer, records from WARNING upwards, warnings that are shown. Registries have a
file of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .edges import Edge
from .outcome import Call, Fault, Outcome, Raised
from .same import Same

__all__ = ["Case", "Difference", "LogView", "difference", "log_view"]

LogView = Callable[[Call], Counter[tuple[str, ...]]]
Kind = Literal["ended", "error", "answer", "logs", "warnings"]

_CHANGING = re.compile(r"0x[0-9a-fA-F]+|\d+")
_TEXT_LIMIT = 240


@dataclass(frozen=True)
class Difference:
    """Something that is not as it is without a plan.

    Attributes:
        kind: What it is about.
        text: What differs, for a reader; holds nothing of an answer.
        case: Name of the case.
        fault: The error, where there is one.
    """

    kind: Kind
    text: str
    case: str
    fault: Fault | None = None

    @property
    def signature(self) -> tuple[str, str]:
        """What makes two of them the same problem."""
        text = self.text if self.fault is None else str(self.fault)
        return (self.kind, _CHANGING.sub("#", text))


@dataclass(frozen=True)
class Case:
    """Events for one process, and what the function does on them without a plan.

    Attributes:
        name: Of the event, or of several.
        events: Their JSON texts.
        plain: Two processes without a plan; the second had the tracer.
        view: How much of the logs is the same in both.
        limit_s: How long a process may take.
        failing: Imports that raise without a plan, too: somebody tries what is not installed.
    """

    name: str
    events: tuple[bytes, ...] = field(repr=False)
    plain: tuple[Outcome, Outcome] = field(repr=False)
    view: LogView
    limit_s: float
    failing: frozenset[Edge] = frozenset()


def difference(  # noqa: PLR0911 - one for each kind
    case: Case, outcome: Outcome, same: Same
) -> Difference | None:
    """The first thing in which a trial differs from the function as it is, registries aside."""
    fault = outcome.error
    if outcome.how:
        return Difference("ended", outcome.how, case.name, fault)
    if fault is not None:
        text = f"it fails: {fault}"
        return Difference("error", _short(text), case.name, fault)
    raised = dict(reversed(outcome.failed_imports))  # of several the innermost, which is the first
    failed = (row.edge for row in outcome.rows if row.state == "failed")
    for edge in (*dict(outcome.failed_imports), *outcome.failures, *failed):
        if edge in case.failing:
            continue
        fault = _unraised(raised.get(edge, ()))
        text = f"the import of {edge.text} in {edge.importer} fails, and somebody passes over it"
        text += f": {fault}" if fault is not None else ""
        return Difference("error", _short(text), case.name, fault)
    for number, (before, after) in enumerate(
        zip(case.plain[0].calls, outcome.calls, strict=True), start=1
    ):
        which = f" to call {number}" if len(case.events) > 1 else ""
        if before.kind != after.kind or not same(before.answer, after.answer):
            text = f"it gives another answer{which}"
            return Difference("answer", text, case.name, _unraised(after.chains))
        text = _logs_differ(case.view(before), case.view(after))
        if text:
            return Difference("logs", text, case.name, _unraised(after.chains))
        text = _warnings_differ(case.plain[1], before, outcome, after)
        if text:
            return Difference("warnings", text, case.name)
    return None


def log_view(first: Sequence[Call], second: Sequence[Call]) -> LogView:
    """The sharpest look at logs in which two runs of the same function agree."""
    for view in (_exact, _without_numbers, _without_text):
        if all(view(a) == view(b) for a, b in zip(first, second, strict=True)):
            return view
    return _nothing


def _exact(call: Call) -> Counter[tuple[str, ...]]:
    return Counter(call.logs)


def _without_numbers(call: Call) -> Counter[tuple[str, ...]]:
    return Counter((name, level, _CHANGING.sub("#", text)) for name, level, text in call.logs)


def _without_text(call: Call) -> Counter[tuple[str, ...]]:
    return Counter((name, level) for name, level, _ in call.logs)


def _nothing(_call: Call) -> Counter[tuple[str, ...]]:
    return Counter()


def _logs_differ(before: Counter[tuple[str, ...]], after: Counter[tuple[str, ...]]) -> str:
    # Logger and level only: messages may hold what the event held.
    for name, level, *_ in after - before:
        return f"{name} logs at level {level} what it does not otherwise"
    for name, level, *_ in before - after:
        return f"{name} no longer logs at level {level} what it does otherwise"
    return ""


def _warnings_differ(plain: Outcome, before: Call, planned: Outcome, after: Call) -> str:
    extra = Counter(after.warnings) - Counter(before.warnings)
    for text in extra:
        return f"it shows a {text.partition(':')[0]} that it does not otherwise"
    # What a module says about itself while it is imported is not said where it is not needed.
    unloaded = {
        file for name in plain.modules - planned.modules if (file := plain.origins.get(name))
    }
    kept = Counter(
        text
        for text, file in zip(before.warnings, before.warned_by, strict=True)
        if file not in unloaded
    )
    for text in kept - Counter(after.warnings):
        return f"it no longer shows a {text.partition(':')[0]}"
    return ""


def _unraised(chain: tuple[Raised, ...]) -> Fault | None:
    """Exceptions that were logged or passed over instead of raised point at the cause too."""
    return Fault(chain[0].type, chain[0].message, chain=chain) if chain else None


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_LIMIT else line[: _TEXT_LIMIT - 3] + "..."
