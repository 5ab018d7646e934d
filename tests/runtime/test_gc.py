"""Garbage: cycles through every kind of cache are collected, and the last reference frees all."""

from __future__ import annotations

import contextlib
import gc
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from coldcache import Cache, cached, once


class Value:
    """Something to refer to, weakly and strongly."""

    other: Any = None


@pytest.fixture(autouse=True)
def _only_when_asked() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def cycle_through_once() -> Value:
    value = Value()
    value.other = once(lambda: value)
    value.other()
    return value


def cycle_through_cached() -> Value:
    value = Value()
    value.other = cached(lambda key: value)
    (
        value.other("a"),
        value.other(
            "a",
        ),
        value.other.peek("a"),
    )
    return value


def cycle_through_a_key() -> Value:
    value = Value()
    value.other = cached(lambda key: None)
    value.other(value)
    return value


def cycle_through_a_method() -> Value:
    class Service(Value):
        @cached
        def load(self, key: str) -> Any:
            return self

    service = Service()
    service.load("a")
    return service


def cycle_through_a_once_method() -> Value:
    class Service(Value):
        @once
        def load(self) -> Any:
            return self

    service = Service()
    service.load()
    return service


def cycle_through_a_bound_method() -> Value:
    class Service(Value):
        @cached
        def load(self) -> Any:
            return self.load

    service = Service()
    service.load()
    return service


def cycle_through_a_class() -> Value:
    class Service(Value):
        @classmethod
        @cached
        def load(cls) -> Any:
            return cls

    Service.load()
    return Service  # type: ignore[return-value]


def cycle_through_a_cache() -> Value:
    value = Value()
    value.other = Cache()
    value.other["k"] = value
    return value


def cycle_through_a_full_cache() -> Value:
    value = Value()
    value.other = Cache(max_entries=2, max_weight=10, weigher=lambda value: 1)
    for key in range(10):
        value.other[key] = value
    return value


def cycle_through_a_listener() -> Value:
    value = Value()
    value.other = Cache(listener=lambda *told: value)
    return value


def cycle_through_a_weigher() -> Value:
    value = Value()
    value.other = Cache(max_weight=5, weigher=lambda given: 1 if value else 2)
    return value


def cycle_through_options() -> Value:
    value = Value()
    value.other = cached(
        ttl=lambda given: 60 if value else 61,
        expires_at=lambda given: None if value else 1,
        key=lambda *args: (value, args)[1],
        vary=(lambda: value and 1,),
        copy=lambda given: value and given,
        fallback=lambda *args: value,
    )(lambda key: key)
    value.other("k")
    return value


def cycle_through_a_dependency() -> Value:
    value = Value()
    value.other = once(after=(lambda: value,), flag="NO_SUCH_FLAG", fallback=value)(lambda: 1)
    value.other()
    return value


def cycle_through_a_failure() -> Value:
    value = Value()

    @cached(error_ttl=60)
    def load() -> None:
        raise ValueError(value)

    value.other = load
    with contextlib.suppress(ValueError):
        load()
    return value


def cycle_through_the_dictionary_of_a_function() -> Value:
    value = Value()
    value.other = cached(lambda: 1)
    value.other.note = value
    return value


CYCLES = [function for name, function in dict(globals()).items() if name.startswith("cycle_")]


@pytest.mark.parametrize("cycle", CYCLES, ids=lambda cycle: cycle.__name__)
def test_a_cycle_is_collected(cycle: Callable[[], Value]) -> None:
    reference = weakref.ref(cycle())
    gc.collect()

    assert reference() is None


@pytest.mark.parametrize("cycle", CYCLES, ids=lambda cycle: cycle.__name__)
def test_a_cycle_in_use_is_not_collected(cycle: Callable[[], Value]) -> None:
    value = cycle()
    gc.collect()
    reference = weakref.ref(value)

    assert reference() is value
    assert repr(value.other)


def test_dropping_a_cached_function_frees_its_values_at_once() -> None:
    load = cached(lambda key: Value())
    references = [weakref.ref(load(key)) for key in range(10)]
    del load

    assert [reference() for reference in references] == [None] * 10


def test_dropping_a_once_frees_its_value_at_once() -> None:
    settings = once(Value)
    reference = weakref.ref(settings())
    del settings

    assert reference() is None


def test_dropping_a_cache_frees_keys_and_values_at_once() -> None:
    cache = Cache(max_entries=3)
    keys, values = [Value() for _ in range(10)], [Value() for _ in range(10)]
    for key, value in zip(keys, values, strict=True):
        cache[key] = value
    references = [weakref.ref(thing) for thing in (*keys, *values)]
    del keys, values, key, value, cache

    assert not any(reference() for reference in references)


def test_dropping_a_cached_function_frees_the_function() -> None:
    def load() -> None: ...

    reference = weakref.ref(load)
    wrapper = cached(load)
    del load, wrapper

    assert reference() is None


@pytest.mark.parametrize(
    "forget",
    [
        lambda cache: cache.clear(),
        lambda cache: cache.invalidate("k"),
        lambda cache: cache.pop("k"),
        lambda cache: cache.popitem(),
        lambda cache: cache.set("k", 1),
        lambda cache: cache.update(k=1),
    ],
    ids=["clear", "invalidate", "pop", "popitem", "set", "update"],
)
def test_a_value_that_left_is_freed_at_once(forget: Callable[[Any], object]) -> None:
    cache = Cache()
    cache["k"] = Value()
    reference = weakref.ref(cache["k"])
    forget(cache)

    assert reference() is None


def test_an_evicted_value_is_freed_at_once() -> None:
    cache = Cache(max_entries=1)
    cache["a"] = Value()
    reference = weakref.ref(cache["a"])
    cache["b"] = 1

    assert reference() is None


def test_an_expired_value_is_freed_by_expire(clock: Any) -> None:
    cache = Cache(ttl=60)
    cache["a"] = Value()
    reference = weakref.ref(cache["a"])
    clock.advance(60)
    cache.expire()

    assert reference() is None


def test_the_arguments_of_a_call_are_not_kept_beside_the_key() -> None:
    load = cached(key=lambda event: event.other)(lambda event: "value")
    event = Value()
    event.other = "id"
    reference = weakref.ref(event)
    load(event)
    del event

    assert reference() is None


def test_a_failed_load_keeps_nothing_alive() -> None:
    @cached
    def load(key: Any) -> None:
        raise ValueError

    key = Value()
    reference = weakref.ref(key)
    with pytest.raises(ValueError, match=r"^$") as caught:
        load(key)
    del key, caught
    gc.collect()

    assert reference() is None


def test_a_refused_re_entry_keeps_nothing_alive() -> None:
    @cached
    def load(key: Any) -> Any:
        return load(key)

    key = Value()
    reference = weakref.ref(key)
    with pytest.raises(RuntimeError) as caught:
        load(key)
    del key, caught
    gc.collect()

    assert reference() is None


def test_the_loader_of_a_cache_is_not_kept() -> None:
    cache = Cache(ttl=60, stale=60)

    def load() -> int:
        return 1

    reference = weakref.ref(load)
    cache.get_or_load("k", load)
    del load

    assert reference() is None


def test_references_are_counted_right() -> None:
    value, key = Value(), Value()
    load = cached(lambda key: value)
    cache: Cache[Any, Any] = Cache(max_entries=2)
    before = sys.getrefcount(value), sys.getrefcount(key)
    for round_ in range(100):
        load(key), load(key), load(key), load.peek(key), load.refresh(key)
        cache[key] = value
        cache[key], cache.get(key), cache.peek(key), cache.get_or_load(key, Value)
        cache[round_] = value
        list(cache.items()), list(cache), key in cache
        load.invalidate(key)
        cache.clear()
    load.cache_clear()

    assert (sys.getrefcount(value), sys.getrefcount(key)) == before


# In a process of its own: what is tested for is a crash.
COLLECT_ALWAYS = """
    import gc
    from coldcache import Cache, cached, once
    gc.set_threshold(1)
    for run in range(300):
        @cached(ttl=60, max_entries=3)
        def load(key):
            return [key]
        @once
        def settings():
            return {}
        class Service:
            @cached
            def load(self, key):
                return [self]
            @once
            def settings(self):
                return [self]
        cache = Cache(max_entries=3, max_weight=9, weigher=len, listener=lambda *told: [told])
        service = Service()
        for key in range(8):
            load(key), settings(), service.load(key), service.settings()
            cache[key] = [key]
            cache.get_or_load(str(key), lambda: [key])
        load.invalidate(7), cache.clear(), settings.reset()
    print("alive")
"""


def test_a_collection_at_any_moment_does_no_harm(run_python: Callable[..., str]) -> None:
    assert run_python(COLLECT_ALWAYS) == "alive"


# In an interpreter of its own: the next use of any cache would sweep up what is left behind.
DROP_A_DECORATOR = """
    import gc, weakref
    from coldcache import cached

    class Fallback: ...

    fallback = Fallback()
    decorator = cached(fallback=fallback)
    reference = weakref.ref(fallback)
    del fallback, decorator
    gc.collect()
    print(reference())
"""


def test_dropping_a_decorator_frees_its_options(run_python: Callable[..., str]) -> None:
    assert run_python(DROP_A_DECORATOR) == "None"
