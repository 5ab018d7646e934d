"""Counters: hits, misses, loads, failures, what left and why, the time loads took."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import Cache, cached, once


def test_a_new_function_has_counted_nothing() -> None:
    assert cached(lambda: 1).stats() == {
        "hits": 0,
        "misses": 0,
        "loads": 0,
        "failures": 0,
        "stale_served": 0,
        "removals": {"explicit": 0, "replaced": 0, "expired": 0, "size": 0},
        "load_time_total": 0.0,
        "load_time_max": 0.0,
    }


def test_hits_misses_and_loads_are_counted(subject_of: Callable[..., Any]) -> None:
    subject = subject_of(lambda: 1)
    for _ in range(5):
        subject.call()
    stats = subject.stats()

    assert (stats["hits"], stats["misses"], stats["loads"]) == (4, 1, 1)


def test_failures_are_counted(subject_of: Callable[..., Any]) -> None:
    def fail() -> None:
        raise LookupError

    subject = subject_of(fail)
    for _ in range(3):
        with pytest.raises(LookupError):
            subject.call()
    stats = subject.stats()

    assert (stats["misses"], stats["loads"], stats["failures"]) == (3, 3, 3)


def test_each_waiter_is_a_miss_and_there_is_one_load(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    def load() -> None:
        subject.wait_for_callers(8)

    subject = subject_of(load)
    start(*[subject.call] * 8).values()
    stats = subject.stats()

    assert (stats["hits"], stats["misses"], stats["loads"]) == (0, 8, 1)


def test_a_waiter_that_takes_over_is_still_one_miss(
    subject_of: Callable[..., Any], start: Callable[..., Any]
) -> None:
    exits = [SystemExit()]

    def load() -> None:
        subject.wait_for_callers(8)
        if exits:
            raise exits.pop()

    subject = subject_of(load)
    start(*[subject.call] * 8).outcomes()

    assert subject.stats()["misses"] == 8
    assert subject.stats()["loads"] == 2


def test_removals_are_counted_by_cause(clock: Any) -> None:
    cache = Cache(ttl=60, max_entries=2)
    cache.update(a=1, b=2)
    cache["a"] = 3  # replaced
    cache["c"] = 4  # size
    del cache["c"]  # explicit
    clock.advance(60)
    cache.expire()  # expired

    assert cache.stats()["removals"] == {"explicit": 1, "replaced": 1, "expired": 1, "size": 1}


def test_load_times_are_summed_and_the_longest_is_kept() -> None:
    @cached
    def load(seconds: float) -> None:
        time.sleep(seconds)  # real time

    load(0.02), load(0.001)
    stats = load.stats()

    assert 0.02 <= stats["load_time_max"] <= stats["load_time_total"]
    assert stats["load_time_total"] >= 0.021


def test_a_refresh_by_hand_counts_as_a_load_and_not_as_a_miss() -> None:
    load = cached(lambda: 1)
    load()
    load.refresh()
    stats = load.stats()

    assert (stats["hits"], stats["misses"], stats["loads"]) == (0, 1, 2)


def test_lookups_in_a_cache_are_counted() -> None:
    cache = Cache()
    cache["a"] = 1
    cache["a"], cache.get("a"), cache.get("b"), cache.setdefault("a", 2)

    assert cache.cache_info()[:2] == (3, 1)


def test_peeking_and_asking_for_presence_count_nothing() -> None:
    cache = Cache()
    cache["a"] = 1
    cache.peek("a"), cache.peek("b"), "a" in cache, "b" in cache, list(cache), len(cache)

    assert cache.cache_info()[:2] == (0, 0)


def test_changing_the_dict_changes_no_counter() -> None:
    load = cached(lambda: 1)
    load.stats()["removals"]["size"] = 5
    load.stats()["hits"] = 5

    assert load.stats()["hits"] == load.stats()["removals"]["size"] == 0


def test_once_counts_as_well() -> None:
    settings = once(lambda: 1)
    settings(), settings()

    assert (settings.stats()["hits"], settings.stats()["loads"]) == (1, 1)


def test_no_hit_is_lost_between_threads(start: Callable[..., Any]) -> None:
    load = cached(lambda: 1)
    load()
    done = threading.Event()

    def work() -> None:
        for _ in range(2000):
            load()
        done.set()

    start(*[work] * 8).values()

    assert load.cache_info().hits == 16_000
