"""Python code that caches run (hashing, destructors, hooks) may use the same cache."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import Cache, cached


def use(cache: Any) -> None:
    """One of everything that can be done to a cache."""
    cache["x"] = 1
    cache.get("x"), cache.peek("y"), "x" in cache, len(cache), list(cache.items())
    cache.get_or_load("z", lambda: 1)
    cache.pop("x", None), cache.invalidate("z"), cache.expire(), cache.stats(), cache.cache_info()
    cache.update(v=1)
    cache.setdefault("w", 1)


class Meddling:
    """Its methods use a cache each time they run."""

    cache: Any = None
    on: frozenset[str] = frozenset()
    busy = False

    def __init__(self, number: int = 0) -> None:
        self.number = number

    def meddle(self, where: str) -> None:
        if where in Meddling.on and not Meddling.busy:
            Meddling.busy = True
            try:
                use(Meddling.cache)
                Meddling.cache.clear()
                use(Meddling.cache)
            finally:
                Meddling.busy = False

    def __hash__(self) -> int:
        self.meddle("hash")
        return 1

    def __eq__(self, other: object) -> bool:
        self.meddle("eq")
        return isinstance(other, Meddling) and self.number == other.number

    def __del__(self) -> None:
        self.meddle("del")


@pytest.fixture(params=[{}, {"max_entries": 3}, {"max_entries": 3, "policy": "tiny_lfu"}], ids=repr)
def cache(request: pytest.FixtureRequest) -> Any:
    made: Cache[Any, Any] = Cache(**request.param)
    Meddling.cache = made
    yield made
    Meddling.on = frozenset()
    Meddling.cache = None


@pytest.mark.parametrize("where", ["hash", "eq", "del"])
def test_a_key_may_use_the_cache_it_is_put_into(
    cache: Any, where: str, start: Callable[..., Any]
) -> None:
    def work() -> None:
        for number in range(10):
            cache[Meddling(number)] = number
            cache.get(Meddling(number)), cache.get_or_load(Meddling(number), lambda: 1)
            cache.pop(Meddling(number), None)
        use(cache)

    Meddling.on = frozenset({where})
    start(work).values()  # in a thread, so that a hang is seen as one
    Meddling.on = frozenset()
    cache[Meddling(5)] = "five"

    assert cache[Meddling(5)] == "five"
    assert len(cache) == len(list(cache))


def test_a_value_may_use_the_cache_when_it_dies(cache: Any) -> None:
    Meddling.on = frozenset({"del"})
    for number in range(10):
        cache[number] = Meddling(number)
        cache[number] = Meddling(number)
    cache.clear()
    Meddling.on = frozenset()
    cache["k"] = "v"

    assert cache["k"] == "v"


def test_a_destructor_may_clear_the_cache_that_is_being_cleared() -> None:
    cache: Cache[Any, Any] = Cache()

    class Clearing:
        def __del__(self) -> None:
            cache.clear()

    for key in range(20):
        cache[key] = Clearing()
    cache.clear()

    assert len(cache) == 0


def test_a_destructor_that_refills_the_cache_keeps_to_the_bound() -> None:
    cache: Cache[Any, Any] = Cache(max_entries=3)
    refills = [100]

    class Refilling:
        def __del__(self) -> None:
            if refills[0]:
                refills[0] -= 1
                cache[refills[0]] = Refilling()

    for key in range(1000, 1010):
        cache[key] = Refilling()
    cache[2000] = 0

    assert len(cache) <= 3


def test_a_listener_may_use_the_cache() -> None:
    told: list[tuple[Any, Any, str]] = []

    def listener(key: Any, value: Any, cause: str) -> None:
        told.append((key, value, cause))
        if len(told) < 50:
            cache[("again", key)] = value
            use(cache)

    cache: Cache[Any, Any] = Cache(max_entries=3, listener=listener)
    for key in range(5):
        cache[key] = key
    cache.clear()

    assert len(told) > 10
    assert len(cache) <= 3


def test_a_listener_may_put_back_what_was_evicted() -> None:
    put_back: list[Any] = []

    def listener(key: Any, value: Any, cause: str) -> None:
        if cause == "size" and not put_back:
            put_back.append(key)
            cache[key] = value

    cache: Cache[Any, Any] = Cache(max_entries=2, listener=listener)
    for key in range(3):
        cache[key] = key

    assert put_back == [0]
    assert len(cache) == 2
    assert 0 in cache


def test_a_weigher_may_use_the_cache() -> None:
    depth = [0]

    def weigher(value: Any) -> int:
        if depth[0] == 0:
            depth[0] = 1
            use(cache)
            depth[0] = 0
        return 1

    cache: Cache[Any, Any] = Cache(max_weight=3, weigher=weigher)
    for key in range(10):
        cache[key] = key

    assert len(cache) == 3
    assert cache[9] == 9


def test_a_key_function_may_call_the_function_it_belongs_to() -> None:
    def key(name: str) -> str:
        if name != "default":
            load("default")
        return name

    @cached(key=key)
    def load(name: str) -> str:
        return name.upper()

    assert load("a") == "A"
    assert load.peek("default") == "DEFAULT"


def test_a_loader_may_use_the_cache_it_loads_for() -> None:
    cache: Cache[Any, Any] = Cache(max_entries=3)

    def load() -> str:
        use(cache)
        return "value"

    assert cache.get_or_load("k", load) == "value"
    assert cache["k"] == "value"


def test_a_loader_may_set_its_own_key_and_that_value_stays() -> None:
    cache: Cache[Any, Any] = Cache()

    def load() -> str:
        cache["k"] = "set"
        return "loaded"

    assert cache.get_or_load("k", load) == "loaded"
    assert cache["k"] == "set"


def test_a_copy_function_may_call_the_function_it_belongs_to() -> None:
    depth = [0]

    def copy(value: Any) -> Any:
        if depth[0] == 0:
            depth[0] = 1
            load("other")
            depth[0] = 0
        return list(value)

    @cached(copy=copy)
    def load(key: str) -> list[str]:
        return [key]

    assert [load("a"), load("a")] == [["a"], ["a"]]


def test_a_fallback_may_call_the_function_it_belongs_to() -> None:
    @cached(fallback=lambda key: load("good"))
    def load(key: str) -> str:
        if key == "bad":
            raise ValueError(key)
        return key

    assert load("bad") == "good"


def test_iteration_survives_changes() -> None:
    cache: Cache[Any, Any] = Cache()
    for key in range(10):
        cache[key] = key
    seen = []
    for key in cache:
        seen.append(key)
        del cache[key]
        cache[key + 100] = key

    assert seen == list(range(10))


@pytest.mark.parametrize("operation", ["items", "values", "keys", "expire", "clear", "popitem"])
def test_walking_through_the_cache_survives_keys_that_change_it(operation: str) -> None:
    cache: Cache[Any, Any] = Cache()
    Meddling.cache = cache
    for number in range(5):
        cache[Meddling(number)] = number
    Meddling.on = frozenset({"hash", "eq", "del"})
    with contextlib.suppress(KeyError):  # popitem finds nothing if a key has cleared the cache
        getattr(cache, operation)()
    Meddling.on = frozenset()
    Meddling.cache = None

    assert len(cache) == len(cache.items())


def test_threads_with_meddling_keys_do_not_deadlock(start: Callable[..., Any]) -> None:
    cache: Cache[Any, Any] = Cache(max_entries=5)

    class Slow:
        def __init__(self, number: int) -> None:
            self.number = number

        def __hash__(self) -> int:
            return len(str(self.number))  # Python code, so that threads change within

        def __eq__(self, other: object) -> bool:
            cache.get("x")
            return isinstance(other, Slow) and self.number == other.number

    def work() -> None:
        for number in range(100):
            assert cache.get_or_load(Slow(number % 9), lambda n=number % 9: n) == number % 9
            cache.invalidate(Slow(number % 7))

    start(*[work] * 8).values()

    assert len(cache) <= 5


def test_a_listener_that_clears_while_an_entry_is_replaced_leaves_nothing_behind() -> None:
    class Value: ...

    def listener(key: Any, value: Any, cause: str) -> None:
        if cause == "replaced":
            cache.clear()

    cache: Cache[Any, Any] = Cache(max_entries=2, listener=listener)
    cache.update(a=1, b=2, c=3)
    value = Value()
    reference = weakref.ref(value)
    cache["c"] = value
    cache.clear()
    del value

    assert len(cache) == 0
    assert reference() is None


@pytest.mark.parametrize("policy", ["lru", "tiny_lfu"])
def test_a_cache_that_its_values_clear_as_they_die_can_still_keep_something(policy: str) -> None:
    cache: Cache[Any, Any] = Cache(max_entries=20, policy=policy)
    deaths = [0]

    class Value:
        def __del__(self) -> None:
            deaths[0] += 1
            if deaths[0] % 7 == 0:
                cache.clear()

    for number in range(5000):
        cache[number % 50] = Value()
    cache.clear()
    for number in range(20):
        cache[number] = number

    assert sorted(cache) == list(range(20))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_exit_in_a_listener_is_not_swallowed(error: type[BaseException]) -> None:
    def listener(*told: Any) -> None:
        raise error

    cache: Cache[Any, Any] = Cache(listener=listener)
    cache["k"] = 1
    with pytest.raises(error):
        del cache["k"]

    assert "k" not in cache
