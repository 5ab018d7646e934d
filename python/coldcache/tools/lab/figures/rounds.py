"""Tests and intervals for two samples that belong together by rounds."""

from __future__ import annotations

import itertools
import math
import random
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

from .quantiles import LEVEL, quantile

__all__ = ["Difference", "fold", "of_fastest_quarters", "of_signed_ranks", "of_stretches"]

_RESAMPLES = 1000
# A test may end once so many exchanges gave as large a difference: it will not alarm any more.
_ENOUGH = 10
_MOST_EXCHANGES = 50_000
# More rounds than this narrow nothing that matters, and would take long.
_MOST_ROUNDS = 250
# Up to here the distribution of the ranks' sum is counted out; beyond, it is as good as normal.
_COUNTED_ROUNDS = 100


@dataclass(frozen=True)
class Difference:
    """Target minus baseline, with its interval and the chance of as much by chance alone."""

    value: float
    low: float
    high: float
    p_value: float


def fold(values: Sequence[float]) -> list[float]:
    """The values, or the means of groups of neighbours where there are very many."""
    size = math.ceil(len(values) / _MOST_ROUNDS)
    whole = len(values) - len(values) % size  # a smaller group would be noisier
    return [statistics.fmean(values[place : place + size]) for place in range(0, whole, size)]


def of_fastest_quarters(
    target: Sequence[float], baseline: Sequence[float], *, rate: float, seed: int
) -> Difference:
    """Compare the means of the fastest quarters by exchanging the values of random rounds.

    Where the functions are the same, every exchange was as likely as what was seen (a randomisation
    test, Fisher 1935). It stops early where it cannot alarm any more (Besag and Clifford, 1991).
    The interval comes from rounds drawn again (percentile bootstrap, Efron 1979).

    Args:
        target: One value a round, at least one.
        baseline: As many.
        rate: The chance of a false alarm that the test is made for: it decides how many exchanges
            are tried.
        seed: The same seed gives the same result.
    """
    draw = random.Random(seed)  # noqa: S311 - exchanges and resampling, not a secret
    seen = _fastest(target) - _fastest(baseline)
    p_value = _share_as_large(
        seen,
        len(target),
        lambda exchanges: _exchanged_differences(target, baseline, exchanges),
        rate=rate,
        draw=draw,
    )
    pairs = list(zip(target, baseline, strict=True))
    resampled = []
    for _ in range(_RESAMPLES):
        drawn = draw.choices(pairs, k=len(pairs))
        resampled.append(
            _fastest([one for one, _ in drawn]) - _fastest([other for _, other in drawn])
        )
    return Difference(seen, *_ends(resampled), p_value)


def of_stretches(
    sums: Sequence[float], counts: Sequence[int], *, rate: float, seed: int
) -> Difference:
    """Compare two variants of a load, stretch of time by stretch of time.

    Calls of one burst, or of one environment, are not independent; stretches that are long against
    both nearly are. Where the variants are the same, which of the two a difference is in favour of
    was an even chance in every stretch: the test of exchanges and the interval of
    :func:`of_fastest_quarters`, with stretches in the place of rounds.

    Args:
        sums: The sum of the differences, call by call, of each stretch; at least one.
        counts: How many calls each stretch has, at least 1.
        rate: As for :func:`of_fastest_quarters`.
        seed: Likewise.

    Returns:
        The difference a call, with its interval.
    """
    draw = random.Random(seed)  # noqa: S311 - exchanges and resampling, not a secret
    calls = sum(counts)
    seen = sum(sums) / calls

    def exchanged(exchanges: Iterable[int]) -> Iterator[float]:
        for bits in exchanges:
            signed = (-one if bits >> place & 1 else one for place, one in enumerate(sums))
            yield sum(signed) / calls

    p_value = _share_as_large(seen, len(sums), exchanged, rate=rate, draw=draw)
    pairs = list(zip(sums, counts, strict=True))
    resampled = []
    for _ in range(_RESAMPLES):
        drawn = draw.choices(pairs, k=len(pairs))
        resampled.append(sum(one for one, _ in drawn) / sum(count for _, count in drawn))
    return Difference(seen, *_ends(resampled), p_value)


def of_signed_ranks(target: Sequence[float], baseline: Sequence[float]) -> Difference:
    """Compare all rounds by the ranks of their differences (Wilcoxon, 1945).

    The difference is the median of the averages of all pairs of rounds (Hodges and Lehmann, 1963);
    its interval holds every shift that the test does not rule out (Hollander, Wolfe and Chicken,
    Nonparametric Statistical Methods, section 3.3). In very few rounds it is the whole range.

    Args:
        target: One value a round, at least one.
        baseline: As many.
    """
    differences = [one - other for one, other in zip(target, baseline, strict=True)]
    averages = sorted(
        (one + other) / 2 for one, other in itertools.combinations_with_replacement(differences, 2)
    )
    rounds = len(differences)
    above = sum(average > 0 for average in averages)
    below = sum(average < 0 for average in averages)
    # Averages of zero speak for neither side; counted against both, they never raise an alarm.
    p_value = min(1.0, 2 * _chance(rounds, len(averages) - max(above, below)))
    outside = 0
    while _chance(rounds, outside) <= (1 - LEVEL) / 2:
        outside += 1
    edge = max(0, outside - 1)
    return Difference(statistics.median(averages), averages[edge], averages[-1 - edge], p_value)


def _share_as_large(
    seen: float,
    rounds: int,
    exchanged: Callable[[Iterable[int]], Iterator[float]],
    *,
    rate: float,
    draw: random.Random,
) -> float:
    """The share of exchanges, each a bit a round, that give as large a difference as was seen."""
    tries = min(_MOST_EXCHANGES, math.ceil(_ENOUGH / rate))
    # Sums in another order end in other digits; what is equal must not count as less.
    least = abs(seen) * (1 - 1e-9)
    if rounds <= tries.bit_length() - 1:  # all exchanges are no more than those to try
        every = list(exchanged(range(2**rounds)))
        return sum(abs(one) >= least for one in every) / len(every)
    as_large = tried = 0
    for one in exchanged(draw.getrandbits(rounds) for _ in range(tries)):
        tried += 1
        as_large += abs(one) >= least
        if as_large == _ENOUGH:
            return as_large / tried
    return (as_large + 1) / (tried + 1)


def _ends(resampled: Sequence[float]) -> tuple[float, float]:
    return quantile(resampled, (1 - LEVEL) / 2), quantile(resampled, (1 + LEVEL) / 2)


def _exchanged_differences(
    target: Sequence[float], baseline: Sequence[float], exchanges: Iterable[int]
) -> Iterator[float]:
    """Differences of the fastest quarters' means, each with the rounds of some bits exchanged."""
    size = _quarter(len(target))
    # All values are sorted once; an exchange only decides whose each of them is.
    ordered = sorted(
        (value, 1 << place, is_target)
        for is_target, values in ((True, target), (False, baseline))
        for place, value in enumerate(values)
    )
    for bits in exchanges:
        difference, targets, others = 0.0, size, size
        for value, bit, is_target in ordered:
            if (not bits & bit) is is_target:
                if targets:
                    targets -= 1
                    difference += value
            elif others:
                others -= 1
                difference -= value
        yield difference / size


def _fastest(values: Sequence[float]) -> float:
    """The mean of the smallest quarter, rounded up to whole values."""
    return statistics.fmean(sorted(values)[: _quarter(len(values))])


def _quarter(rounds: int) -> int:
    return (rounds + 3) // 4


def _chance(rounds: int, total: int) -> float:
    """The chance that the ranks of positive differences sum up to at most *total*."""
    if rounds > _COUNTED_ROUNDS:
        mean = rounds * (rounds + 1) / 4
        deviation = math.sqrt(mean * (2 * rounds + 1) / 6)
        return NormalDist(mean, deviation).cdf(total + 0.5)
    sums = _rank_sums(rounds)
    return sums[min(total, len(sums) - 1)]


@lru_cache(maxsize=16)
def _rank_sums(rounds: int) -> tuple[float, ...]:
    """The chance of each sum of the ranks or a smaller one, if every sign is as likely."""
    ways = [1]  # in how many ways signs give a sum, for each sum
    for rank in range(1, rounds + 1):
        longer = ways + [0] * rank
        ways = [
            count + (ways[place - rank] if place >= rank else 0)
            for place, count in enumerate(longer)
        ]
    return tuple(count / 2**rounds for count in itertools.accumulate(ways))
