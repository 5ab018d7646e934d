"""A cache against a plain dict: random operations with turns of the clocks, the same answers."""

from __future__ import annotations

from typing import Any

import coldcache
import hypothesis.strategies as st
from coldcache import Cache
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

KEYS = st.one_of(st.integers(0, 4), st.sampled_from(["a", "b", (1, 2), None]))
VALUES = st.integers(0, 99)
TTL = 60
MISSING = object()


class CacheAgainstDict(RuleBasedStateMachine):
    """The model holds, for each key, its value and both clocks at its end."""

    @initialize()
    def begin(self) -> None:
        self.removed: list[tuple[Any, Any, str]] = []
        self.clock = coldcache.testing.clock()
        self.clock.__enter__()
        self.cache: Cache[Any, Any] = Cache(
            ttl=TTL, listener=lambda *told: self.removed.append(told)
        )
        self.model: dict[Any, tuple[Any, float, float]] = {}
        self.monotonic = self.wall = 0.0
        self.expected_live = 0

    def teardown(self) -> None:
        if hasattr(self, "clock"):
            self.clock.__exit__(None, None, None)

    def store(self, key: Any, value: Any, ttl: float = TTL) -> None:
        self.model[key] = value, self.monotonic + ttl, self.wall + ttl

    def live(self) -> dict[Any, Any]:
        return {
            key: value
            for key, (value, monotonic, wall) in self.model.items()
            if self.monotonic < monotonic and self.wall < wall
        }

    def forget_dead(self) -> None:
        live = self.live()
        self.model = {key: entry for key, entry in self.model.items() if key in live}

    @rule(seconds=st.integers(1, 70))
    def advance(self, seconds: int) -> None:
        self.clock.advance(seconds)
        self.monotonic += seconds
        self.wall += seconds

    @rule(seconds=st.integers(1, 70))
    def freeze(self, seconds: int) -> None:
        self.clock.freeze(seconds)
        self.wall += seconds

    @rule(seconds=st.integers(-200, -1))
    def step_wall_back(self, seconds: int) -> None:
        self.clock.step_wall(seconds)
        self.wall += seconds

    @rule(key=KEYS, value=VALUES)
    def set_item(self, key: Any, value: int) -> None:
        self.cache[key] = value
        self.store(key, value)

    @rule(key=KEYS, value=VALUES, ttl=st.integers(1, 200))
    def set_with_ttl(self, key: Any, value: int, ttl: int) -> None:
        self.cache.set(key, value, ttl=ttl)
        self.store(key, value, ttl)

    @rule(key=KEYS)
    def get(self, key: Any) -> None:
        expected = self.live().get(key, MISSING)
        assert self.cache.get(key, MISSING) is expected
        assert self.cache.peek(key) == (None if expected is MISSING else expected)
        assert (key in self.cache) == (expected is not MISSING)

    @rule(key=KEYS)
    def get_item(self, key: Any) -> None:
        live = self.live()
        try:
            assert self.cache[key] == live[key]
        except KeyError as error:
            assert error.args == (key,)  # noqa: PT017 (either of the two may raise it)
            assert key not in live

    @rule(key=KEYS, value=VALUES)
    def get_or_load(self, key: Any, value: int) -> None:
        live = self.live()
        assert self.cache.get_or_load(key, lambda: value) == live.get(key, value)
        if key not in live:
            self.store(key, value)

    @rule(key=KEYS)
    def fail_to_load(self, key: Any) -> None:
        def fail() -> None:
            raise LookupError

        live = self.live()
        try:
            assert self.cache.get_or_load(key, fail) == live[key]
        except LookupError:
            assert key not in live

    @rule(key=KEYS, value=VALUES)
    def setdefault(self, key: Any, value: int) -> None:
        live = self.live()
        assert self.cache.setdefault(key, value) == live.get(key, value)
        if key not in live:
            self.store(key, value)

    @rule(key=KEYS)
    def pop(self, key: Any) -> None:
        assert self.cache.pop(key, MISSING) is self.live().get(key, MISSING)
        self.model.pop(key, None)

    @rule(key=KEYS)
    def delete(self, key: Any) -> None:
        live = self.live()
        try:
            del self.cache[key]
        except KeyError:
            assert key not in live
        else:
            assert key in live
        self.model.pop(key, None)

    @rule(key=KEYS)
    def invalidate(self, key: Any) -> None:
        assert self.cache.invalidate(key) >= (key in self.live())
        self.model.pop(key, None)

    @rule()
    def popitem(self) -> None:
        live = self.live()
        try:
            key, value = self.cache.popitem()
        except KeyError:
            assert not live
        else:
            assert live[key] == value
            del self.model[key]

    @rule(pairs=st.dictionaries(KEYS, VALUES, max_size=4))
    def update(self, pairs: dict[Any, int]) -> None:
        self.cache.update(pairs)
        for key, value in pairs.items():
            self.store(key, value)

    @rule()
    def expire(self) -> None:
        before = len(self.removed)
        dropped = self.cache.expire()
        assert [cause for *_, cause in self.removed[before:]] == ["expired"] * dropped
        self.forget_dead()

    @rule()
    def clear(self) -> None:
        self.cache.clear()
        self.model.clear()

    @rule()
    def reset(self) -> None:
        coldcache.testing.reset()
        self.model.clear()

    @invariant()
    def what_is_seen_is_what_is_live(self) -> None:
        if not hasattr(self, "cache"):
            return
        live = self.live()
        assert dict(self.cache.items()) == live
        assert sorted(map(repr, self.cache)) == sorted(map(repr, live))
        assert sorted(map(repr, self.cache.values())) == sorted(map(repr, live.values()))
        assert len(self.cache) == len(live)


TestCacheAgainstDict = CacheAgainstDict.TestCase
TestCacheAgainstDict.settings = settings(max_examples=150, stateful_step_count=40)
