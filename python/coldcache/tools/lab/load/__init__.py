"""A workload against a fleet of environments: arrivals, pool, real processes or the simulator."""

from __future__ import annotations

from .rows import EnvironmentSpan, LoadResult, Row

__all__ = ["EnvironmentSpan", "LoadResult", "Row"]
