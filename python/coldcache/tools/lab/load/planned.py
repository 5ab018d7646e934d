"""A schedule made beforehand: who is cold follows from the seed, not from the machine's mood.

Whether a call finds an idle environment depends on how long the calls before it took, and no two
real runs are alike in that. With assumed times the pool can decide everything in advance. The
real environments then follow that schedule, call for call. Their times are still measured: a call
whose environment is busy longer than assumed waits, and the wait is in its row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from coldcache.tools.lab.errors import UsageError

from .book import Book
from .course import Course
from .fleet import Fleet
from .pool import PoolRules, Slot
from .rows import Source
from .workload import Agenda, Call

__all__ = ["Action", "Assumed", "follow", "make_schedule"]

_END = "experiment-end"


@dataclass(frozen=True)
class Assumed:
    """Times that a schedule is made with.

    Attributes:
        cold_s: Of a call that has to start its environment, and of an init ahead of calls.
        warm_s: Of any other call.

    Raises:
        UsageError: One of them is not above zero.
    """

    cold_s: float
    warm_s: float

    def __post_init__(self) -> None:
        for name, value in (("cold", self.cold_s), ("warm", self.warm_s)):
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"the assumed {name} time must be above 0 seconds; got {value}")


@dataclass(frozen=True)
class Action:
    """One step of a schedule.

    Attributes:
        at_s: When, in seconds of the experiment.
        slot: In which environment.
        call: What it is given; ``None``: it is started ahead of calls, or ended.
        is_new: Whether it is started, for the call or ahead of calls.
        end_reason: Why it is ended; ``None`` if it is not.
    """

    at_s: float
    slot: Slot
    call: Call | None = None
    is_new: bool = False
    end_reason: str | None = None

    @property
    def is_ahead(self) -> bool:
        """Whether it has to be done before the experiment begins."""
        return self.is_new and self.call is None and self.at_s <= 0


class _Planner:
    """Writes down what the pool decides, and reports answers after the assumed times."""

    throttled_source: Source = "process"

    def __init__(self, assumed: Assumed) -> None:
        self._assumed = assumed
        self.actions: list[Action] = []
        self.course: Course | None = None

    def start(self, slot: Slot, now_s: float) -> None:
        self.actions.append(Action(now_s, slot, is_new=True))
        if self.course is not None:
            self.course.ready(slot, now_s + self._assumed.cold_s if now_s > 0 else now_s)

    def call(self, slot: Slot, call: Call, now_s: float, *, is_new: bool) -> None:
        self.actions.append(Action(now_s, slot, call, is_new))
        if self.course is not None:
            took_s = self._assumed.cold_s if is_new else self._assumed.warm_s
            self.course.answered(slot, now_s + took_s)

    def end(self, slot: Slot, now_s: float, reason: str) -> None:
        self.actions.append(Action(now_s, slot, end_reason=reason))


def make_schedule(
    agenda: Agenda,
    assumed: Assumed,
    *,
    functions: Sequence[str],
    rules: PoolRules,
    seed: int,
    book: Book,
) -> list[Action]:
    """Decide everything in advance.

    Args:
        agenda: What is due.
        assumed: How long calls are taken to last.
        functions: Names of the functions.
        rules: Of the pools.
        seed: Decides idle limits.
        book: Is told who will be throttled.
    """
    planner = _Planner(assumed)
    course = Course(agenda, functions=functions, rules=rules, seed=seed, carrier=planner, book=book)
    planner.course = course
    course.advance(math.inf)
    course.close(_END)
    return sorted(planner.actions, key=lambda action: action.at_s)


class _Answers:
    """Counts what is still to come, and knows until when an environment is busy."""

    def __init__(self) -> None:
        self.calls_left = 0
        self.starts_left = 0
        self.free_s: dict[Slot, float] = {}

    def answered(self, slot: Slot, at_s: float) -> None:
        self.calls_left -= 1
        self.free_s[slot] = at_s

    def ready(self, slot: Slot, at_s: float) -> None:
        self.starts_left -= 1
        self.free_s[slot] = at_s


def follow(schedule: Sequence[Action], fleet: Fleet, book: Book) -> None:
    """Let a fleet do what was decided.

    Args:
        schedule: What :func:`make_schedule` made.
        fleet: Its environments; ended by the caller.
        book: Where everything is written down.
    """
    answers = _Answers()
    fleet.listen(answers)
    ahead = [action for action in schedule if action.is_ahead]
    steps = [action for action in schedule if not action.is_ahead]
    answers.calls_left = sum(1 for action in steps if action.call is not None)
    answers.starts_left = len(ahead)
    living: dict[Slot, None] = {}
    reason = "stopped"
    try:
        for action in ahead:
            living[action.slot] = None
            fleet.start(action.slot, action.at_s)
        while answers.starts_left > 0:
            fleet.wait(math.inf)
        fleet.begin()
        for action in steps:
            while fleet.now_s() < action.at_s and action.end_reason != _END:
                fleet.wait(action.at_s)
            _act(action, fleet, answers, living)
        while answers.calls_left > 0:
            fleet.wait(math.inf)
        reason = _END
    finally:
        if reason != _END:
            book.cut(fleet.now_s())
        for slot in living:
            fleet.end(slot, fleet.now_s(), reason)


def _act(action: Action, fleet: Fleet, answers: _Answers, living: dict[Slot, None]) -> None:
    # A simulated environment answers no sooner than it is free; a real one sees to that itself.
    at_s = max(action.at_s, answers.free_s.get(action.slot, 0.0))
    if action.end_reason == _END:
        return  # ends when the last answer is there
    if action.is_new:
        living[action.slot] = None
    if action.call is not None:
        fleet.call(action.slot, action.call, at_s, is_new=action.is_new)
    elif action.is_new:
        fleet.start(action.slot, at_s)
    else:
        del living[action.slot]
        fleet.end(action.slot, at_s, action.end_reason or _END)
