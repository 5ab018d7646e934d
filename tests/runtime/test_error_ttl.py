"""Failures that are remembered, longer with each in a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from coldcache import cached

TTL = 60
HOUR = 3600


def test_a_failure_is_remembered_for_its_time(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(error_ttl=10)
    it.error = ValueError("backend")
    for _ in range(3):
        with pytest.raises(ValueError, match="backend"):
            it.load()
    clock.advance(9.9)
    with pytest.raises(ValueError, match="backend"):
        it.load()

    assert it.calls == 1


def test_after_its_time_the_load_is_tried_again(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(error_ttl=10)
    it.error = ValueError("backend")
    with pytest.raises(ValueError, match="backend"):
        it.load()
    it.error = None
    clock.advance(10)

    assert it.load() == 2


def test_frozen_time_counts(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(error_ttl=10)
    it.error = ValueError("backend")
    with pytest.raises(ValueError, match="backend"):
        it.load()
    it.error = None
    clock.freeze(10)

    assert it.load() == 2


def times_until_retries(it: Any, clock: Any, number: int) -> list[int]:
    """For each retry, the whole seconds after the failure before it."""
    it.error = ValueError("backend")
    times = []
    for _ in range(number):
        calls = it.calls
        seconds = 0
        while it.calls == calls:
            with pytest.raises(ValueError, match="backend"):
                it.load()
            if it.calls == calls:
                clock.advance(1)
                seconds += 1
        times.append(seconds)
    return times


def test_each_failure_in_a_row_is_remembered_twice_as_long(
    backend: Callable[..., Any], clock: Any
) -> None:
    it = backend(error_ttl=2)

    assert times_until_retries(it, clock, 5) == [0, 2, 4, 8, 16]


def test_the_time_is_capped(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(error_ttl=(2, 5))

    assert times_until_retries(it, clock, 6) == [0, 2, 4, 5, 5, 5]


def test_the_cap_is_a_minute_where_none_is_given(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(error_ttl=20)

    assert times_until_retries(it, clock, 5) == [0, 20, 40, 60, 60]


def test_a_success_ends_the_row(backend: Callable[..., Any], clock: Any) -> None:
    it = backend(error_ttl=2, ttl=TTL)
    times_until_retries(it, clock, 4)
    clock.advance(HOUR)
    it.error = None
    it.load()
    clock.advance(TTL)

    assert times_until_retries(it, clock, 3) == [0, 2, 4]


def test_each_caller_has_an_exception_of_its_own(backend: Callable[..., Any]) -> None:
    it = backend(error_ttl=10)
    it.error = original = ValueError("backend")
    caught = []
    for _ in range(3):
        with pytest.raises(ValueError, match="backend") as info:
            it.load()
        caught.append(info.value)

    assert caught[0] is original
    assert len({id(error) for error in caught}) == 3
    assert [error.__cause__ for error in caught[1:]] == [original] * 2


def test_the_remembered_failure_does_not_collect_tracebacks(backend: Callable[..., Any]) -> None:
    def length(error: BaseException) -> int:
        traceback, frames = error.__traceback__, 0
        while traceback:
            traceback, frames = traceback.tb_next, frames + 1
        return frames

    it = backend(error_ttl=10)
    it.error = original = ValueError("backend")
    lengths = []
    for _ in range(50):
        with pytest.raises(ValueError, match="backend"):
            it.load()
        lengths.append(length(original))

    assert len(set(lengths)) == 1


def test_invalidating_forgets_the_failure(backend: Callable[..., Any]) -> None:
    it = backend(error_ttl=10)
    it.error = ValueError("backend")
    with pytest.raises(ValueError, match="backend"):
        it.load()
    it.error = None
    it.load.invalidate()

    assert it.load() == 2


def test_a_refresh_by_hand_does_not_wait_for_the_failure_to_be_forgotten(
    backend: Callable[..., Any],
) -> None:
    it = backend(error_ttl=10)
    it.error = ValueError("backend")
    with pytest.raises(ValueError, match="backend"):
        it.load()
    it.error = None

    assert it.load.refresh() == 2
    assert it.load() == 2


def test_other_keys_are_not_concerned() -> None:
    @cached(error_ttl=10)
    def load(key: str) -> str:
        if key == "bad":
            raise ValueError(key)
        return key

    with pytest.raises(ValueError, match="bad"):
        load("bad")

    assert load("good") == "good"


def test_remembered_failures_are_bounded_as_values_are() -> None:
    runs: list[int] = []

    @cached(error_ttl=10, max_entries=5)
    def load(key: int) -> None:
        runs.append(key)
        raise ValueError(key)

    for key in [*range(20), 0, 19]:
        with pytest.raises(ValueError, match=str(key)):
            load(key)

    assert runs == [*range(20), 0]  # 0 was forgotten, 19 was not


def test_the_old_value_is_served_while_the_failure_is_remembered(
    backend: Callable[..., Any], clock: Any
) -> None:
    it = backend(ttl=TTL, stale_if_error=HOUR, error_ttl=10)
    it.load()
    clock.advance(TTL)
    it.error = ValueError("backend")

    assert [it.load() for _ in range(5)] == [1] * 5
    assert it.calls == 2


def test_a_failing_refresh_is_not_repeated_while_it_is_remembered(
    backend: Callable[..., Any], clock: Any, eventually: Callable[..., None]
) -> None:
    it = backend(ttl=TTL, stale=HOUR, error_ttl=10)
    it.load()
    clock.advance(TTL)
    it.error = ValueError("backend")
    it.load()
    eventually(lambda: it.load.stats()["failures"] == 1)

    assert [it.load() for _ in range(5)] == [1] * 5
    assert it.calls == 2
