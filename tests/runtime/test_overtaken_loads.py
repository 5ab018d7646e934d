"""Loads that were overtaken by an invalidation: earlier callers get the value, nobody else does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import coldcache
import pytest
from coldcache import Cache, cached

FORGETTING = {
    "invalidate": lambda cache: cache.invalidate("k"),
    "clear": lambda cache: cache.clear(),
    "delete": lambda cache: cache.pop("k", None),
    "reset": lambda cache: coldcache.testing.reset(),
}


class SlowSource:
    """Its first load waits until told; each answers with its number."""

    def __init__(self) -> None:
        self.runs = 0
        self.is_loading = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> int:
        self.runs += 1
        number = self.runs
        if number == 1:
            self.is_loading.set()
            assert self.may_end.wait(10)
        return number


@pytest.fixture
def source() -> SlowSource:
    return SlowSource()


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
def test_callers_from_before_get_the_value(
    forget: Callable[[Any], object], source: SlowSource, start: Callable[..., Any]
) -> None:
    cache = Cache()
    crew = start(*[lambda: cache.get_or_load("k", source)] * 8)
    while cache.stats()["misses"] < 8:
        pass
    forget(cache)
    source.may_end.set()

    assert crew.values() == [1] * 8


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
def test_the_value_is_not_kept(
    forget: Callable[[Any], object], source: SlowSource, start: Callable[..., Any]
) -> None:
    cache = Cache()
    crew = start(lambda: cache.get_or_load("k", source))
    assert source.is_loading.wait(10)
    forget(cache)
    source.may_end.set()
    crew.values()

    assert "k" not in cache
    assert cache.get_or_load("k", source) == 2


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
def test_callers_from_after_start_anew_while_the_old_load_still_runs(
    forget: Callable[[Any], object], source: SlowSource, start: Callable[..., Any]
) -> None:
    cache = Cache()
    crew = start(lambda: cache.get_or_load("k", source))
    assert source.is_loading.wait(10)
    forget(cache)
    after = cache.get_or_load("k", source)
    source.may_end.set()
    crew.values()

    assert after == 2


@pytest.mark.parametrize("forget", FORGETTING.values(), ids=FORGETTING)
def test_the_old_load_does_not_replace_the_new_value(
    forget: Callable[[Any], object], source: SlowSource, start: Callable[..., Any]
) -> None:
    cache = Cache()
    crew = start(lambda: cache.get_or_load("k", source))
    assert source.is_loading.wait(10)
    forget(cache)
    cache.get_or_load("k", source)
    source.may_end.set()
    crew.values()

    assert cache["k"] == 2


def test_a_value_set_during_a_load_stays(source: SlowSource, start: Callable[..., Any]) -> None:
    cache = Cache()
    crew = start(lambda: cache.get_or_load("k", source))
    assert source.is_loading.wait(10)
    cache["k"] = "set"
    source.may_end.set()
    crew.values()

    assert cache["k"] == "set"


def test_invalidating_another_key_does_not_concern_a_load(
    source: SlowSource, start: Callable[..., Any]
) -> None:
    cache = Cache()
    crew = start(lambda: cache.get_or_load("k", source))
    assert source.is_loading.wait(10)
    cache.invalidate("other")
    source.may_end.set()
    crew.values()

    assert cache["k"] == 1


def test_a_load_may_invalidate_its_own_key() -> None:
    runs: list[int] = []

    @cached
    def load() -> int:
        runs.append(1)
        load.invalidate()
        return len(runs)

    assert [load(), load()] == [1, 2]


def test_a_load_may_clear_the_cache() -> None:
    cache = Cache()
    cache["other"] = 1

    def load() -> str:
        cache.clear()
        return "value"

    assert cache.get_or_load("k", load) == "value"
    assert list(cache) == []


def test_a_failure_of_an_overtaken_load_is_not_remembered(
    start: Callable[..., Any],
) -> None:
    is_loading, may_end = threading.Event(), threading.Event()
    errors = [ValueError("backend")]

    @cached(error_ttl=60)
    def load() -> str:
        if errors:
            error = errors.pop()
            is_loading.set()
            assert may_end.wait(10)
            raise error
        return "value"

    crew = start(load)
    assert is_loading.wait(10)
    load.invalidate()
    may_end.set()
    (outcome,) = crew.outcomes()

    assert isinstance(outcome.error, ValueError)
    assert load() == "value"


def test_a_once_that_is_reset_during_its_run_runs_again(
    source: SlowSource, start: Callable[..., Any]
) -> None:
    settings = coldcache.once(source)
    crew = start(settings)
    assert source.is_loading.wait(10)
    settings.reset()
    after = settings()
    source.may_end.set()

    assert (crew.values(), after, settings()) == ([1], 2, 2)


def test_one_instance_that_is_reset_does_not_disturb_the_load_of_another(
    source: SlowSource, start: Callable[..., Any]
) -> None:
    class Service:
        @coldcache.once
        def load(self) -> int:
            return source()

    one, other = Service(), Service()
    crew = start(lambda: one.load())  # noqa: PLW0108 (bound in the thread)
    assert source.is_loading.wait(10)
    other.load.reset()
    source.may_end.set()
    crew.values()

    assert one.load.is_done()
