"""When a result expires: by either clock, by the value, by a random part sooner."""

from __future__ import annotations

import datetime as dt
import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import Cache, cached

TTL = 60
HOUR = 3600


@pytest.fixture(params=["cached", "Cache", "get_or_load"])
def loads(request: pytest.FixtureRequest, clock: Any) -> Callable[..., int]:
    """Call, in each form that knows a ttl; the answer is the number of the load it is from."""
    numbers = itertools.count(1)

    def load() -> int:
        return next(numbers)

    def of_cache() -> int:
        if "k" not in cache:
            cache["k"] = load()
        return cache["k"]

    cache = Cache(ttl=TTL)
    return {
        "cached": cached(ttl=TTL)(load),
        "Cache": of_cache,
        "get_or_load": lambda: cache.get_or_load("k", load),
    }[request.param]


def test_a_value_is_kept_for_its_ttl(loads: Callable[..., int], clock: Any) -> None:
    loads()
    clock.advance(TTL - 1)

    assert loads() == 1


def test_a_value_expires_with_its_ttl(loads: Callable[..., int], clock: Any) -> None:
    loads()
    clock.advance(TTL)

    assert loads() == 2


def test_a_frozen_monotonic_clock_does_not_keep_a_value_alive(
    loads: Callable[..., int], clock: Any
) -> None:
    loads()
    clock.freeze(HOUR)

    assert loads() == 2


def test_a_wall_clock_stepped_back_does_not_keep_a_value_alive(
    loads: Callable[..., int], clock: Any
) -> None:
    loads()
    clock.step_wall(-HOUR)
    clock.advance(2 * TTL)

    assert loads() == 2


def test_a_wall_clock_stepped_back_does_not_expire_a_value(
    loads: Callable[..., int], clock: Any
) -> None:
    loads()
    clock.step_wall(-HOUR)
    clock.advance(TTL - 1)

    assert loads() == 1


def test_monotonic_time_alone_expires_a_value(loads: Callable[..., int], clock: Any) -> None:
    loads()
    clock.advance(TTL)
    clock.step_wall(-TTL)  # back at the wall time of the load

    assert loads() == 2


def test_short_freezes_add_up(loads: Callable[..., int], clock: Any) -> None:
    loads()
    for _ in range(60):
        clock.freeze(1)

    assert loads() == 2


def test_running_and_frozen_time_add_up(loads: Callable[..., int], clock: Any) -> None:
    loads()
    clock.advance(TTL / 2)
    clock.freeze(TTL / 2)

    assert loads() == 2


def test_the_life_of_a_value_starts_when_its_load_ends(clock: Any) -> None:
    runs: list[int] = []

    @cached(ttl=TTL)
    def slow() -> int:
        clock.advance(TTL - 1)
        runs.append(1)
        return len(runs)

    slow()
    clock.advance(TTL - 1)

    assert slow() == 1


def test_each_key_has_its_own_life(clock: Any) -> None:
    @cached(ttl=TTL)
    def now(key: str) -> float:
        return clock.monotonic()

    first = now("a")
    clock.advance(TTL / 2)
    second = now("b")
    clock.advance(TTL / 2)

    assert (now("a"), now("b")) == (first + TTL, second)


def test_without_a_ttl_a_value_outlives_everything(clock: Any) -> None:
    @cached
    def value() -> object:
        return object()

    first = value()
    clock.advance(20 * 365 * 86400)
    clock.freeze(20 * 365 * 86400)

    assert value() is first


def test_a_ttl_below_the_lag_of_coarse_clocks_is_kept_exactly(clock: Any) -> None:
    @cached(ttl=0.004)
    def value() -> object:
        return object()

    first = value()
    clock.advance(0.003)
    again = value()
    clock.advance(0.001)

    assert again is first
    assert value() is not first


def test_real_clocks_expire_a_value(eventually: Callable[..., None]) -> None:
    @cached(ttl=0.02)
    def value() -> object:
        return object()

    first = value()
    eventually(lambda: value() is not first)  # real time


def test_real_clocks_keep_a_value() -> None:
    @cached(ttl=TTL)
    def value() -> object:
        return object()

    assert value() is value()


def test_a_ttl_may_depend_on_the_value(clock: Any) -> None:
    @cached(ttl=lambda value: value["expires_in"])
    def token(audience: str) -> dict[str, float]:
        return {"expires_in": {"short": 10, "long": 100}[audience]}

    short, long = token("short"), token("long")
    clock.advance(10)

    assert token("short") is not short
    assert token("long") is long


def test_a_ttl_of_none_for_a_value_is_for_ever(clock: Any) -> None:
    @cached(ttl=lambda value: None)
    def value() -> object:
        return object()

    first = value()
    clock.advance(1e9)

    assert value() is first


@pytest.mark.parametrize("life", [0, -1, float("nan"), float("inf"), "60"])
def test_a_ttl_function_with_a_useless_answer_is_an_error_and_nothing_is_stored(life: Any) -> None:
    lives = [life]

    @cached(ttl=lambda value: lives.pop() if lives else TTL)
    def value() -> str:
        return "value"

    with pytest.raises((TypeError, ValueError), match="the result of ttl must be"):
        value()
    assert value.peek() is None
    assert value() == "value"


def test_an_absolute_end_goes_by_the_wall_clock(clock: Any) -> None:
    @cached(expires_at=lambda value: value["exp"])
    def token() -> dict[str, float]:
        return {"exp": clock.wall() + TTL}

    first = token()
    clock.freeze(TTL - 1)
    kept = token()
    clock.freeze(1.001)  # a float of seconds since 1970 is not exact

    assert kept is first
    assert token() is not first


def test_an_absolute_end_follows_corrections_of_the_wall_clock(clock: Any) -> None:
    @cached(expires_at=lambda value: value["exp"])
    def token() -> dict[str, float]:
        return {"exp": clock.wall() + TTL}

    first = token()
    clock.step_wall(-TTL)
    clock.advance(TTL)

    assert token() is first


def test_an_absolute_end_may_be_a_datetime(clock: Any) -> None:
    @cached(expires_at=lambda value: value)
    def credentials() -> dt.datetime:
        end = clock.wall() + TTL
        return dt.datetime.fromtimestamp(end, tz=dt.timezone.utc)

    first = credentials()
    clock.advance(TTL - 1)
    kept = credentials()
    clock.advance(1.001)

    assert kept is first
    assert credentials() is not first


def test_a_datetime_without_a_time_zone_is_an_error(clock: Any) -> None:
    @cached(expires_at=lambda value: dt.datetime(2100, 1, 1))
    def credentials() -> str:
        return "secret"

    with pytest.raises(ValueError, match=r"the result of expires_at must be .* time zone"):
        credentials()


def test_a_value_that_is_dead_on_arrival_is_returned_and_loaded_again(clock: Any) -> None:
    runs: list[int] = []

    @cached(expires_at=lambda value: clock.wall() - 1)
    def token() -> int:
        runs.append(1)
        return len(runs)

    assert [token(), token()] == [1, 2]


def test_an_absolute_end_of_none_leaves_the_ttl(clock: Any) -> None:
    @cached(ttl=TTL, expires_at=lambda value: None)
    def value() -> object:
        return object()

    first = value()
    clock.advance(TTL - 1)
    kept = value()
    clock.advance(1)

    assert kept is first
    assert value() is not first


@pytest.mark.parametrize(("ttl", "end"), [(10, 100), (100, 10)])
def test_of_two_ends_the_earlier_counts(ttl: float, end: float, clock: Any) -> None:
    @cached(ttl=ttl, expires_at=lambda value: value + end)
    def loaded_at() -> float:
        return clock.wall()

    first = loaded_at()
    clock.advance(9)
    kept = loaded_at()
    clock.advance(1.001)  # a float of seconds since 1970 is not exact

    assert kept == first
    assert loaded_at() > first


def test_jitter_only_shortens_a_life(clock: Any) -> None:
    @cached(ttl=TTL, jitter=20, max_entries=None)
    def value(key: int) -> object:
        return object()

    before = [value(key) for key in range(200)]
    clock.advance(TTL - 20 - 0.001)
    kept = [value(key) for key in range(200)]
    clock.advance(20.001)
    after = [value(key) for key in range(200)]

    assert all(old is same for old, same in zip(before, kept, strict=True))
    assert not any(old is new for old, new in zip(before, after, strict=True))


def test_jitter_spreads_the_ends(clock: Any) -> None:
    @cached(ttl=TTL, jitter=20, max_entries=None)
    def value(key: int) -> object:
        return object()

    for key in range(200):
        value(key)
    clock.advance(TTL - 20)
    alive = []
    for _ in range(20):
        alive.append(sum(value.peek(key) is not None for key in range(200)))
        clock.advance(1)

    assert alive == sorted(alive, reverse=True)
    assert len(set(alive)) > 10  # spread over the 20 seconds, not all at once


def test_an_entry_of_a_cache_may_have_a_ttl_of_its_own(clock: Any) -> None:
    cache = Cache(ttl=TTL)
    cache.set("short", 1, ttl=5)
    cache.set("long", 1, ttl=HOUR)
    cache["plain"] = 1

    clock.advance(5)
    at_5 = sorted(cache)
    clock.advance(TTL - 5)

    assert at_5 == ["long", "plain"]
    assert list(cache) == ["long"]


@pytest.mark.parametrize("option", ["weigher", "ttl", "expires_at"])
def test_the_life_of_a_value_starts_before_what_is_asked_about_it(option: str, clock: Any) -> None:
    def slow(value: Any) -> Any:
        clock.advance(8)
        return {"weigher": 1, "ttl": 10, "expires_at": None}[option]

    options = {"ttl": 10, "max_weight": 5 if option == "weigher" else None, option: slow}
    load = cached(**options)(object)
    first = load()
    clock.advance(2)

    assert load() is not first


def test_a_load_that_was_frozen_does_not_hold_up_newcomers(
    clock: Any, start: Callable[..., Any]
) -> None:
    is_loading, may_end = threading.Event(), threading.Event()
    numbers = itertools.count(1)

    @cached(ttl=TTL)
    def load() -> int:
        number = next(numbers)
        if number == 1:
            is_loading.set()
            assert may_end.wait(10)
        return number

    crew = start(load)
    assert is_loading.wait(10)
    clock.freeze(HOUR)
    newcomer = load()
    may_end.set()

    assert (newcomer, crew.values()) == (2, [1])
    assert load() == 2


def test_what_a_frozen_load_brings_is_not_kept_as_fresh(clock: Any) -> None:
    numbers = itertools.count(1)

    @cached(ttl=TTL)
    def load() -> int:
        number = next(numbers)
        if number == 1:
            clock.freeze(HOUR)  # the answer was on its way for an hour
        return number

    assert [load(), load(), load()] == [1, 2, 2]
