"""One number tells that something happened to the process: fork, restore, thaw, reset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import coldcache
import pytest
from coldcache import _core
from coldcache._core import epochs, lifetime_epoch


def changes(act: Callable[[], object]) -> tuple[int, ...]:
    """What the act adds to the counts of forks, restores, thaws and resets."""
    before, number = epochs(), lifetime_epoch()
    act()
    after = epochs()
    assert (lifetime_epoch() != number) == (after != before)
    return tuple(new - old for new, old in zip(after, before, strict=True))


def test_nothing_changes_while_nothing_happens(clock: Any) -> None:
    assert changes(lambda: clock.advance(86400)) == (0, 0, 0, 0)


def test_a_restore_is_counted() -> None:
    assert changes(_core._note_restore) == (0, 1, 0, 0)


def test_a_reset_is_counted() -> None:
    assert changes(coldcache.testing.reset) == (0, 0, 0, 1)


def test_a_freeze_is_a_thaw(clock: Any) -> None:
    assert changes(lambda: clock.freeze(3600)) == (0, 0, 1, 0)


def test_two_freezes_noticed_one_by_one_are_two_thaws(clock: Any) -> None:
    def twice() -> None:
        clock.freeze(5)
        lifetime_epoch()
        clock.freeze(5)

    assert changes(twice) == (0, 0, 2, 0)


def test_a_thaw_is_noticed_once(clock: Any) -> None:
    clock.freeze(3600)

    assert lifetime_epoch() == lifetime_epoch() == lifetime_epoch()


def test_a_correction_of_less_than_two_seconds_is_no_thaw(clock: Any) -> None:
    assert changes(lambda: clock.step_wall(1.9)) == (0, 0, 0, 0)


def test_small_corrections_one_by_one_never_make_a_thaw(clock: Any) -> None:
    def drift() -> None:
        for _ in range(10):
            clock.step_wall(1.5)
            lifetime_epoch()

    assert changes(drift) == (0, 0, 0, 0)


def test_a_wall_clock_set_back_is_no_thaw(clock: Any) -> None:
    assert changes(lambda: clock.step_wall(-3600)) == (0, 0, 0, 0)


def test_a_freeze_after_the_wall_clock_was_set_back_is_a_thaw(clock: Any) -> None:
    clock.step_wall(-3600)
    lifetime_epoch()

    assert changes(lambda: clock.freeze(10)) == (0, 0, 1, 0)


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_giving_the_clocks_back_is_a_reset_and_no_thaw(seconds: float) -> None:
    def turn() -> None:
        with coldcache.testing.clock() as clock:
            clock.step_wall(seconds)

    assert changes(turn) == (0, 0, 0, 1)


def test_a_fork_is_counted_in_the_child_alone(run_python: Any) -> None:
    assert (
        run_python("""
        import os
        from coldcache._core import epochs, lifetime_epoch
        before, number = epochs(), lifetime_epoch()
        child = os.fork()
        if child == 0:
            forks = epochs()[0] - before[0]
            os._exit(0 if forks == 1 and lifetime_epoch() != number else 1)
        print(os.waitpid(child, 0)[1], epochs() == before, lifetime_epoch() == number)
    """)
        == "0 True True"
    )


def test_cached_values_survive_a_thaw_that_their_ttl_survives(clock: Any) -> None:
    load = coldcache.cached(ttl=3600)(object)
    first = load()
    clock.freeze(60)
    lifetime_epoch()

    assert load() is first
