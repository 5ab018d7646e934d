"""A workload against a fleet of environments: arrivals, pool, real processes or the simulator.

    plan = LoadPlan(streams=(Stream("app", target, events, Poisson(5.0)),), duration_s=60.0)
    result = run_load(plan)

Nothing here needs the command-line and terminal libraries; only the command does.
"""

from __future__ import annotations

from .arrivals import Arrivals, Bursts, Constant, OnOff, Poisson, Ramp, Recorded
from .experiment import LoadExperiment, LoadObserver, run_load
from .grammar import parse_load
from .keep_alive import FixedKeepAlive, KeepAlive, SurvivalCurve, parse_keep_alive
from .plan import LoadPlan
from .planned import Assumed
from .rows import EnvironmentSpan, LoadResult, Row
from .strategy import Strategy, Window, parse_strategies
from .traces import RecordedFunction, read_trace
from .workload import Stream

__all__ = [
    "Arrivals",
    "Assumed",
    "Bursts",
    "Constant",
    "EnvironmentSpan",
    "FixedKeepAlive",
    "KeepAlive",
    "LoadExperiment",
    "LoadObserver",
    "LoadPlan",
    "LoadResult",
    "OnOff",
    "Poisson",
    "Ramp",
    "Recorded",
    "RecordedFunction",
    "Row",
    "Strategy",
    "Stream",
    "SurvivalCurve",
    "Window",
    "parse_keep_alive",
    "parse_load",
    "parse_strategies",
    "read_trace",
    "run_load",
]
