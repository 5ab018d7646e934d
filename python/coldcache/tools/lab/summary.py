"""From samples to figures: quantiles, and the ratio of two medians with its spread."""

from __future__ import annotations

import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .figures.quantiles import LEVEL, Estimate, estimates, quantile

__all__ = ["Ratio", "Summary", "ratio_of_medians", "summarise"]

_RESAMPLES = 2000


@dataclass(frozen=True)
class Summary:
    """The distribution of one metric. With few samples p99 is close to the maximum: see ``n``.

    Attributes:
        quantiles: By name, each with its interval as far as the samples bound it.
    """

    n: int
    minimum: float
    median: float
    p95: float
    p99: float
    maximum: float
    quantiles: Mapping[str, Estimate]


@dataclass(frozen=True)
class Ratio:
    """Median of the target by median of the baseline, with a bootstrap interval of 95 %.

    Below one the target needs less.
    """

    value: float
    low: float
    high: float


def summarise(values: Sequence[float]) -> Summary:
    """Summarise at least one number."""
    return Summary(
        n=len(values),
        minimum=min(values),
        median=statistics.median(values),
        p95=quantile(values, 0.95),
        p99=quantile(values, 0.99),
        maximum=max(values),
        quantiles=estimates(values),
    )


def ratio_of_medians(
    target: Sequence[float], baseline: Sequence[float], *, seed: int = 0
) -> Ratio | None:
    """How the target's median compares with the baseline's.

    The two belong together by place: both values of one place were measured in the same round.
    Whole rounds are drawn again, so what disturbed a round disturbs both sides of a resample
    (percentile bootstrap, Efron 1979).

    Args:
        target: One value a round.
        baseline: As many.
        seed: The same seed gives the same interval.

    Returns:
        The ratio, or ``None`` where the baseline's median is zero.
    """
    if len(target) != len(baseline):
        raise ValueError(f"{len(target)} values of the target, {len(baseline)} of the baseline")
    middle = statistics.median(baseline)
    if middle == 0:
        return None
    draw = random.Random(seed)  # noqa: S311 - resampling, not a secret
    rounds = range(len(target))
    ratios = []
    for _ in range(_RESAMPLES):
        drawn = draw.choices(rounds, k=len(target))
        below = statistics.median([baseline[place] for place in drawn])
        if below > 0:
            ratios.append(statistics.median([target[place] for place in drawn]) / below)
    return Ratio(
        value=statistics.median(target) / middle,
        low=quantile(ratios, (1 - LEVEL) / 2),
        high=quantile(ratios, (1 + LEVEL) / 2),
    )
