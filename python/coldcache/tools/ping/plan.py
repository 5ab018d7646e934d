"""What is asked for, checked: which function, how many pings, how long each is held."""

from __future__ import annotations

import json
from dataclasses import dataclass

from coldcache._ping import MOST_HOLD
from coldcache.tools.lab.errors import UsageError

__all__ = ["MOST_PINGS", "PingPlan"]

MOST_PINGS = 1000
"""The concurrency of an account by default; each ping has a thread of its own."""


@dataclass(frozen=True)
class PingPlan:
    """One round of pings.

    Attributes:
        function: Name, partial ARN or ARN of the function.
        qualifier: Version or alias, or ``None``. ``$LATEST`` has no provisioned concurrency.
        count: How many pings are sent at once.
        hold_s: Seconds for which each environment holds its ping, so that the next finds another.
        timeout_s: Seconds for one ping, its holding not counted.
    """

    function: str
    count: int = 1
    qualifier: str | None = None
    hold_s: float = 0.5
    timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if not self.function.strip():
            raise UsageError("the function's name is empty")
        if not 1 <= self.count <= MOST_PINGS:
            raise UsageError(f"--count must be 1 to {MOST_PINGS}, got {self.count}")
        if not 0 <= self.hold_s <= MOST_HOLD:
            raise UsageError(f"--hold must be 0 to {MOST_HOLD:g} seconds, got {self.hold_s:g}")
        if not 0 < self.timeout_s <= 900:  # the longest call the platform has
            raise UsageError(f"--timeout must be up to 900 seconds, got {self.timeout_s:g}")

    @property
    def payload(self) -> bytes:
        """The event of each ping."""
        return json.dumps({"coldcache": {"ping": {"hold_seconds": self.hold_s}}}).encode()
