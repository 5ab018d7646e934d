"""`Cache`: a mapping whose entries have a life."""

from __future__ import annotations

import collections.abc
import pickle
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import Cache


@pytest.fixture
def removals() -> tuple[list[tuple[Any, Any, str]], Callable[..., None]]:
    """What a listener was told, and the listener."""
    told: list[tuple[Any, Any, str]] = []
    return told, lambda *report: told.append(report)


def test_it_is_a_mutable_mapping() -> None:
    assert isinstance(Cache(), collections.abc.MutableMapping)


def test_a_value_that_was_set_is_there() -> None:
    cache = Cache()
    cache["a"] = 1
    cache.set("b", 2)

    assert (cache["a"], cache["b"], cache.get("a"), cache.peek("b")) == (1, 2, 1, 2)


def test_a_missing_key_is_a_key_error_that_names_it() -> None:
    with pytest.raises(KeyError) as caught:
        Cache()[("a", 1)]

    assert caught.value.args == (("a", 1),)


def test_get_gives_the_default() -> None:
    assert Cache().get("a") is None
    assert Cache().get("a", "default") == "default"


def test_none_is_a_value() -> None:
    cache = Cache()
    cache["a"] = None

    assert "a" in cache
    assert cache.get("a", "default") is None
    assert cache.get_or_load("a", lambda: "loaded") is None


@pytest.mark.parametrize("key", [None, 1, "a", b"a", 1.5, (1, "a"), frozenset({1}), int], ids=repr)
def test_any_hashable_object_is_a_key(key: object) -> None:
    cache = Cache()
    cache[key] = "value"

    assert cache[key] == "value"
    assert list(cache) == [key]


def test_equal_keys_are_the_same_as_in_a_dict() -> None:
    cache = Cache()
    cache[1] = "int"
    cache[1.0] = "float"

    assert dict(cache) == {1: "float"}


def test_deleting_removes() -> None:
    cache = Cache()
    cache["a"] = 1
    del cache["a"]

    assert "a" not in cache


@pytest.mark.parametrize("expired", [False, True])
def test_deleting_what_is_not_there_is_a_key_error(expired: bool, clock: Any) -> None:
    cache = Cache(ttl=60)
    if expired:
        cache["a"] = 1
        clock.advance(60)
    with pytest.raises(KeyError, match="a"):
        del cache["a"]


def test_pop_takes_out() -> None:
    cache = Cache()
    cache["a"] = 1

    assert cache.pop("a") == 1
    assert cache.pop("a", "default") == "default"
    with pytest.raises(KeyError, match="a"):
        cache.pop("a")


def test_popitem_takes_pairs_out_until_there_are_none() -> None:
    cache = Cache()
    cache.update(a=1, b=2)
    pairs = [cache.popitem(), cache.popitem()]

    assert sorted(pairs) == [("a", 1), ("b", 2)]
    with pytest.raises(KeyError, match="cache is empty"):
        cache.popitem()


def test_setdefault_stores_only_what_is_missing() -> None:
    cache = Cache()

    assert (cache.setdefault("a", 1), cache.setdefault("a", 2)) == (1, 1)
    assert cache.setdefault("b") is None
    assert dict(cache) == {"a": 1, "b": None}


@pytest.mark.parametrize(
    "other", [{"a": 1, "b": 2}, [("a", 1), ("b", 2)], iter([("a", 1), ("b", 2)])], ids=repr
)
def test_update_takes_what_a_dict_takes(other: Any) -> None:
    cache = Cache()
    cache.update(other, c=3)

    assert dict(cache) == {"a": 1, "b": 2, "c": 3}


def test_an_update_that_fails_half_way_changes_nothing() -> None:
    cache = Cache()
    with pytest.raises((TypeError, ValueError)):
        cache.update([("a", 1), ("b",)])

    assert dict(cache) == {}


def test_a_cache_is_true_also_while_it_is_empty() -> None:
    assert Cache()


def test_only_live_entries_are_seen(clock: Any) -> None:
    cache = Cache(ttl=60)
    cache["old"] = 1
    clock.advance(30)
    cache["new"] = 2
    clock.advance(30)

    assert "old" not in cache
    assert cache.get("old") is None
    assert len(cache) == 1
    assert (list(cache), list(cache.keys())) == (["new"], ["new"])
    assert (list(cache.values()), list(cache.items())) == ([2], [("new", 2)])


def test_an_expired_entry_is_a_key_error(clock: Any) -> None:
    cache = Cache(ttl=60)
    cache["a"] = 1
    clock.freeze(60)

    with pytest.raises(KeyError, match="a"):
        cache["a"]


def test_setting_again_gives_a_full_life(clock: Any) -> None:
    cache = Cache(ttl=60)
    cache["a"] = 1
    clock.advance(50)
    cache["a"] = 2
    clock.advance(50)

    assert cache["a"] == 2


@pytest.mark.parametrize("ttl", [0, -1, float("nan"), float("inf"), "60", True], ids=repr)
def test_a_useless_ttl_of_an_entry_is_an_error_and_changes_nothing(ttl: Any) -> None:
    cache = Cache()
    cache["a"] = 1
    with pytest.raises((TypeError, ValueError), match="ttl must be a positive number of seconds"):
        cache.set("a", 2, ttl=ttl)

    assert cache["a"] == 1


def test_get_or_load_loads_what_is_missing() -> None:
    cache = Cache()

    assert cache.get_or_load("a", lambda: 1) == 1
    assert cache.get_or_load("a", lambda: 2) == 1
    assert cache["a"] == 1


def test_get_or_load_does_not_keep_a_failure() -> None:
    def fail() -> None:
        raise LookupError("backend")

    cache = Cache()
    with pytest.raises(LookupError, match="backend"):
        cache.get_or_load("a", fail)

    assert "a" not in cache
    assert cache.get_or_load("a", lambda: 1) == 1


@pytest.mark.parametrize("loader", [None, 1, "load"], ids=repr)
def test_a_loader_that_cannot_be_called_is_an_error(loader: Any) -> None:
    cache = Cache()
    cache["a"] = 1
    with pytest.raises(TypeError, match="loader must be a callable without arguments"):
        cache.get_or_load("a", loader)


def test_invalidate_tells_whether_there_was_something() -> None:
    cache = Cache()
    cache["a"] = 1

    assert (cache.invalidate("a"), cache.invalidate("a")) == (True, False)


def test_clear_removes_everything() -> None:
    cache = Cache()
    cache.update(a=1, b=2)
    cache.clear()

    assert dict(cache) == {}


def test_expire_drops_what_is_dead_and_tells_how_much(clock: Any) -> None:
    cache = Cache(ttl=60)
    cache.update(a=1, b=2)
    clock.advance(30)
    cache["c"] = 3
    clock.advance(30)

    assert (cache.expire(), cache.expire()) == (2, 0)
    assert cache.cache_info().currsize == 1


def test_expire_spares_what_may_still_stand_in_for_a_failed_load(clock: Any) -> None:
    def fail() -> None:
        raise LookupError

    cache = Cache(ttl=60, stale_if_error=60)
    cache["a"] = 1
    clock.advance(60)

    assert cache.expire() == 0
    assert cache.get_or_load("a", fail) == 1


def test_a_listener_hears_of_explicit_removals(removals: Any) -> None:
    told, listener = removals
    cache = Cache(listener=listener)
    cache.update(a=1, b=2, c=3, d=4, e=5)
    del cache["a"]
    cache.invalidate("b")
    cache.pop("c")
    cache.popitem()
    cache.clear()

    assert told == [(key, at, "explicit") for at, key in enumerate("abcde", 1)]


def test_a_listener_hears_of_replacements(removals: Any) -> None:
    told, listener = removals
    cache = Cache(listener=listener)
    cache["a"] = 1
    cache["a"] = 2

    assert told == [("a", 1, "replaced")]


def test_a_listener_hears_of_evictions(removals: Any) -> None:
    told, listener = removals
    cache = Cache(listener=listener, max_entries=2)
    cache.update(a=1, b=2)
    cache["c"] = 3

    assert told == [("a", 1, "size")]


def test_a_listener_hears_of_expiries(removals: Any, clock: Any) -> None:
    told, listener = removals
    cache = Cache(listener=listener, ttl=60)
    cache.update(a=1, b=2)
    clock.advance(60)
    cache["a"] = 3
    cache.expire()

    assert told == [("a", 1, "expired"), ("b", 2, "expired")]


def test_what_expired_before_it_was_evicted_is_reported_as_expired(
    removals: Any, clock: Any
) -> None:
    told, listener = removals
    cache = Cache(listener=listener, ttl=60, max_entries=1)
    cache["a"] = 1
    clock.advance(60)
    cache["b"] = 2

    assert told == [("a", 1, "expired")]


def test_a_value_that_is_too_heavy_is_reported_as_evicted(removals: Any) -> None:
    told, listener = removals
    cache = Cache(listener=listener, max_weight=3, weigher=len)
    cache["a"] = "xxxx"

    assert told == [("a", "xxxx", "size")]


def test_a_listener_finds_the_entry_gone() -> None:
    seen: list[bool] = []
    cache: Cache[Any, Any] = Cache(listener=lambda key, value, cause: seen.append(key in cache))
    cache["a"] = 1
    del cache["a"]

    assert seen == [False]


def test_an_error_of_a_listener_is_reported_and_disturbs_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def listener(*told: Any) -> None:
        raise LookupError("listener")

    unraisable: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda report: unraisable.append(report.exc_value))
    cache = Cache(listener=listener)
    cache.update(a=1, b=2)
    cache.clear()

    assert dict(cache) == {}
    assert [str(error) for error in unraisable] == ["listener"] * 2


def test_iteration_is_over_the_keys_there_were_at_its_start() -> None:
    cache = Cache()
    cache.update(a=1, b=2)
    keys = iter(cache)
    cache["c"] = 3
    del cache["a"]

    assert list(keys) == ["a", "b"]


def test_entries_come_in_the_order_of_insertion() -> None:
    cache = Cache()
    for key in "cab":
        cache[key] = 1
    cache["a"] = 2

    assert list(cache) == ["c", "a", "b"]


def test_it_may_be_referred_to_weakly() -> None:
    cache = Cache()

    assert weakref.ref(cache)() is cache


def test_it_refuses_to_be_pickled() -> None:
    with pytest.raises(TypeError, match="Cache"):
        pickle.dumps(Cache())


def test_the_representation_names_it_and_shows_no_value(clock: Any) -> None:
    cache = Cache(name="secrets", ttl=60)
    cache["password"] = "hunter2"

    assert repr(cache) == "<coldcache.Cache secrets: 1 live entries>"


@pytest.mark.parametrize("option", ["key", "typed", "vary", "fallback", "copy"])
def test_options_of_calls_are_refused(option: str) -> None:
    with pytest.raises(TypeError, match=f"takes no {option}="):
        Cache(**{option: str})


def test_keys_are_like_those_of_a_dict() -> None:
    cache = Cache()
    cache.update(a=1, b=2)

    assert cache.keys() & {"a", "x"} == {"a"}


def test_it_may_be_unpacked_and_copied_into_a_dict() -> None:
    cache = Cache()
    cache.update(a=1, b=2)

    assert {**cache} == dict(cache) == {"a": 1, "b": 2}
