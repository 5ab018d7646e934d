"""Another thread's turn at any hash of a key: nothing is lost, doubled, or served too long.

A key with a `__hash__` in Python lets other threads in between any two steps of an operation. Here
one hash after the other runs what another thread might do.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import Cache, ReentrantLoadError, cached

# More than an operation hashes its key.
MOMENTS = range(1, 31)


class Interrupted:
    """A key equal to its likes; at one of the hashes to come it lets somebody else act."""

    act: Callable[[], object] | None = None
    hashes_left = 0

    def __hash__(self) -> int:
        kind = type(self)
        if kind.act is not None:
            kind.hashes_left -= 1
            if kind.hashes_left == 0:
                act, kind.act = kind.act, None
                act()
        return 1

    def __eq__(self, other: object) -> bool:
        return isinstance(other, type(self))


@pytest.fixture
def key_kind() -> type[Interrupted]:
    """A kind of key of this test's own."""
    return type("Key", (Interrupted,), {})


def arm(kind: type[Interrupted], moment: int, act: Callable[[], object]) -> None:
    kind.act = staticmethod(act)  # type: ignore[assignment]
    kind.hashes_left = moment


def load_meanwhile(cache: Any, key: Any) -> None:
    # The part of the other thread is played by this one, which may have to wait for itself.
    with contextlib.suppress(ReentrantLoadError):
        cache.get_or_load(key, lambda: "loaded meanwhile")


BOUNDS = pytest.mark.parametrize(
    "bounds",
    [
        {"max_entries": None},
        {"max_entries": 2},
        {"max_entries": 2, "policy": "tiny_lfu"},
        {"max_weight": 1000, "weigher": lambda value: 400},
    ],
    ids=["unbounded", "lru", "tiny_lfu", "weight"],
)
ACTIONS: dict[str, Callable[[Any, Any], object]] = {
    "invalidate": lambda cache, key: cache.invalidate(key),
    "clear": lambda cache, key: cache.clear(),
    "set": lambda cache, key: cache.set(key, "set meanwhile"),
    "load": load_meanwhile,
    "fill": lambda cache, key: cache.update({1: "one", 2: "two", 3: "three"}),
}
OPERATIONS: dict[str, Callable[[Any, Any], object]] = {
    "set": lambda cache, key: cache.set(key, "set"),
    "get": lambda cache, key: cache.get(key),
    "load": lambda cache, key: cache.get_or_load(key, lambda: "loaded"),
    "invalidate": lambda cache, key: cache.invalidate(key),
    "pop": lambda cache, key: cache.pop(key, None),
    "setdefault": lambda cache, key: cache.setdefault(key, "default"),
    "update": lambda cache, key: cache.update([(key, "updated")]),
    "in": lambda cache, key: key in cache,
    "peek": lambda cache, key: cache.peek(key),
}


@BOUNDS
@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_an_operation_copes_with_another_at_any_moment(
    bounds: dict[str, Any],
    operation: Callable[[Any, Any], object],
    action: Callable[[Any, Any], object],
    key_kind: type[Interrupted],
) -> None:
    for moment in MOMENTS:
        for was_there in (False, True):
            told: list[tuple[Any, str]] = []
            cache: Cache[Any, Any] = Cache(
                listener=lambda key, value, cause, told=told: told.append((value, cause)), **bounds
            )
            cache["other"] = "other"
            if was_there:
                cache[key_kind()] = "there before"
            arm(key_kind, moment, lambda cache=cache: action(cache, key_kind()))
            operation(cache, key_kind())
            key_kind.act = None

            values = [value for value, _ in told]
            assert len(values) == len(set(values)), f"removed twice: {told} (moment {moment})"
            assert set(values).isdisjoint(cache.values()), f"removed and there: {told}"
            cache.clear()
            assert len(cache) == 0
            cache.update({"a": "new a", "b": "new b"})
            assert sorted(cache) == ["a", "b"], f"no room any more (moment {moment})"


@pytest.mark.parametrize("forget", ["invalidate", "clear"])
def test_a_value_that_was_forgotten_after_its_load_began_is_never_kept(
    forget: str, key_kind: type[Interrupted]
) -> None:
    for moment in MOMENTS:
        cache: Cache[Any, Any] = Cache()
        has_begun: list[bool] = []
        came_after: list[bool] = []

        def load(has_begun: list[bool] = has_begun) -> str:
            has_begun.append(True)
            return "loaded"

        def act(
            cache: Any = cache, has_begun: Any = has_begun, came_after: Any = came_after
        ) -> None:
            came_after.extend(has_begun)
            ACTIONS[forget](cache, key_kind())

        arm(key_kind, moment, act)
        assert cache.get_or_load(key_kind(), load) == "loaded"
        key_kind.act = None
        if came_after:
            assert cache.peek(key_kind()) is None, f"kept (moment {moment})"


def test_a_value_that_was_set_after_a_load_began_stays(key_kind: type[Interrupted]) -> None:
    for moment in MOMENTS:
        cache: Cache[Any, Any] = Cache()
        has_begun: list[bool] = []
        came_after: list[bool] = []

        def load(has_begun: list[bool] = has_begun) -> str:
            has_begun.append(True)
            return "loaded"

        def act(
            cache: Any = cache, has_begun: Any = has_begun, came_after: Any = came_after
        ) -> None:
            came_after.extend(has_begun)
            cache[key_kind()] = "set"

        arm(key_kind, moment, act)
        cache.get_or_load(key_kind(), load)
        key_kind.act = None
        if came_after:
            assert cache.peek(key_kind()) == "set", f"replaced (moment {moment})"


def test_another_thread_at_any_moment_does_not_load_a_second_time(
    key_kind: type[Interrupted],
) -> None:
    for moment in MOMENTS:
        cache: Cache[Any, Any] = Cache()
        runs: list[int] = []
        threads: list[threading.Thread] = []

        def load(runs: list[int] = runs) -> str:
            runs.append(1)
            return "loaded"

        def act(cache: Any = cache, load: Any = load, threads: Any = threads) -> None:
            thread = threading.Thread(target=cache.get_or_load, args=(key_kind(), load))
            thread.start()
            thread.join(0.01)  # real time: it either ends by itself or waits for this thread
            threads.append(thread)

        arm(key_kind, moment, act)
        assert cache.get_or_load(key_kind(), load) == "loaded"
        key_kind.act = None
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive()

        assert len(runs) == 1, f"loaded twice (moment {moment})"


def test_remembered_failures_cope_with_an_invalidation_at_any_moment(
    key_kind: type[Interrupted],
) -> None:
    for moment in MOMENTS:

        @cached(error_ttl=60)
        def load(key: Any) -> None:
            raise LookupError("backend")

        arm(key_kind, moment, lambda load=load: load.invalidate(key_kind()))
        for _ in range(2):
            with pytest.raises(LookupError, match="backend"):
                load(key_kind())
        load.invalidate(key_kind())
        key_kind.act = None
