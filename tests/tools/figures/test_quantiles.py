"""Intervals of quantiles hold what they promise, whatever the distribution is."""

from __future__ import annotations

import math
import random
from collections.abc import Callable

import pytest
from coldcache.tools.lab.figures import SHARES, estimate, estimates, least_samples
from hypothesis import given
from hypothesis import strategies as st

samples = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=400)
# Beyond 4.5 deviations of the number of hits: one seeded run in 100,000 would differ so much.
TRIALS = 2000
SLACK = 4.5 * math.sqrt(0.05 * 0.95 / TRIALS)

DISTRIBUTIONS: dict[str, tuple[Callable[[random.Random], float], Callable[[float], float]]] = {
    "uniform": (lambda draw: draw.random(), lambda share: share),
    "exponential": (lambda draw: draw.expovariate(1), lambda share: -math.log(1 - share)),
    "heavy tail": (lambda draw: draw.paretovariate(1), lambda share: 1 / (1 - share)),
    # Latencies with cold starts are like this: most near one value, a few far away.
    "two peaks": (
        lambda draw: draw.random() + (100 if draw.random() < 0.1 else 0),
        lambda share: share / 0.9 if share < 0.9 else 100 + (share - 0.9) / 0.1,
    ),
}


@pytest.mark.parametrize("n", [8, 30, 100])
@pytest.mark.parametrize("share", [0.5, 0.95])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_an_interval_holds_the_true_quantile_as_often_as_promised(
    name: str, share: float, n: int
) -> None:
    draw = random.Random(f"{name}{share}{n}")
    sample, true = DISTRIBUTIONS[name]
    hits = 0
    for _ in range(TRIALS):
        one = estimate([sample(draw) for _ in range(n)], share)
        is_above = one.low is None or one.low <= true(share)
        is_below = one.high is None or true(share) <= one.high
        hits += is_above and is_below

    assert hits / TRIALS >= 0.95 - SLACK


def test_an_interval_is_not_wider_than_it_must_be() -> None:
    # Ranks are whole numbers, so it cannot be just 95 %; for the median of 100 it is near.
    draw = random.Random(1)
    hits = 0
    for _ in range(TRIALS):
        one = estimate([draw.random() for _ in range(100)], 0.5)
        assert one.low is not None
        assert one.high is not None
        hits += one.low <= 0.5 <= one.high

    assert 0.95 - SLACK <= hits / TRIALS <= 0.975


@pytest.mark.parametrize(
    ("n", "share", "low", "high"),
    [
        (10, 0.5, 2, 9),  # the tables of Conover, Practical Nonparametric Statistics
        (25, 0.5, 8, 18),
        (100, 0.5, 40, 61),
        (6, 0.5, 1, 6),
    ],
)
def test_ranks_are_those_of_the_tables(n: int, share: float, low: int, high: int) -> None:
    one = estimate([float(rank) for rank in range(1, n + 1)], share)

    assert (one.low, one.high) == (low, high)


@pytest.mark.parametrize(("name", "share"), SHARES.items())
def test_the_upper_end_is_there_from_the_least_number_of_samples_on(
    name: str, share: float
) -> None:
    least = least_samples(share)

    assert estimate([float(one) for one in range(least - 1)], share).high is None
    assert estimate([float(one) for one in range(least)], share).high == least - 1


def test_the_least_numbers_are_the_known_ones() -> None:
    assert {name: least_samples(share) for name, share in SHARES.items()} == {
        "p50": 6,
        "p90": 36,
        "p95": 72,
        "p99": 368,
        "p99.9": 3688,
    }


@given(samples)
def test_a_quantile_lies_within_its_interval(values: list[float]) -> None:
    for one in estimates(values).values():
        assert one.low is None or one.low <= one.value
        assert one.high is None or one.value <= one.high


@given(samples)
def test_quantiles_and_their_ends_rise_with_the_share(values: list[float]) -> None:
    found = list(estimates(values).values())

    assert [one.value for one in found] == sorted(one.value for one in found)
    for ends in ([one.low for one in found], [one.high for one in found]):
        known = [end for end in ends if end is not None]
        assert known == sorted(known)


def test_a_single_value_bounds_nothing() -> None:
    found = estimates([7.0])

    assert (found["p50"].low, found["p50"].high) == (None, None)
    assert {one.high for one in found.values()} == {None}


def test_a_million_samples_take_no_long_sum() -> None:
    one = estimate(range(1_000_000), 0.999)

    assert one.low is not None
    assert one.high is not None
    assert one.high - one.low < 130  # 2 x 1.96 deviations of a binomial number, 31.6 each


def test_another_unit_scales_value_and_ends() -> None:
    one = estimate([float(rank) for rank in range(1, 11)], 0.5).scaled(1000)

    assert (one.value, one.low, one.high) == (5500, 2000, 9000)
    assert estimate([1.0], 0.5).scaled(2).low is None
