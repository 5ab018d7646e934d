"""`coldcache.testing`: the clock to turn by hand, and forgetting everything."""

from __future__ import annotations

from typing import Any

import coldcache
import pytest
from coldcache import Cache, cached, once
from coldcache.testing import clock as held_clock


def test_held_clocks_stand_still(clock: Any) -> None:
    assert (clock.monotonic(), clock.wall()) == (clock.monotonic(), clock.wall())


def test_clocks_start_at_the_real_time() -> None:
    import time  # noqa: PLC0415

    before = time.time()
    with held_clock() as clock:
        assert before - 1 <= clock.wall() <= time.time() + 1


@pytest.mark.parametrize(
    ("turn", "monotonic", "wall"),
    [
        (lambda clock: clock.advance(10), 10, 10),
        (lambda clock: clock.freeze(10), 0, 10),
        (lambda clock: clock.step_wall(10), 0, 10),
        (lambda clock: clock.step_wall(-10), 0, -10),
        (lambda clock: clock.advance(0), 0, 0),
        (lambda clock: clock.advance(0.25), 0.25, 0.25),
    ],
    ids=["advance", "freeze", "step forward", "step back", "nothing", "fraction"],
)
def test_a_turn_moves_the_clocks_it_is_for(
    clock: Any, turn: Any, monotonic: float, wall: float
) -> None:
    before = clock.monotonic(), clock.wall()
    turn(clock)

    assert clock.monotonic() - before[0] == pytest.approx(monotonic, abs=1e-6)
    assert clock.wall() - before[1] == pytest.approx(wall, abs=1e-6)


@pytest.mark.parametrize("method", ["advance", "freeze"])
@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "1", None], ids=repr)
def test_time_that_cannot_pass_is_an_error_and_the_clocks_stand(
    clock: Any, method: str, seconds: Any
) -> None:
    before = clock.monotonic(), clock.wall()
    with pytest.raises((TypeError, ValueError)):
        getattr(clock, method)(seconds)

    assert (clock.monotonic(), clock.wall()) == before


@pytest.mark.parametrize("seconds", [float("nan"), float("-inf"), "1", None], ids=repr)
def test_a_useless_correction_is_an_error(clock: Any, seconds: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        clock.step_wall(seconds)


@pytest.mark.parametrize("method", ["advance", "freeze", "step_wall"])
def test_a_clock_that_is_not_held_cannot_be_turned(method: str) -> None:
    with pytest.raises(RuntimeError, match=r"inside `with coldcache\.testing\.clock\(\)"):
        getattr(held_clock(), method)(1)


def test_afterwards_the_real_clocks_are_back() -> None:
    import time  # noqa: PLC0415

    with held_clock() as clock:
        clock.advance(1e6)

    assert abs(clock.wall() - time.time()) < 100


def test_afterwards_the_clock_cannot_be_turned() -> None:
    with held_clock() as clock:
        pass
    with pytest.raises(RuntimeError):
        clock.advance(1)


def test_nested_clocks_are_the_same_clock() -> None:
    with held_clock() as outer:
        start = outer.wall()
        with held_clock() as inner:
            inner.advance(10)
        outer.advance(5)

        assert outer.wall() - start == pytest.approx(15, abs=1e-6)


def test_values_survive_the_end_of_a_nested_clock() -> None:
    with held_clock():
        settings = once(object)
        first = settings()
        with held_clock():
            pass

        assert settings() is first


def test_values_are_forgotten_with_the_outermost_clock() -> None:
    load = cached(ttl=60)(object)
    with held_clock():
        first = load()

    assert load() is not first


def test_an_error_inside_gives_the_clocks_back() -> None:
    with pytest.raises(LookupError), held_clock() as clock:
        raise LookupError
    with pytest.raises(RuntimeError):
        clock.advance(1)


def test_a_value_stored_before_ages_with_the_held_clock() -> None:
    load = cached(ttl=60)(object)
    first = load()
    with held_clock() as clock:
        kept = load()
        clock.advance(60)

        assert kept is first
        assert load() is not first


def test_reset_forgets_values_of_every_kind() -> None:
    class Service:
        @once
        def load(self) -> object:
            return object()

    service, settings, load, cache = Service(), once(object), cached(object), Cache()
    before = [service.load(), settings(), load()]
    cache["k"] = 1
    coldcache.testing.reset()

    assert not settings.is_done()
    assert "k" not in cache
    assert len(cache) == 0
    assert all(
        old is not new
        for old, new in zip(before, [service.load(), settings(), load()], strict=True)
    )


def test_reset_forgets_old_values_kept_for_failures(clock: Any) -> None:
    answers = ["old"]

    @cached(ttl=60, stale=60, stale_if_error=60)
    def load() -> str:
        if answers:
            return answers.pop()
        raise LookupError

    load()
    coldcache.testing.reset()

    with pytest.raises(LookupError):
        load()


def test_reset_forgets_failures() -> None:
    errors = [LookupError()]

    @once(retry="never")
    def settings() -> str:
        if errors:
            raise errors.pop()
        return "value"

    with pytest.raises(LookupError):
        settings()
    coldcache.testing.reset()

    assert settings() == "value"


def test_reset_leaves_what_comes_after_alone() -> None:
    coldcache.testing.reset()
    settings = once(object)

    assert settings() is settings()


def test_reset_does_not_turn_held_clocks(clock: Any) -> None:
    before = clock.wall()
    coldcache.testing.reset()

    assert clock.wall() == before
