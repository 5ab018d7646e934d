"""What to profile and how, checked before anything is started."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.target import Target

__all__ = ["ProfilePlan"]


@dataclass(frozen=True, kw_only=True)
class ProfilePlan:
    """A run of the profiler.

    Attributes:
        target: The function to profile.
        events: What to call it with, a profile each; at least one, with different names.
        runs: Processes for each event, after one that is discarded; the one with the median init
            is reported.
        calls: Calls in each process, the same event again and again.
        python: Interpreter of the function: a path, or a command on ``PATH``.
        settings: Environment variables for the function. Values appear in no report.
        init_timeout_s: Seconds from spawn to the first ``next``.
        timeout_s: Seconds for one call; also the deadline that the function sees.

    Raises:
        UsageError: A value is out of range.
    """

    target: Target
    events: tuple[Event, ...]
    runs: int = 3
    calls: int = 2
    python: str = sys.executable
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    init_timeout_s: float = 30.0
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        for name, count in (("runs", self.runs), ("calls", self.calls)):
            if count < 1:
                raise UsageError(f"{name} must be at least 1; got {count}")
        for name, value in (("init-timeout", self.init_timeout_s), ("timeout", self.timeout_s)):
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} must be a number of seconds above 0; got {value}")
        if not self.events:
            raise UsageError("a profile needs at least one event")
        names = [event.name for event in self.events]
        if len(set(names)) < len(names):
            raise UsageError(f"events need names of their own; got {', '.join(names)}")
