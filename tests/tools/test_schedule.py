from __future__ import annotations

from coldcache.tools.lab.schedule import interleave
from hypothesis import given
from hypothesis import strategies as st

sizes = st.integers(1, 5)
rounds = st.integers(0, 6)
seeds = st.integers()


def plan(variants: int, events: int, runs: int, warmups: int, seed: int):
    names = [f"v{number}" for number in range(variants)]
    cases = [f"e{number}" for number in range(events)]
    return list(interleave(names, cases, runs=runs, warmups=warmups, seed=seed))


@given(sizes, sizes, rounds, rounds, seeds)
def test_every_round_holds_every_variant_on_every_event_once(
    variants: int, events: int, runs: int, warmups: int, seed: int
) -> None:
    every = {(f"v{v}", f"e{e}") for v in range(variants) for e in range(events)}

    for slots in plan(variants, events, runs, warmups, seed):
        assert len(slots) == len(every)
        assert {(slot.variant, slot.event) for slot in slots} == every


@given(sizes, rounds, rounds, seeds)
def test_the_two_variants_of_an_event_are_neighbours(
    events: int, runs: int, warmups: int, seed: int
) -> None:
    for slots in plan(2, events, runs, warmups, seed):
        assert all(
            left.event == right.event for left, right in zip(slots[::2], slots[1::2], strict=True)
        )


@given(sizes, rounds, rounds, seeds)
def test_which_variant_goes_first_alternates(
    events: int, runs: int, warmups: int, seed: int
) -> None:
    firsts = [
        {slot.variant for slot in slots[::2]} for slots in plan(2, events, runs, warmups, seed)
    ]

    assert firsts == [{f"v{number % 2}"} for number in range(runs + warmups)]


def test_the_order_of_the_events_changes_between_rounds() -> None:
    orders = {tuple(slot.event for slot in slots) for slots in plan(1, 5, 20, 0, 0)}

    assert len(orders) > 10


@given(seeds)
def test_the_same_seed_gives_the_same_order(seed: int) -> None:
    assert plan(2, 4, 5, 1, seed) == plan(2, 4, 5, 1, seed)


def test_another_seed_gives_another_order() -> None:
    assert plan(2, 5, 5, 1, 1) != plan(2, 5, 5, 1, 2)


@given(rounds, rounds)
def test_warm_ups_come_first_and_are_marked(runs: int, warmups: int) -> None:
    marks = [slots[0].is_warmup for slots in plan(2, 2, runs, warmups, 0)]

    assert marks == [True] * warmups + [False] * runs


def test_rounds_and_positions_count_from_zero() -> None:
    places = [(slot.round, slot.position) for slots in plan(2, 1, 2, 0, 0) for slot in slots]

    assert places == [(0, 0), (0, 1), (1, 0), (1, 1)]
