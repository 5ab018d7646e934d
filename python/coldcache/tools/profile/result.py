"""What a profile says."""

from __future__ import annotations

from dataclasses import dataclass

from coldcache.tools.lab.machine import Machine

from .distributions import Share
from .plan import ProfilePlan
from .record import Import, Phase
from .tree import Tree

__all__ = ["PHASES", "Profile", "ProfileResult"]

PHASES: tuple[Phase, ...] = ("init", "first call", "later calls")


@dataclass(frozen=True)
class Profile:
    """One process on one event.

    Attributes:
        event: Name of the event.
        init_ms: From spawn to the first ``next``.
        start_ms: The part of it before the tracer saw anything: the interpreter and ``site``.
        call_ms: From handing out the event to its answer, call by call.
        tracer_ms: What the tracer took itself.
        dropped: Imports that were not kept because there were too many.
        all_init_ms: The same of all processes that counted, in the order in which they ran.
        imports: In the order in which they began; times count from the spawn.
        shares: The sums for each distribution.
    """

    event: str
    init_ms: float
    start_ms: float
    call_ms: tuple[float, ...]
    tracer_ms: float
    dropped: int
    all_init_ms: tuple[float, ...]
    imports: tuple[Import, ...]
    shares: tuple[Share, ...]

    def during(self, phase: Phase) -> Tree:
        """The imports of one phase."""
        return Tree([one for one in self.imports if one.phase == phase])


@dataclass(frozen=True)
class ProfileResult:
    """A finished run of the profiler."""

    plan: ProfilePlan
    machine: Machine
    started_at: str
    elapsed_s: float
    profiles: tuple[Profile, ...]
