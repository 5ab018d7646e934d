from __future__ import annotations

from functools import cache

import pytest
from traces import TRACES, best_possible, zipf


def exhaustive(trace, capacity):
    """Most hits over all choices of what to keep."""

    @cache
    def hits_from(at, held):
        if at == len(trace):
            return 0
        key = trace[at]
        if key in held:
            return 1 + hits_from(at + 1, held)
        with_key = held | {key}
        if len(with_key) <= capacity:
            return hits_from(at + 1, with_key)
        return max(hits_from(at + 1, with_key - {victim}) for victim in with_key)

    return hits_from(0, frozenset())


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("capacity", [1, 2, 3])
def test_the_best_possible_is_what_trying_everything_finds(seed, capacity):
    trace = zipf(14, 5, 0.5, seed)
    assert best_possible(trace, capacity) == exhaustive(tuple(trace), capacity) / len(trace)


@pytest.mark.parametrize("title", TRACES)
def test_a_trace_is_the_same_for_the_same_seed(title):
    _, trace_of = TRACES[title]
    assert list(trace_of(2_000, 7)) == list(trace_of(2_000, 7))


@pytest.mark.parametrize("title", TRACES)
def test_a_trace_has_the_length_asked_for(title):
    _, trace_of = TRACES[title]
    assert len(trace_of(12_345, 7)) == 12_345
