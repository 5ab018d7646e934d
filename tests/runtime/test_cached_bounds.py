"""Bounds: never more entries or weight than allowed, and the right ones stay."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import Cache, cached
from hypothesis import given
from hypothesis import strategies as st

POLICIES = pytest.mark.parametrize("policy", ["lru", "tiny_lfu"])


def echo(**options: Any) -> Any:
    @cached(**options)
    def function(key: Any) -> Any:
        return key

    return function


def held(function: Any, keys: Any) -> list[Any]:
    return [key for key in keys if function.peek(key) is not None]


@POLICIES
@pytest.mark.parametrize("most", [1, 2, 7, 100])
def test_there_are_never_more_entries_than_allowed(policy: str, most: int) -> None:
    function = echo(max_entries=most, policy=policy)
    generator = random.Random(most)
    for _ in range(1000):
        function(generator.randrange(3 * most + 1))
        assert function.cache_info().currsize <= most


@POLICIES
def test_a_full_cache_is_full(policy: str) -> None:
    function = echo(max_entries=10, policy=policy)
    for key in range(10):
        function(key)

    assert function.cache_info().currsize == 10
    assert held(function, range(10)) == list(range(10))


@POLICIES
def test_a_cache_is_never_longer_than_allowed(policy: str) -> None:
    cache = Cache(max_entries=5, policy=policy)
    for key in range(50):
        cache[key] = key
        assert len(cache) <= 5
        assert len(list(cache)) == len(cache)


def test_the_least_recently_used_entry_goes_first() -> None:
    function = echo(max_entries=3)
    for key in (1, 2, 3, 1, 4):
        function(key)

    assert held(function, (1, 2, 3, 4)) == [1, 3, 4]


def test_a_use_before_the_cache_was_full_counts() -> None:
    function = echo(max_entries=3)
    for key in (1, 1, 2, 3, 4):
        function(key)

    assert held(function, (1, 2, 3, 4)) == [2, 3, 4]


def test_a_peek_is_no_use() -> None:
    function = echo(max_entries=2)
    function(1), function(2)
    function.peek(1)
    function(3)

    assert held(function, (1, 2, 3)) == [2, 3]


def test_reading_a_cache_is_a_use() -> None:
    cache = Cache(max_entries=2)
    cache[1] = cache[2] = "x"
    cache.get(1)
    cache[3] = "x"

    assert sorted(cache) == [1, 3]


def test_replacing_is_a_use() -> None:
    cache = Cache(max_entries=2)
    cache[1] = cache[2] = "x"
    cache[1] = "y"
    cache[3] = "x"

    assert sorted(cache) == [1, 3]


def test_get_or_load_of_a_kept_value_is_a_use() -> None:
    cache = Cache(max_entries=2)
    for key in (1, 2, 1, 3):
        cache.get_or_load(key, lambda: "x")

    assert sorted(cache) == [1, 3]


@given(
    most=st.integers(1, 8),
    keys=st.lists(st.integers(0, 12), max_size=120),
)
def test_lru_evicts_what_functools_evicts(most: int, keys: list[int]) -> None:
    ours = echo(max_entries=most)
    theirs = functools.lru_cache(maxsize=most)(lambda key: key)
    for key in keys:
        ours(key), theirs(key)

    assert ours.cache_info() == theirs.cache_info()


@given(
    most=st.integers(1, 6),
    steps=st.lists(st.tuples(st.sampled_from("cid"), st.integers(0, 9)), max_size=80),
)
def test_lru_order_survives_invalidation(most: int, steps: list[tuple[str, int]]) -> None:
    function = echo(max_entries=most)
    model: list[int] = []  # least recently used first
    for step, key in steps:
        if step == "c":
            function(key)
            if key in model:
                model.remove(key)
            model = [*model, key][-most:]
        elif step == "i":
            assert function.invalidate(key) == (key in model)
            model = [other for other in model if other != key]
        else:
            assert (function.peek(key) is not None) == (key in model)

    assert held(function, range(10)) == sorted(model)


def test_a_hot_set_survives_a_scan_under_tiny_lfu() -> None:
    function = echo(max_entries=100, policy="tiny_lfu")
    hot = range(50)
    for _ in range(20):
        for key in hot:
            function(key)
    for key in range(1000, 3000):
        function(key)

    assert len(held(function, hot)) >= 45


def test_a_scan_flushes_a_hot_set_under_lru() -> None:
    function = echo(max_entries=100)
    for _ in range(20):
        for key in range(50):
            function(key)
    for key in range(1000, 1100):
        function(key)

    assert held(function, range(50)) == []


def test_a_value_that_tiny_lfu_does_not_admit_is_still_returned() -> None:
    function = echo(max_entries=2, policy="tiny_lfu")
    for _ in range(50):
        function("a"), function("b")

    assert [function(key) for key in range(20)] == list(range(20))
    assert function.cache_info().currsize <= 2


def test_without_a_bound_everything_stays() -> None:
    function = echo(max_entries=None)
    for key in range(5000):
        function(key)

    assert function.cache_info().currsize == 5000
    assert function.cache_info().maxsize is None


def test_the_default_bound_is_1024_entries() -> None:
    function = echo()
    for key in range(1100):
        function(key)

    assert function.cache_info()[2:] == (1024, 1024)


def test_each_instance_has_a_bound_of_its_own() -> None:
    class Service:
        @cached(max_entries=2)
        def load(self, key: int) -> int:
            return key

    one, other = Service(), Service()
    for key in range(5):
        one.load(key), other.load(key)

    assert one.load.cache_info().currsize == other.load.cache_info().currsize == 2


def test_the_weight_is_never_more_than_allowed() -> None:
    cache = Cache(max_entries=None, max_weight=100, weigher=len)
    generator = random.Random(5)
    for key in range(500):
        cache[key] = "x" * generator.randrange(40)
        assert sum(map(len, cache.values())) <= 100


def test_as_many_light_entries_go_as_a_heavy_one_needs() -> None:
    cache = Cache(max_weight=10, weigher=len)
    for key in range(10):
        cache[key] = "x"
    cache["heavy"] = "x" * 4

    assert sorted(cache, key=str) == [4, 5, 6, 7, 8, 9, "heavy"]


def test_a_value_heavier_than_the_bound_is_returned_and_not_kept() -> None:
    function = cached(max_weight=3, weigher=len)(lambda key: key * 10)

    assert function("x") == "x" * 10
    assert function.cache_info().currsize == 0


def test_a_value_heavier_than_the_bound_leaves_the_others() -> None:
    cache = Cache(max_weight=10, weigher=len)
    cache["a"] = "xxx"
    cache["heavy"] = "x" * 11

    assert dict(cache) == {"a": "xxx"}


def test_replacing_frees_the_weight_of_the_old_value() -> None:
    cache = Cache(max_weight=10, weigher=len)
    for _ in range(20):
        cache["a"] = "x" * 5
        cache["b"] = "y" * 5

    assert sorted(cache) == ["a", "b"]


def test_removing_frees_weight() -> None:
    cache = Cache(max_weight=10, weigher=len)
    for _ in range(20):
        cache["a"] = "x" * 10
        del cache["a"]
    cache["b"] = "y" * 10

    assert list(cache) == ["b"]


def test_weightless_values_take_no_room() -> None:
    cache = Cache(max_weight=1, weigher=len)
    for key in range(50):
        cache[key] = ""

    assert len(cache) == 50


def test_both_bounds_hold_at_once() -> None:
    cache = Cache(max_entries=5, max_weight=20, weigher=len)
    for key in range(10):
        cache[key] = "x"
    by_entries = len(cache)
    for key in range(10):
        cache[key] = "x" * 10

    assert by_entries == 5
    assert sum(map(len, cache.values())) <= 20
    assert len(cache) == 2


def test_expired_entries_make_room_like_any_other(clock: Any) -> None:
    cache = Cache(ttl=60, max_entries=3)
    for key in range(3):
        cache[key] = key
    clock.advance(60)
    for key in range(10, 13):
        cache[key] = key

    assert list(cache) == [10, 11, 12]


def test_clearing_a_full_cache_empties_its_bounds() -> None:
    cache = Cache(max_entries=3, max_weight=6, weigher=len)
    for key in range(10):
        cache[key] = "xx"
    cache.clear()
    for key in "abc":
        cache[key] = "xx"

    assert list(cache) == ["a", "b", "c"]


def test_hits_from_many_threads_keep_the_bound(start: Callable[..., Any]) -> None:
    function = echo(max_entries=10)

    def work(seed: int) -> None:
        generator = random.Random(seed)
        for _ in range(500):
            key = generator.randrange(30)
            assert function(key) == key
            assert function.cache_info().currsize <= 10

    start(*[functools.partial(work, seed) for seed in range(8)]).values()


def test_beside_a_bound_of_weight_the_least_recently_used_entry_goes_first() -> None:
    function = echo(max_entries=3, max_weight=30, weigher=lambda value: 10)
    for key in (1, 2, 3, 1, 4):
        function(key)

    assert held(function, (1, 2, 3, 4)) == [1, 3, 4]


def test_a_use_counts_for_the_bound_of_weight_as_well() -> None:
    function = echo(max_weight=3, weigher=lambda value: 1)
    for key in (1, 2, 3, 1, 4):
        function(key)

    assert held(function, (1, 2, 3, 4)) == [1, 3, 4]


def test_one_heavy_value_makes_thousands_of_light_ones_go() -> None:
    cache: Cache[Any, Any] = Cache(max_entries=None, max_weight=20_000, weigher=lambda value: value)
    for key in range(20_000):
        cache[key] = 1
    cache["heavy"] = 19_000

    assert sum(cache.values()) <= 20_000
    assert "heavy" in cache


def test_what_one_bound_refuses_costs_nothing_under_the_other() -> None:
    cache: Cache[Any, Any] = Cache(max_entries=10, max_weight=10, weigher=lambda value: value)
    for key in range(5):
        cache[key] = 1
    cache["too heavy"] = 11

    assert sorted(cache) == list(range(5))


def test_a_key_that_came_back_is_no_stranger_to_tiny_lfu() -> None:
    function = echo(max_entries=20, policy="tiny_lfu")
    for _ in range(30):
        for key in range(15):
            function(key)
    for _ in range(60):  # the hot set moves
        for key in range(100, 115):
            function(key)

    assert len(held(function, range(100, 115))) >= 12
