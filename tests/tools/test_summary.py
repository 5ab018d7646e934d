from __future__ import annotations

import itertools
import statistics

import pytest
from coldcache.tools.lab.figures import quantile
from coldcache.tools.lab.summary import ratio_of_medians, summarise
from hypothesis import given
from hypothesis import strategies as st

times = st.floats(0.001, 1e6)
samples = st.lists(times, min_size=2, max_size=60)


@given(samples)
def test_quantiles_equal_those_of_the_standard_library(values: list[float]) -> None:
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    ours = [quantile(values, percent / 100) for percent in range(1, 100)]

    assert ours == pytest.approx(cuts)


@given(samples)
def test_the_ends_of_the_quantiles_are_the_extremes(values: list[float]) -> None:
    assert (quantile(values, 0), quantile(values, 1)) == (min(values), max(values))


@given(samples)
def test_a_summary_is_ordered(values: list[float]) -> None:
    one = summarise(values)
    figures = [one.minimum, one.median, one.p95, one.p99, one.maximum]

    assert figures == sorted(figures)


def test_a_summary_of_known_numbers() -> None:
    one = summarise([float(number) for number in range(1, 102)])

    assert (one.n, one.minimum, one.median, one.p95, one.p99, one.maximum) == (
        101,
        1,
        51,
        96,
        100,
        101,
    )


def test_a_single_value_is_all_of_its_summary() -> None:
    one = summarise([7.0])

    assert {one.minimum, one.median, one.p95, one.p99, one.maximum} == {7.0}


@given(samples)
def test_a_sample_compared_with_itself_has_ratio_one_without_spread(values: list[float]) -> None:
    ratio = ratio_of_medians(values, values)

    assert ratio is not None
    assert (ratio.value, ratio.low, ratio.high) == (1, 1, 1)


@given(samples, st.floats(0.1, 10))
def test_a_scaled_target_scales_the_ratio(values: list[float], factor: float) -> None:
    ratio = ratio_of_medians([value * factor for value in values], values)

    assert ratio is not None
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((factor,) * 3)


def test_the_interval_equals_that_of_all_resamples() -> None:
    target, baseline = [10.0, 14.0, 9.0, 20.0], [20.0, 21.0, 30.0, 19.0]
    every = [
        statistics.median([target[place] for place in drawn])
        / statistics.median([baseline[place] for place in drawn])
        for drawn in itertools.product(range(4), repeat=4)
    ]
    cuts = statistics.quantiles(every, n=40, method="inclusive")

    ratio = ratio_of_medians(target, baseline)

    assert ratio is not None
    assert (ratio.low, ratio.high) == pytest.approx((cuts[0], cuts[-1]), rel=0.1)


def test_the_interval_contains_the_ratio_it_belongs_to() -> None:
    target = [50 + number % 7 for number in range(40)]
    baseline = [100 + number % 11 for number in range(40)]

    ratio = ratio_of_medians(target, baseline)

    assert ratio is not None
    assert ratio.low <= ratio.value <= ratio.high


def test_the_same_seed_gives_the_same_interval() -> None:
    target, baseline = [1.0, 2.0, 5.0], [2.0, 2.5, 3.0]

    assert ratio_of_medians(target, baseline, seed=3) == ratio_of_medians(target, baseline, seed=3)


def test_a_baseline_of_zero_has_no_ratio() -> None:
    assert ratio_of_medians([1.0], [0.0]) is None


def test_samples_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 values of the target, 1 of the baseline"):
        ratio_of_medians([1.0, 2.0], [1.0])
