"""A load experiment: everything it needs to know, checked before anything is started."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.life import Life

from .keep_alive import KeepAlive, parse_keep_alive
from .planned import Assumed
from .pool import PoolRules, Reuse
from .strategy import Strategy
from .workload import Stream, duration_of

__all__ = ["DEFAULT_PROCESSES", "LoadPlan", "Simulate"]

Simulate = Literal["never", "beyond", "always"]

DEFAULT_PROCESSES = 32
"""Real environments at the same time: what a small machine carries without swapping."""

_NOTHING = Strategy("nothing")


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """A workload against a fleet, under one strategy or several.

    Lengths of time of the workload, of keep-alive and of strategies are given as they are in life;
    *compression* makes all of them shorter alike. What calls take is real and never compressed.

    Attributes:
        streams: The functions and when they are called; at least one, with different names.
        duration_s: Length of the workload; by default that of the longest recording.
        compression: Seconds of the workload that pass in one second of the experiment.
        keep_alive: How long idle environments live.
        reuse: Which of several idle environments takes a call.
        max_concurrency: Most calls of one function at work at the same time.
        queue_s: How long a call above that waits for its turn, in real seconds; 0: throttled.
        strategies: What is compared, one experiment after the other; at least one.
        ping_event: What pings carry; the function's first event by default.
        simulate: ``always``: measure first, then calculate; ``beyond``: real processes up to
            *processes*, environments beyond them are simulated; ``never``: processes only.
        processes: Real environments at the same time.
        cold_samples: Environments started to measure cold calls for the simulator.
        warm_samples: Warm calls measured for it.
        assumed: Decide beforehand, with these times, which call takes which environment.
        life: How environments live.
        python: Interpreter of the environments: a path, or a command on ``PATH``.
        settings: Environment variables for the functions. Values appear in no report.
        timeout_s: The functions' timeout.
        seed: Decides arrivals, idle limits and draws.

    Raises:
        UsageError: A value is out of range, or the options exclude each other.
    """

    streams: tuple[Stream, ...]
    duration_s: float | None = None
    compression: float = 1.0
    keep_alive: KeepAlive = field(default_factory=lambda: parse_keep_alive("curve:aws-2021"))
    reuse: Reuse = "most-recent"
    max_concurrency: int = 1000
    queue_s: float = 0.0
    strategies: tuple[Strategy, ...] = (_NOTHING,)
    ping_event: Event | None = None
    simulate: Simulate = "beyond"
    processes: int = DEFAULT_PROCESSES
    cold_samples: int = 10
    warm_samples: int = 50
    assumed: Assumed | None = None
    life: Life = field(default_factory=Life)
    python: str = sys.executable
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 30.0
    seed: int = 0

    def __post_init__(self) -> None:
        names = [stream.name for stream in self.streams]
        if not names or len(set(names)) < len(names):
            raise UsageError(f"a load needs functions with names of their own; got {names}")
        for stream in self.streams:
            if not stream.events:
                raise UsageError(f"the function {stream.name!r} needs at least one event")
        for name, value in (
            ("duration", self.workload_s),
            ("compress", self.compression),
            ("timeout", self.timeout_s),
        ):
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} must be a number above 0; got {value}")
        for name, count in (
            ("processes", self.processes),
            ("cold samples", self.cold_samples),
            ("warm samples", self.warm_samples),
            ("strategies", len(self.strategies)),
        ):
            if count < 1:
                raise UsageError(f"{name} must be at least 1; got {count}")
        if self.simulate not in get_args(Simulate):
            raise UsageError(
                f"simulate is one of {', '.join(get_args(Simulate))}; got {self.simulate!r}"
            )
        if self.assumed is not None and self.simulate == "always":
            raise UsageError(
                "assumed times are for real processes; leave them out or do not simulate"
            )
        if self.life.initialization != "on-demand" and any(one.windows for one in self.strategies):
            raise UsageError(
                "provisioned environments exist only beside on-demand ones, not with "
                f"{self.life.initialization!r}; leave out one of the two"
            )
        if self.life.workers > 1:
            raise UsageError(
                "under load each environment takes one call at a time; "
                "managed instances with several workers cannot be loaded"
            )
        _ = self.rules  # its own checks

    @property
    def workload_s(self) -> float:
        """The length of the workload, in its own seconds."""
        return duration_of(self.streams, self.duration_s)

    @property
    def rules(self) -> PoolRules:
        """How the pools behave, in seconds of the experiment."""
        return PoolRules(
            keep_alive=_Compressed(self.keep_alive, self.compression),
            reuse=self.reuse,
            max_concurrency=self.max_concurrency,
            queue_s=self.queue_s,
        )

    def to_options(self) -> dict[str, Any]:
        """What was asked for, as plain data, without values of variables and bodies of events."""
        return {
            "functions": [
                {
                    "name": stream.name,
                    "target": stream.target.spec,
                    "events": [event.name for event in stream.events],
                    "load": type(stream.arrivals).__name__.lower(),
                }
                for stream in self.streams
            ],
            "duration_s": self.workload_s,
            "compression": self.compression,
            "keep_alive": self.keep_alive.spec,
            "reuse": self.reuse,
            "max_concurrency": self.max_concurrency,
            "queue_s": self.queue_s,
            "strategies": [strategy.name for strategy in self.strategies],
            "ping_event": self.ping_event.name if self.ping_event is not None else None,
            "simulate": self.simulate,
            "processes": self.processes,
            "cold_samples": self.cold_samples,
            "warm_samples": self.warm_samples,
            "assumed": dataclasses.asdict(self.assumed) if self.assumed is not None else None,
            "life": dataclasses.asdict(self.life),
            "env_names": sorted(self.settings),
            "timeout_s": self.timeout_s,
            "seed": self.seed,
        }


@dataclass(frozen=True)
class _Compressed:
    """A keep-alive of the workload in seconds of the experiment."""

    inner: KeepAlive
    compression: float

    @property
    def spec(self) -> str:
        return self.inner.spec

    def limit_s(self, luck: float) -> float:
        return self.inner.limit_s(luck) / self.compression
