from __future__ import annotations

import random

import pytest
from coldcache.tools.lab.figures import wilson
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [
        (0, 20, 0.0, 0.1611),  # Brown, Cai and DasGupta, Statistical Science 2001, and R's binom
        (1, 10, 0.0179, 0.4042),
        (5, 10, 0.2366, 0.7634),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_ends_are_the_published_ones(count: int, of: int, low: float, high: float) -> None:
    one = wilson(count, of)

    assert (one.low, one.high) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_share_lies_within_its_interval(one: int, other: int) -> None:
    count, of = sorted((one, other))
    found = wilson(count, of)

    assert 0 <= found.low <= found.high <= 1
    assert found.value is None or found.low <= found.value <= found.high


def test_none_of_none_says_nothing() -> None:
    assert (wilson(0, 0).value, wilson(0, 0).low, wilson(0, 0).high) == (None, 0, 1)


@pytest.mark.parametrize("true", [0.02, 0.1, 0.5])
def test_the_interval_holds_the_true_share_about_as_often_as_promised(true: float) -> None:
    draw = random.Random(str(true))
    hits = 0
    for _ in range(2000):
        one = wilson(sum(draw.random() < true for _ in range(60)), 60)
        hits += one.low <= true <= one.high

    assert hits / 2000 >= 0.93  # the score interval is right on average, not for every share


@pytest.mark.parametrize(("count", "of"), [(-1, 3), (4, 3)])
def test_more_than_all_is_refused(count: int, of: int) -> None:
    with pytest.raises(ValueError, match=f"must lie within 0 and 3; got {count}"):
        wilson(count, of)
