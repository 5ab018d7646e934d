"""The tests behind the verdict equal their definitions, counted out."""

from __future__ import annotations

import itertools
import random
import statistics

import pytest
from coldcache.tools.lab.figures.rounds import fold, of_fastest_quarters, of_signed_ranks

TARGET = [41.3, 39.6, 44.2, 45.1, 40.7, 43.9, 38.9, 44.8, 40.2]
BASELINE = [40.0, 40.1, 42.0, 41.9, 40.4, 41.7, 40.0, 42.2, 39.6]


def faster(values: list[float]) -> float:
    return statistics.fmean(sorted(values)[: (len(values) + 3) // 4])


def test_exchanges_give_the_chance_of_all_exchanges() -> None:
    seen = abs(faster(TARGET) - faster(BASELINE))
    every = []
    for signs in itertools.product([False, True], repeat=len(TARGET)):
        pairs = [
            (two, one) if sign else (one, two)
            for sign, one, two in zip(signs, TARGET, BASELINE, strict=True)
        ]
        every.append(abs(faster([one for one, _ in pairs]) - faster([two for _, two in pairs])))
    exact = sum(one >= seen - 1e-9 for one in every) / len(every)

    # 20 hits have a deviation of a fifth.
    found = of_fastest_quarters(TARGET, BASELINE, rate=0.0005, seed=1)
    assert found.p_value == pytest.approx(exact, rel=0.7)


def test_signed_ranks_give_the_chance_of_all_signs() -> None:
    differences = [one - two for one, two in zip(TARGET, BASELINE, strict=True)]
    ranks = {at: rank for rank, at in enumerate(sorted(differences, key=abs), start=1)}
    seen = sum(rank for at, rank in ranks.items() if at > 0)
    sums = [
        sum(signs) for signs in itertools.product(*((0, rank) for rank in range(1, len(ranks) + 1)))
    ]
    upper = sum(one >= seen for one in sums) / len(sums)

    assert of_signed_ranks(TARGET, BASELINE).p_value == pytest.approx(2 * upper)


def test_the_interval_holds_just_the_shifts_that_are_not_ruled_out() -> None:
    found = of_signed_ranks(TARGET, BASELINE)

    def is_ruled_out(shift: float) -> bool:
        return of_signed_ranks([one - shift for one in TARGET], BASELINE).p_value <= 0.05

    ends = (found.low - 0.001, found.low + 0.001, found.high - 0.001, found.high + 0.001)
    assert [is_ruled_out(end) for end in ends] == [True, False, False, True]


@pytest.mark.parametrize("rounds", [100, 101])
def test_counted_and_normal_ranks_agree_where_one_takes_over(rounds: int) -> None:
    draw = random.Random(4)
    target = [draw.gauss(40.5, 2) for _ in range(rounds)]
    baseline = [draw.gauss(40, 2) for _ in range(rounds)]

    found = of_signed_ranks(target, baseline)

    # A mean of normal differences would have 1.96 deviations on either side.
    assert found.high - found.low == pytest.approx(2 * 1.96 * 2 * (2 / rounds) ** 0.5, rel=0.15)


def test_differences_of_zero_raise_no_alarm() -> None:
    assert of_signed_ranks([5.0] * 30, [5.0] * 30).p_value == 1
    assert of_fastest_quarters([5.0] * 30, [5.0] * 30, rate=0.001, seed=0).p_value == 1


@pytest.mark.parametrize(("rounds", "left"), [(1, 1), (250, 250), (251, 125), (1000, 250)])
def test_many_rounds_are_folded_into_groups_of_equal_size(rounds: int, left: int) -> None:
    folded = fold([float(number) for number in range(rounds)])

    assert len(folded) == left
    assert folded == sorted(folded)


def test_intervals_hold_a_shift_about_as_often_as_promised() -> None:
    draw = random.Random(3)
    hits = 0
    for _ in range(150):
        baseline = [draw.gauss(40, 2) for _ in range(30)]
        target = [draw.gauss(45, 2) for _ in range(30)]
        found = of_fastest_quarters(target, baseline, rate=0.5, seed=3)
        hits += found.low <= 5 <= found.high

    assert hits / 150 >= 0.85  # a percentile bootstrap of 30 rounds is a little too narrow
