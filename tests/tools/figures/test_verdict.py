"""The verdict finds what is there, and alarms no oftener than it says."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable

import pytest
from coldcache.tools.lab.figures import compare, least_rounds, worst
from hypothesis import given, settings
from hypothesis import strategies as st

numbers = st.lists(st.floats(1, 1000), min_size=1, max_size=40)
TRIALS = 120


def steady(draw: random.Random) -> float:
    return draw.gauss(40, 2)


def interrupted(draw: random.Random) -> float:
    """Now and then somebody else has the processor for a while."""
    return 40 + draw.expovariate(1) + (draw.expovariate(1 / 60) if draw.random() < 0.3 else 0)


def verdicts(
    noise: Callable[[random.Random], float],
    added: float,
    *,
    trials: int = 40,
    rate: float = 0.00125,
) -> Counter[str]:
    draw = random.Random(f"{noise.__name__}{added}")
    found: Counter[str] = Counter()
    for _ in range(trials):
        # What slows a round slows both of it.
        weather = [draw.expovariate(1 / 10) for _ in range(30)]
        target = [one + noise(draw) + added for one in weather]
        baseline = [one + noise(draw) for one in weather]
        one = compare(target, baseline, relevant=0, rate=rate)
        found[one.verdict] += 1
    return found


@pytest.mark.parametrize("noise", [steady, interrupted])
def test_equal_functions_alarm_at_most_as_often_as_promised(
    noise: Callable[[random.Random], float],
) -> None:
    rate = 0.1  # so high that alarms can be counted; without a margin of relevance to help
    alarms = TRIALS - verdicts(noise, 0.0, trials=TRIALS, rate=rate)["no difference"]

    # And 4.5 deviations of the number of alarms. That there are some shows that the test can fail.
    assert 0 < alarms <= TRIALS * rate + 4.5 * math.sqrt(TRIALS * rate * (1 - rate))


@pytest.mark.parametrize("noise", [steady, interrupted])
def test_twenty_milliseconds_are_found_through_the_noise(
    noise: Callable[[random.Random], float],
) -> None:
    assert verdicts(noise, 20.0)["worse"] >= 0.95 * 40


def test_less_is_better() -> None:
    assert verdicts(steady, -20.0)["better"] == 40


@settings(deadline=None, max_examples=30)  # resampling takes its time
@given(numbers)
def test_a_sample_compared_with_itself_shows_nothing(values: list[float]) -> None:
    one = compare(values, values, relevant=0)

    assert one.difference == 0
    assert one.verdict in {"no difference", "too few rounds"}


@settings(deadline=None, max_examples=30)  # resampling takes its time
@given(numbers, numbers)
def test_exchanged_functions_have_the_opposite_verdict(
    first: list[float], second: list[float]
) -> None:
    rounds = min(len(first), len(second))
    there = compare(first[:rounds], second[:rounds], relevant=1)
    back = compare(second[:rounds], first[:rounds], relevant=1)

    opposite = {"better": "worse", "worse": "better"}
    assert back.verdict == opposite.get(there.verdict, there.verdict)
    assert back.difference == pytest.approx(-there.difference)


@settings(deadline=None, max_examples=30)  # resampling takes its time
@given(numbers, numbers)
def test_ends_are_in_order(first: list[float], second: list[float]) -> None:
    rounds = min(len(first), len(second))
    one = compare(first[:rounds], second[:rounds], relevant=0)

    assert one.low <= one.high
    assert abs(one.difference) <= max(map(abs, first + second))


def test_a_difference_below_the_relevant_one_is_none() -> None:
    baseline = [40.0 + number for number in range(30)]
    target = [one + 0.5 for one in baseline]

    assert compare(target, baseline, relevant=0.4).verdict == "worse"
    assert compare(target, baseline, relevant=0.6).verdict == "no difference"


@pytest.mark.parametrize("tests", [1, 5, 60])
def test_from_the_least_number_of_rounds_on_there_is_a_verdict(tests: int) -> None:
    least = least_rounds(0.01 / tests)

    def verdict(rounds: int) -> str:
        return compare([2.0] * rounds, [1.0] * rounds, relevant=0, rate=0.01 / tests).verdict

    assert verdict(least - 1) == "too few rounds"
    assert verdict(least) == "worse"


def test_a_lower_rate_is_stricter() -> None:
    draw = random.Random(6)
    target = [draw.gauss(42.0, 2) for _ in range(30)]
    baseline = [draw.gauss(40, 2) for _ in range(30)]

    assert compare(target, baseline, relevant=0).verdict == "worse"
    assert compare(target, baseline, relevant=0, rate=0.01 / 60).verdict == "no difference"


def test_what_slows_four_starts_of_ten_is_found_though_most_are_as_fast() -> None:
    draw = random.Random(7)
    baseline = [draw.gauss(40, 1) for _ in range(60)]
    target = [draw.gauss(40, 1) + (30 if number % 5 < 2 else 0) for number in range(60)]

    one = compare(target, baseline, relevant=0.8)

    assert (one.verdict, one.basis) == ("worse", "all rounds")


def test_many_rounds_are_folded_and_their_order_does_not_decide() -> None:
    draw = random.Random(8)
    baseline = [draw.gauss(40, 2) for _ in range(2500)]
    target = [draw.gauss(41, 2) for _ in range(2500)]

    one = compare(target, baseline, relevant=0.5)

    assert one.verdict == "worse"
    assert one.low <= 1 <= one.high


def test_the_same_seed_gives_the_same_result() -> None:
    target, baseline = [1.0, 2.0, 5.0], [2.0, 2.5, 3.0]

    assert compare(target, baseline, relevant=0, seed=3) == compare(
        target, baseline, relevant=0, seed=3
    )


def test_samples_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 values of the target, 1 of the baseline"):
        compare([1.0, 2.0], [1.0], relevant=0)


def test_worse_wins_over_better_and_both_over_none() -> None:
    assert worst(["no difference", "better", "worse"]) == "worse"
    assert worst(["no difference", "better"]) == "better"
    assert worst(["too few rounds", "no difference"]) == "too few rounds"
    assert worst([]) == "no difference"
