"""The smallest set that passes, against an oracle that knows it."""

from __future__ import annotations

from collections.abc import Sequence

from coldcache.tools.optimize.minimise import minimise
from hypothesis import given
from hypothesis import strategies as st


class Oracle:
    """Passes sets that hold all the needed items, and notes what it was asked."""

    def __init__(self, needed: set[int]) -> None:
        self.needed = needed
        self.asked: list[tuple[int, ...]] = []
        self.guessed = 0
        self._ahead: list[set[int]] = []

    def __call__(self, items: tuple[int, ...], ahead: Sequence[tuple[int, ...]]) -> bool:
        self.guessed += set(items) in self._ahead
        self._ahead = [set(one) for one in ahead]
        self.asked.append(items)
        return self.needed <= set(items)


@given(st.integers(1, 300), st.data())
def test_exactly_the_needed_items_are_found(size: int, data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=8))

    assert set(minimise(range(size), Oracle(needed))) == needed


@given(st.integers(2, 300), st.data())
def test_nothing_is_asked_twice(size: int, data: st.DataObject) -> None:
    needed = data.draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=8))
    oracle = Oracle(needed)

    minimise(range(size), oracle)

    assert len(set(map(frozenset, oracle.asked))) == len(oracle.asked)


def test_the_order_of_the_items_is_kept() -> None:
    assert minimise(range(100), Oracle({77, 3, 40})) == (3, 40, 77)


def test_few_of_many_take_few_questions() -> None:
    oracle = Oracle({100, 700})

    minimise(range(1024), oracle)

    assert len(oracle.asked) <= 4 * 10  # k log2(n), and as many to see that the rest is not needed


def test_likely_items_in_front_take_fewer() -> None:
    front, back = Oracle({0, 2, 5}), Oracle({300, 700, 1000})

    minimise(range(1024), front)
    minimise(range(1024), back)

    assert len(front.asked) < len(back.asked)


def test_the_next_question_is_among_those_asked_ahead() -> None:
    oracle = Oracle({100, 700})

    minimise(range(1024), oracle)

    assert oracle.guessed >= 0.6 * (len(oracle.asked) - 1)


def test_a_background_is_in_every_question() -> None:
    oracle = Oracle({-1, 4})

    assert minimise(range(8), oracle, background=(-1,)) == (4,)
    assert all(-1 in items for items in oracle.asked)


def test_a_test_that_is_not_monotonic_still_ends_with_a_set_that_passes() -> None:
    def odd(items: tuple[int, ...], _ahead: object) -> bool:
        # 3 does the work, unless 5 is there without 6.
        return 3 in items and (5 not in items or 6 in items)

    found = minimise(range(8), odd)

    assert odd(found, ())
