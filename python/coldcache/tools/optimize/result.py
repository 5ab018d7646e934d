"""What a run of the optimiser found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from coldcache._lock import Lock
from coldcache.tools.lab.result import EventResult, LabResult
from coldcache.tools.profile.result import ProfileResult

from .account import Bill
from .edges import Edge
from .judge import Judgement
from .plan import OptimizePlan
from .search import SearchResult

__all__ = ["EdgeFate", "OptimizeResult", "Package", "Use"]

Use = Literal["never", "init", "first call"]


@dataclass(frozen=True)
class EdgeFate:
    """What becomes of one import statement.

    Attributes:
        edge: Which one.
        line: Of the statement.
        is_deferred: Whether the plan names it.
        reason: Why it stays eager.
        used: When the events need it first, with the plan.
        used_by: File and line of that use.
        ms: What deferring it keeps out of init.
    """

    edge: Edge
    line: int
    is_deferred: bool
    reason: str | None = None
    used: Use | None = None
    used_by: str | None = None
    ms: float | None = None


@dataclass(frozen=True)
class Package:
    """A distribution without the plan, and how many of its modules are left with it."""

    name: str
    version: str
    ms: float
    resident_bytes: int | None
    disk_bytes: int | None
    modules: int
    modules_planned: int


@dataclass(frozen=True, kw_only=True)
class OptimizeResult:
    """A finished run.

    Attributes:
        plan: What was asked for.
        started_at: Wall clock at the start, ISO 8601 in UTC.
        elapsed_s: How long all of it took.
        candidates: How many edges could be deferred at all.
        search: What the search ended with.
        edges: Those that are deferred, and those that must not be.
        profile: The function without the plan.
        bill: Removed and moved time.
        packages: By their cost without the plan.
        lab: With and without the plan, interleaved.
        judgement: The verdict.
        problem: What is wrong with the plan under the real runtime client, empty when nothing is.
        lock: The plan, `None` where it is not worth one.
        files: How many files were checked.
        changed: Which of them changed meanwhile.
        harmless: Registry entries that differ and nobody can notice, and who writes them.
    """

    plan: OptimizePlan
    started_at: str
    elapsed_s: float
    candidates: int
    search: SearchResult
    edges: tuple[EdgeFate, ...] = field(repr=False)
    profile: ProfileResult = field(repr=False)
    bill: Bill = field(repr=False)
    packages: tuple[Package, ...] = field(repr=False)
    lab: LabResult = field(repr=False)
    judgement: Judgement
    problem: str
    lock: Lock | None = field(repr=False)
    files: int
    changed: tuple[str, ...]
    harmless: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)

    @property
    def deferred(self) -> list[EdgeFate]:
        """The edges of the plan."""
        return [fate for fate in self.edges if fate.is_deferred]

    @property
    def kept(self) -> list[EdgeFate]:
        """The edges that have to stay eager."""
        return [fate for fate in self.edges if not fate.is_deferred]

    def answers_equal(self, event: EventResult) -> bool:
        """Whether the answers to an event were as before, by the comparison asked for."""
        if self.plan.same is None:
            return event.answers.verdict == "equal"
        return not self.problem
