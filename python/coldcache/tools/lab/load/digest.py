"""A few figures a variant, for the table that puts strategies side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from coldcache.tools.lab.figures.quantiles import quantile

from .rows import EnvironmentSpan, LoadResult, Row

__all__ = ["SHARES", "Digest", "digest"]

SHARES = (0.5, 0.9, 0.95, 0.99, 0.999)
"""The quantiles of a digest."""


@dataclass(frozen=True)
class Digest:
    """One variant at a glance.

    Attributes:
        variant: Its name.
        calls: Calls of the workload.
        kinds: How many were cold, warm, throttled.
        failed: How many were answered with anything but `ok`, throttled ones left out.
        sources: How many rows come from real processes, and how many from the simulator.
        latency_ms: Quantiles of the answered calls, by :data:`SHARES`; empty without one.
        longest_queue_ms: Longest time a call waited for an environment to take it.
        environments: How many were started.
        most_environments: How many there were at the same time, at most.
        pings: Calls of the strategy itself.
    """

    variant: str
    calls: int
    kinds: dict[str, int]
    failed: int
    sources: dict[str, int]
    latency_ms: tuple[float, ...]
    longest_queue_ms: float
    environments: int
    most_environments: int
    pings: int


def digest(result: LoadResult) -> tuple[Digest, ...]:
    """The digest of each variant that has begun, in their order."""
    return tuple(
        _digest(variant, rows, spans, sum(row.variant == variant for row in result.pings))
        for variant, rows, spans in result.by_variant()
    )


def _digest(
    variant: str, rows: Sequence[Row], spans: Sequence[EnvironmentSpan], pings: int
) -> Digest:
    kinds, sources = Counter(row.kind for row in rows), Counter(row.source for row in rows)
    latencies = [row.latency_ms for row in rows if row.latency_ms is not None]
    return Digest(
        variant=variant,
        calls=len(rows),
        kinds={kind: kinds[kind] for kind in ("cold", "warm", "throttled")},
        failed=sum(row.outcome not in {"ok", "throttled"} for row in rows),
        sources={source: sources[source] for source in ("process", "simulated")},
        latency_ms=tuple(quantile(latencies, share) for share in SHARES) if latencies else (),
        longest_queue_ms=max((row.queued_ms for row in rows), default=0.0),
        environments=len(spans),
        most_environments=_most_at_once(spans),
        pings=pings,
    )


def _most_at_once(spans: Sequence[EnvironmentSpan]) -> int:
    # An end at the moment of a begin comes first: -1 sorts before 1.
    edges = sorted([(span.began_s, 1) for span in spans] + [(span.ended_s, -1) for span in spans])
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most
