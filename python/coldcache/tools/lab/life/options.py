"""What the life of an execution environment is like: every part a switch, checked together.

The figures are the platform's, from its developer guide ("Understanding the Lambda execution
environment lifecycle", "SnapStart", "Lambda Managed Instances").
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from ..errors import UsageError

__all__ = [
    "FULL_PROCESSOR_MB",
    "GRACE_S",
    "ON_DEMAND_INIT_LIMIT_S",
    "RESTORE_LIMIT_S",
    "Extensions",
    "Initialization",
    "Life",
]

Initialization = Literal[
    "on-demand", "provisioned-concurrency", "snap-start", "lambda-managed-instances"
]
Extensions = Literal["none", "internal", "external"]

FULL_PROCESSOR_MB = 1769
"""The memory size at which the platform gives one full processor."""

ON_DEMAND_INIT_LIMIT_S = 10.0
"""How long an init may take that a request is waiting for."""

RESTORE_LIMIT_S = 10.0
"""How long a restore may take, the hooks after it included."""

GRACE_S: Mapping[Extensions, float] = {"none": 0.0, "internal": 0.5, "external": 2.0}
"""Seconds between SIGTERM and SIGKILL at the end, by the kind of extension."""

# Init ahead of requests may last as long as the function's timeout, within these bounds.
_EARLY_INIT_LEAST_S = 130.0
_EARLY_INIT_MOST_S = 900.0
_LEAST_MEMORY_MB, _MOST_MEMORY_MB = 128, 10_240
_MOST_WORKERS = 1_600


@dataclass(frozen=True)
class Life:
    """The life of one execution environment.

    Attributes:
        init_limit_s: Seconds that an init may take before it is cut; ``None``: as on the platform,
            10 s on demand, otherwise the larger of 130 s and the function's timeout.
        freeze: Whether the processes are stopped between calls.
        frozen_clock_shift_s: How many seconds a freeze seems to have lasted when it ends: the wall
            clock jumps ahead, the monotonic clock stands still. ``None``: both clocks run on.
        proactive_gap_s: Seconds from the end of init to the first event; ``None``: the event waits
            for the init.
        initialization: When and how the environment is initialised.
        workers: Processes that serve calls side by side, of managed instances.
        memory_mb: The function's memory size in MB.
        limit_memory: Whether the processes may not use more than that.
        limit_cpu: Whether calls get the share of a processor that belongs to the size.
        extensions: Which kind of extension is registered; decides the time to shut down.
        snapshot_s: How long the snapshot takes, of SnapStart: ``restore/next`` is held as long.
        restore_limit_s: Seconds that a restore may take, the hooks after it included.

    Raises:
        UsageError: A value is out of range, or two of them exclude each other.
    """

    init_limit_s: float | None = None
    freeze: bool = False
    frozen_clock_shift_s: float | None = None
    proactive_gap_s: float | None = None
    initialization: Initialization = "on-demand"
    workers: int = 1
    memory_mb: int = FULL_PROCESSOR_MB
    limit_memory: bool = False
    limit_cpu: bool = False
    extensions: Extensions = "none"
    snapshot_s: float = 0.0
    restore_limit_s: float = RESTORE_LIMIT_S

    def __post_init__(self) -> None:
        self._check_choices()
        self._check_numbers()
        self._check_combinations()

    @property
    def grace_s(self) -> float:
        """Seconds between SIGTERM and SIGKILL at the end."""
        return GRACE_S[self.extensions]

    @property
    def processors(self) -> float:
        """The share of processors that the platform gives to this memory size."""
        return self.memory_mb / FULL_PROCESSOR_MB

    def init_limit_for(self, call_timeout_s: float) -> float:
        """Seconds that an init may take ahead of a call.

        Args:
            call_timeout_s: The function's timeout.
        """
        if self.init_limit_s is not None:
            return self.init_limit_s
        if self.initialization == "on-demand":
            return ON_DEMAND_INIT_LIMIT_S
        return min(max(_EARLY_INIT_LEAST_S, call_timeout_s), _EARLY_INIT_MOST_S)

    def _check_choices(self) -> None:
        for name, value, choices in (
            ("initialization", self.initialization, get_args(Initialization)),
            ("extensions", self.extensions, get_args(Extensions)),
        ):
            if value not in choices:
                raise UsageError(f"{name} must be one of {', '.join(choices)}; got {value!r}")

    def _check_numbers(self) -> None:
        for name, seconds, may_be_zero in (
            ("init-limit", self.init_limit_s, False),
            ("freeze", self.frozen_clock_shift_s, True),
            ("proactive-gap", self.proactive_gap_s, True),
            ("snapshot", self.snapshot_s, True),
            ("restore-limit", self.restore_limit_s, False),
        ):
            if seconds is None:
                continue
            if not math.isfinite(seconds) or seconds < 0 or (seconds == 0 and not may_be_zero):
                least = "0 or more" if may_be_zero else "above 0"
                raise UsageError(f"{name} must be a number of seconds, {least}; got {seconds}")
        if not 1 <= self.workers <= _MOST_WORKERS:
            raise UsageError(f"workers must be between 1 and {_MOST_WORKERS}; got {self.workers}")
        if not _LEAST_MEMORY_MB <= self.memory_mb <= _MOST_MEMORY_MB:
            raise UsageError(
                f"memory must be between {_LEAST_MEMORY_MB} and {_MOST_MEMORY_MB} MB; "
                f"got {self.memory_mb}"
            )

    def _check_combinations(self) -> None:
        kind = self.initialization
        managed = kind == "lambda-managed-instances"
        if self.workers > 1 and not managed:
            raise UsageError(
                f"{self.workers} workers exist only in managed instances, not with initialization "
                f"{kind!r}; give --initialization lambda-managed-instances, or one worker"
            )
        if managed and self.freeze:
            raise UsageError(
                "managed instances are never frozen between calls; leave out --freeze, "
                "or give another --initialization"
            )
        if self.frozen_clock_shift_s is not None and not self.freeze:
            raise UsageError("a shift of the clocks needs a freeze; set freeze as well")
        if self.proactive_gap_s is not None and kind != "on-demand":
            raise UsageError(
                f"a proactive gap exists only on demand; {kind!r} is always initialised ahead of "
                "requests; leave out one of --proactive-gap and --initialization"
            )
        if self.snapshot_s and kind != "snap-start":
            raise UsageError(
                f"a snapshot is taken only with initialization 'snap-start', not with {kind!r}"
            )
