"""What to optimise and how, checked before anything is started."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.target import Target

__all__ = ["OptimizePlan", "cores"]


def cores() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(frozen=True, kw_only=True)
class OptimizePlan:
    """A run of the optimiser.

    Attributes:
        target: The function.
        events: What it has to answer as before; at least one, with different names.
        same: How answers are compared, as the user wrote it; `None` compares them byte for byte.
        budget_s: Seconds for the search.
        runs: Counted samples of the function with and without the plan, on each event.
        workers: Processes at the same time during the search.
        python: Interpreter of the function: a path, or a command on ``PATH``.
        settings: Environment variables for the function. Values appear in no report.
        init_timeout_s: Seconds from spawn to the end of init.
        timeout_s: Seconds for one call; also the deadline that the function sees.

    Raises:
        UsageError: A value is out of range.
    """

    target: Target
    events: tuple[Event, ...]
    same: str | None = None
    budget_s: float = 60.0
    runs: int = 10
    workers: int = field(default_factory=cores)
    python: str = sys.executable
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    init_timeout_s: float = 30.0
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        for name, count in (("runs", self.runs), ("workers", self.workers)):
            if count < 1:
                raise UsageError(f"{name} must be at least 1; got {count}")
        for name, value in (
            ("budget", self.budget_s),
            ("init-timeout", self.init_timeout_s),
            ("timeout", self.timeout_s),
        ):
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} must be a number of seconds above 0; got {value}")
        if not self.events:
            raise UsageError("the optimiser needs at least one event")
        names = [event.name for event in self.events]
        if len(set(names)) < len(names):
            raise UsageError(f"events need names of their own; got {', '.join(names)}")
