"""The figures of a load experiment, variant by variant: distributions and shares with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from coldcache.tools.lab.load.rows import EnvironmentSpan, LoadResult, Row

from .proportion import Share, wilson
from .quantiles import Estimate, estimates

__all__ = ["TIMES", "Distribution", "LoadFigures", "draw_figures", "is_startup_error"]


@dataclass(frozen=True)
class Distribution:
    """How long something took, in milliseconds.

    Attributes:
        n: Calls that have such a time.
        minimum: The shortest; ``None`` without any.
        mean: On average, likewise.
        maximum: The longest, likewise.
        quantiles: By name; empty without any.
    """

    n: int
    minimum: float | None
    mean: float | None
    maximum: float | None
    quantiles: Mapping[str, Estimate]

    @classmethod
    def of(cls, values: Sequence[float]) -> Distribution:
        """The distribution of any number of values."""
        if not values:
            return cls(0, None, None, None, {})
        mean = sum(values) / len(values)
        return cls(len(values), min(values), mean, max(values), estimates(values))


def _first_byte_ms(row: Row) -> float | None:
    return None if row.first_byte_s is None else (row.first_byte_s - row.arrived_s) * 1e3


TIMES: Mapping[str, Callable[[Row], float | None]] = {
    "latency": lambda row: row.latency_ms,
    "cold latency": lambda row: row.latency_ms if row.kind == "cold" else None,
    "warm latency": lambda row: row.latency_ms if row.kind == "warm" else None,
    "first byte": _first_byte_ms,
    "init": lambda row: row.init_ms,
    "first answer after init": lambda row: row.handler_ms if row.kind == "cold" else None,
    "handler, warm": lambda row: row.handler_ms if row.kind == "warm" else None,
    "queue": lambda row: row.queued_ms if row.kind != "throttled" else None,
}
"""The times that are reported, by name, as far as a call has them."""

_INIT_FAILED = frozenset({"init_error", "init_timeout"})
_PROCESS_FAILED = frozenset({"crash", "timeout"})


def is_startup_error(row: Row) -> bool:
    """Whether a call failed before its handler began: in init, not by what the handler did."""
    if row.outcome in _INIT_FAILED:
        return True
    return row.kind == "cold" and row.outcome in _PROCESS_FAILED and row.handler_ms is None


@dataclass(frozen=True)
class LoadFigures:
    """One variant of the experiment.

    Attributes:
        variant: Its name.
        times_ms: Distributions by the names of `TIMES`.
        cold_share: Cold calls of all that reached an environment.
        startup_errors: Cold calls that failed before their handler began, of all cold calls.
        errors: Calls without a good answer, throttled ones included, of all.
        throttled: Calls that were turned away, of all.
        environments_used: How many took at least one call.
    """

    variant: str
    times_ms: Mapping[str, Distribution]
    cold_share: Share
    startup_errors: Share
    errors: Share
    throttled: Share
    environments_used: int


def draw_figures(result: LoadResult) -> tuple[LoadFigures, ...]:
    """Draw the figures of every variant that has begun, in the order in which they ran."""
    return tuple(_of_variant(name, rows, spans) for name, rows, spans in result.by_variant())


def _of_variant(name: str, rows: Sequence[Row], spans: Sequence[EnvironmentSpan]) -> LoadFigures:
    cold = [row for row in rows if row.kind == "cold"]
    throttled = sum(row.kind == "throttled" for row in rows)
    return LoadFigures(
        variant=name,
        times_ms={
            label: Distribution.of([it for row in rows if (it := take(row)) is not None])
            for label, take in TIMES.items()
        },
        cold_share=wilson(len(cold), len(rows) - throttled),
        startup_errors=wilson(sum(map(is_startup_error, cold)), len(cold)),
        errors=wilson(sum(row.outcome != "ok" for row in rows), len(rows)),
        throttled=wilson(throttled, len(rows)),
        environments_used=sum(span.calls > 0 for span in spans),
    )
