"""Is one way to keep a function warm better than another, under the same load?

All variants meet the same arrivals, so a call of one has its counterpart in each other: what is
compared is call against call. How often calls were cold is exact where the latency carries the
machine's noise; both get a verdict.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from coldcache.tools.lab.load.rows import LoadResult, Row

from .rounds import of_stretches
from .verdict import FALSE_ALARM_RATE, Effect, least_rounds

__all__ = ["RELEVANT_LATENCY", "Versus", "compare_variants"]

RELEVANT_LATENCY = 0.02
"""The least difference of the mean latency that counts, as a share of the baseline's: variants run
one after the other, and a machine is not that steady."""

_STRETCHES = 50
_COMPARISONS = 2  # of each variant, which share the rate


@dataclass(frozen=True)
class Versus:
    """One variant against the first.

    Attributes:
        variant: Its name.
        baseline: The first one's.
        cold: Difference of the share of cold calls, from -1 to 1, among those that both variants
            let into an environment.
        latency_ms: Difference of the mean latency of calls that both answered well.
    """

    variant: str
    baseline: str
    cold: Effect
    latency_ms: Effect


def compare_variants(result: LoadResult) -> tuple[Versus, ...]:
    """Compare every variant with the first one; less is better.

    Args:
        result: An experiment. What was stopped early is compared as far as both variants came.

    Returns:
        One comparison a further variant; none where the two have no call in common.
    """
    variants = [(name, rows) for name, rows, _ in result.by_variant()]
    if len(variants) < 2:
        return ()
    (baseline, others), *rest = variants
    rate = FALSE_ALARM_RATE / (len(rest) * _COMPARISONS)
    counterparts = {row.number: row for row in others}
    found = []
    for name, rows in rest:
        pairs = [(row, counterparts[row.number]) for row in rows if row.number in counterparts]
        let_in = [pair for pair in pairs if all(row.kind != "throttled" for row in pair)]
        answered = [pair for pair in let_in if all(row.outcome == "ok" for row in pair)]
        if not answered:
            continue
        relevant = RELEVANT_LATENCY * sum(_latency(row) for _, row in answered) / len(answered)
        found.append(
            Versus(
                name,
                baseline,
                _effect(
                    [(row.arrived_s, _cold(row) - _cold(other)) for row, other in let_in],
                    relevant=0.0,
                    rate=rate,
                    seed=result.seed,
                ),
                _effect(
                    [(row.arrived_s, _latency(row) - _latency(other)) for row, other in answered],
                    relevant=relevant,
                    rate=rate,
                    seed=result.seed,
                ),
            )
        )
    return tuple(found)


def _cold(row: Row) -> float:
    return float(row.kind == "cold")


def _latency(row: Row) -> float:
    return row.latency_ms or 0.0


def _effect(
    differences: Sequence[tuple[float, float]], *, relevant: float, rate: float, seed: int
) -> Effect:
    """The effect of differences with the times of their calls."""
    stretches = list(_stretches(differences))
    found = of_stretches(
        [sum(stretch) for stretch in stretches],
        [len(stretch) for stretch in stretches],
        rate=rate,
        seed=seed,
    )
    return Effect.of(
        found,
        "all calls",
        threshold=rate,
        relevant=relevant,
        has_enough=len(stretches) >= least_rounds(rate),
    )


def _stretches(differences: Sequence[tuple[float, float]]) -> Iterator[list[float]]:
    """Cut the time into equal stretches; those without a call are left out."""
    times = [at_s for at_s, _ in differences]
    begin_s, length_s = min(times), (max(times) - min(times)) / _STRETCHES
    by_stretch: defaultdict[int, list[float]] = defaultdict(list)
    for at_s, difference in differences:
        place = int((at_s - begin_s) / length_s) if length_s > 0 else 0
        by_stretch[min(place, _STRETCHES - 1)].append(difference)
    yield from (by_stretch[place] for place in sorted(by_stretch))
