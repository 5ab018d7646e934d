"""What to measure and how: everything a run needs to know, checked before anything is started."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .errors import UsageError
from .event import Event
from .target import Target

__all__ = ["LabPlan", "Role"]

Role = Literal["target", "baseline"]


@dataclass(frozen=True, kw_only=True)
class LabPlan:
    """A run of the lab.

    Attributes:
        target: The function to measure.
        events: What to call it with; at least one, with different names.
        baseline: The function to compare it with, if any.
        runs: Counted samples of every variant on every event.
        warmups: Samples before them that are not counted.
        python: Interpreter of the samples: a path, or a command on ``PATH``.
        settings: Environment variables for the samples. Values appear in no report.
        own_settings: More of them for the variants of some roles; they win over *settings*.
        names: What variants are called in reports, for roles that need a name of their own.
        init_timeout_s: Seconds from spawn to the first ``next``.
        timeout_s: Seconds for one call; also the deadline that the function sees.
        seed: Decides the order of the events within a round, and the resampling.
        relevant_percent: The least difference from the baseline that counts, in percent of it.

    Raises:
        UsageError: A value is out of range.
    """

    target: Target
    events: tuple[Event, ...]
    baseline: Target | None = None
    runs: int = 20
    warmups: int = 1
    python: str = sys.executable
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    own_settings: Mapping[Role, Mapping[str, str]] = field(default_factory=dict, repr=False)
    names: Mapping[Role, str] = field(default_factory=dict)
    init_timeout_s: float = 30.0
    timeout_s: float = 30.0
    seed: int = 0
    relevant_percent: float = 2.0

    def __post_init__(self) -> None:
        if self.runs < 1:
            raise UsageError(f"runs must be at least 1; got {self.runs}")
        if self.warmups < 0:
            raise UsageError(f"warmups must be 0 or more; got {self.warmups}")
        for name, value in (("init-timeout", self.init_timeout_s), ("timeout", self.timeout_s)):
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} must be a number of seconds above 0; got {value}")
        if not (math.isfinite(self.relevant_percent) and self.relevant_percent >= 0):
            raise UsageError(
                f"relevant must be a number of percent, 0 or more; got {self.relevant_percent}"
            )
        if not self.events:
            raise UsageError("a run needs at least one event")
        names = [event.name for event in self.events]
        if len(set(names)) < len(names):
            raise UsageError(f"events need names of their own; got {', '.join(names)}")

    @property
    def variants(self) -> dict[Role, Target]:
        """The functions to run, by their role."""
        if self.baseline is None:
            return {"target": self.target}
        return {"target": self.target, "baseline": self.baseline}

    @property
    def labels(self) -> dict[Role, str]:
        """A short name for each variant: the part in which they differ."""
        if self.names:
            return {role: self.names.get(role, role) for role in self.variants}
        baseline = self.baseline
        if baseline is None or self.target.folder.name != baseline.folder.name:
            return {role: target.folder.name for role, target in self.variants.items()}
        if self.target.handler != baseline.handler:
            return {role: target.handler for role, target in self.variants.items()}
        return {role: role for role in self.variants}

    @property
    def processes(self) -> int:
        """How many processes the run will spawn: the samples, and one census a case."""
        return len(self.variants) * len(self.events) * (self.runs + self.warmups + 1)
