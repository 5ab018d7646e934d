from __future__ import annotations

import itertools
import random
import statistics

import pytest
from coldcache.tools.lab import UsageError
from coldcache.tools.lab.load import Arrivals, Bursts, Constant, OnOff, Poisson, Ramp, Recorded
from hypothesis import given
from hypothesis import strategies as st

rates = st.floats(0.01, 50)
lengths = st.floats(0.1, 100)
patterns = st.one_of(
    st.builds(Constant, rates),
    st.builds(Poisson, rates),
    st.builds(Bursts, st.integers(1, 20), st.floats(0.5, 50)),
    st.builds(Ramp, rates, st.floats(0, 50)),
    st.builds(Ramp, st.floats(0, 50), rates),
    st.builds(OnOff, rates, st.floats(0.1, 20), st.floats(0.1, 20)),
    st.lists(st.floats(0, 100)).map(lambda times: Recorded(sorted(times), 100.0)),
)


def times(arrivals: Arrivals, duration_s: float, seed: int = 0) -> list[float]:
    return list(arrivals.times(duration_s, random.Random(seed)))


@given(patterns, lengths, st.integers())
def test_times_ascend_within_the_duration(arrivals, duration_s, seed):
    found = times(arrivals, duration_s, seed)

    assert found == sorted(found)
    assert all(0 <= time_s < duration_s for time_s in found)


@given(patterns, lengths, st.integers())
def test_the_same_seed_gives_the_same_times(arrivals, duration_s, seed):
    assert times(arrivals, duration_s, seed) == times(arrivals, duration_s, seed)


def test_another_seed_gives_other_poisson_times():
    assert times(Poisson(1.0), 100.0, 1) != times(Poisson(1.0), 100.0, 2)


def test_constant_calls_are_evenly_spaced_from_the_begin():
    assert times(Constant(4.0), 1.0) == [0, 0.25, 0.5, 0.75]


def test_poisson_gaps_have_the_mean_and_spread_of_an_exponential():
    found = times(Poisson(10.0), 2000.0)
    gaps = [b - a for a, b in itertools.pairwise(found)]

    assert statistics.mean(gaps) == pytest.approx(0.1, rel=0.03)
    assert statistics.stdev(gaps) == pytest.approx(0.1, rel=0.03)


def test_the_calls_of_a_burst_arrive_together():
    assert times(Bursts(3, 10.0), 11.0) == [0, 0, 0, 10, 10, 10]


@pytest.mark.parametrize(("first", "last"), [(0.0, 40.0), (40.0, 0.0), (20.0, 20.0)])
def test_a_ramp_changes_its_rate_evenly(first, last):
    found = times(Ramp(first, last), 2000.0)

    for quarter in range(4):
        begin, end = quarter * 500.0, (quarter + 1) * 500.0
        middle = first + (last - first) * (quarter + 0.5) / 4
        count = sum(begin <= time_s < end for time_s in found)
        assert count == pytest.approx(500 * middle, rel=0.08)


def test_nothing_arrives_while_off():
    found = times(OnOff(20.0, 2.0, 3.0), 500.0)

    assert len(found) > 1000
    assert all(time_s % 5 <= 2 for time_s in found)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Constant(0.0),
        lambda: Poisson(-1.0),
        lambda: Poisson(float("inf")),
        lambda: Bursts(0, 1.0),
        lambda: Bursts(1, 0.0),
        lambda: Ramp(-1.0, 1.0),
        lambda: Ramp(0.0, 0.0),
        lambda: OnOff(1.0, 0.0, 1.0),
    ],
)
def test_an_impossible_pattern_is_refused(make):
    with pytest.raises(UsageError):
        make()
