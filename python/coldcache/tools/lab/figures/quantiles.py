"""Quantiles, each between two order statistics that bound it whatever the distribution is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

__all__ = ["LEVEL", "SHARES", "Estimate", "estimate", "estimates", "least_samples", "quantile"]

LEVEL = 0.95
"""How often an interval holds the true value, at least."""

SHARES: Mapping[str, float] = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p99.9": 0.999}
"""The quantiles that are reported, by their names."""

# What lies farther from the mean of a binomial distribution than so many standard deviations and
# so many counts is below the precision of a float.
_REACH_DEVIATIONS = 12
_REACH_COUNTS = 40


@dataclass(frozen=True)
class Estimate:
    """A figure and the interval that holds the true one in 95 of 100 runs.

    Attributes:
        value: Drawn from the sample.
        low: Lower end; ``None`` where the sample is too small to have one.
        high: Upper end; ``None`` likewise.
    """

    value: float
    low: float | None
    high: float | None

    def scaled(self, factor: float) -> Estimate:
        """The same in another unit."""
        ends = (None if end is None else end * factor for end in (self.low, self.high))
        return Estimate(self.value * factor, *ends)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which *share* of the sample lies, interpolated between neighbours.

    The definition with both ends included (type 7 of Hyndman and Fan, 1996), as in numpy.

    Args:
        values: At least one number.
        share: Between 0 and 1.
    """
    return _interpolated(sorted(values), share)


def estimate(values: Sequence[float], share: float, *, level: float = LEVEL) -> Estimate:
    """A quantile with its interval.

    The interval runs from one order statistic to another. How many of *n* independent samples lie
    below the true quantile is a binomial number, so the ranks follow from *n* and *share* alone
    (David and Nagaraja, Order Statistics, 2003, section 7.1).

    Args:
        values: At least one number; independent samples.
        share: Above 0 and below 1.
        level: How often the interval holds the true quantile, at least.
    """
    return _estimate(sorted(values), share, level)


def estimates(values: Sequence[float]) -> dict[str, Estimate]:
    """All quantiles of `SHARES` of at least one number, by name."""
    ordered = sorted(values)
    return {name: _estimate(ordered, share, LEVEL) for name, share in SHARES.items()}


def least_samples(share: float, *, level: float = LEVEL) -> int:
    """From how many samples on a quantile has both ends of its interval.

    Args:
        share: Above 0 and below 1.
        level: As for `estimate`.
    """
    return math.ceil(math.log((1 - level) / 2) / math.log(max(share, 1 - share)))


def _estimate(ordered: Sequence[float], share: float, level: float) -> Estimate:
    low, high = _ranks(len(ordered), share, level)
    if low is not None:
        # In a small sample the true quantile is likely to lie beyond the interpolated one.
        low = min(low, math.floor(share * (len(ordered) - 1)) + 1)
    return Estimate(
        value=_interpolated(ordered, share),
        low=None if low is None else ordered[low - 1],
        high=None if high is None else ordered[high - 1],
    )


def _interpolated(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


@lru_cache(maxsize=256)
def _ranks(n: int, share: float, level: float) -> tuple[int | None, int | None]:
    """The ranks, from 1, of the two ends: each leaves out at most half of what *level* does."""
    tail = (1 - level) / 2
    reach = _REACH_DEVIATIONS * math.sqrt(n * share * (1 - share)) + _REACH_COUNTS
    low: int | None = None
    below = 0.0  # the chance that at most `count` samples lie below the true quantile
    for count in range(max(0, math.floor(n * share - reach)), n):
        below += _binomial(count, n, share)
        if below <= tail:
            low = count + 1
        if below >= 1 - tail:
            return low, count + 1
    return low, None


def _binomial(count: int, n: int, share: float) -> float:
    """The chance of just *count* successes in *n* trials; logarithms, so that *n* may be large."""
    ways = math.lgamma(n + 1) - math.lgamma(count + 1) - math.lgamma(n - count + 1)
    return math.exp(ways + count * math.log(share) + (n - count) * math.log1p(-share))
