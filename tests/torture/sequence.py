"""Random operations on one `Cache`, one after the other, against an oracle of plain dicts.

The clocks are held and turned by the schedule, so a schedule always runs the same.
"""

from __future__ import annotations

import asyncio
import random
from typing import Any, NamedTuple

import coldcache

KEYS = ["a", "b", 1, 1.5, True, None, ("a", 1), b"a"]
MISSING = "missing"
REENTRANT = "ReentrantLoadError"


class Down(Exception):
    """The source cannot be reached."""


class Options(NamedTuple):
    """What the cache of one schedule is made with; in seconds."""

    ttl: float | None
    stale_if_error: float | None
    error_ttl: tuple[float, float] | None
    max_entries: int | None
    policy: str


class Step(NamedTuple):
    """One operation and its arguments."""

    name: str
    key: Any = None
    number: float = 0


def draw_options(dice: random.Random) -> Options:
    ttl = dice.choice([None, 10, 60])
    policy = dice.choice(["lru", "tiny_lfu"])
    if dice.random() < 0.3:
        # What is evicted takes its past with it, which the oracle cannot know: no failures here.
        return Options(ttl, None, None, 3, policy)
    stale_if_error = dice.choice([None, 5, 100]) if ttl else None
    return Options(ttl, stale_if_error, dice.choice([None, (3, 3), (4, 20)]), None, policy)


def draw_step(dice: random.Random) -> Step:
    names = {
        "get": 8, "contains": 2, "set": 3, "set_with_ttl": 2, "invalidate": 2, "pop": 1,
        "delete": 1, "setdefault": 1, "load": 8, "load_async": 4, "load_failing": 4,
        "load_failing_async": 2, "load_reentrant": 1, "load_reentrant_async": 1,
        "load_invalidating": 1, "load_cancelled": 1, "clear": 1, "expire": 1, "len": 1, "items": 1,
        "advance": 6, "freeze": 2, "step_wall": 2,
    }  # fmt: skip
    name = dice.choices(list(names), list(names.values()))[0]
    seconds = dice.choice([0.5, 1, 3, 5, 10, 55, 60, 110, 4000])
    return Step(name, dice.choice(KEYS), -seconds if name == "step_wall" else seconds)


class Oracle:
    """What a cache should answer: two dicts, two clocks, no cleverness."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.monotonic = self.wall = 0.0
        self.entries: dict[Any, tuple[Any, float | None, float, float]] = {}
        self.failures: dict[Any, tuple[type[Exception], int, float, float]] = {}

    def since(self, monotonic: float, wall: float) -> float:
        return max(self.monotonic - monotonic, self.wall - wall, 0)

    def late_by(self, key: Any) -> float | None:
        """Seconds past the end of the entry's life, negative before it; None without an end."""
        _, ttl, monotonic, wall = self.entries[key]
        return None if ttl is None else self.since(monotonic, wall) - ttl

    def is_live(self, key: Any) -> bool:
        if key not in self.entries:
            return False
        late = self.late_by(key)
        return late is None or late < 0

    def get(self, key: Any) -> Any:
        return self.entries[key][0] if self.is_live(key) else MISSING

    def set(self, key: Any, value: Any, ttl: float | None = None) -> None:
        life = self.options.ttl if ttl is None else ttl
        self.failures.pop(key, None)
        self.entries[key] = (value, life, self.monotonic, self.wall)

    def invalidate(self, key: Any) -> None:
        self.failures.pop(key, None)
        self.entries.pop(key, None)

    def clear(self) -> None:
        self.entries.clear()
        self.failures.clear()

    def is_of_use(self, key: Any) -> bool:
        """Whether the entry is live or could stand in for a failed load."""
        late = self.late_by(key)
        return late is None or late < max(0, self.options.stale_if_error or 0)

    def expire(self) -> None:
        self.entries = {key: self.entries[key] for key in self.entries if self.is_of_use(key)}

    def load(self, key: Any, value: Any) -> Any:
        """The answer to a load that would bring this value, or fail with this class."""
        if self.is_live(key):
            return self.entries[key][0]
        if self.options.error_ttl is not None and key in self.failures:
            kind, in_a_row, monotonic, wall = self.failures[key]
            first, cap = self.options.error_ttl
            if self.since(monotonic, wall) < min(first * 2 ** (in_a_row - 1), cap):
                return self._instead_of(kind, key)
        if not isinstance(value, type):
            self.set(key, value)
            return value
        if self.options.error_ttl is not None:
            in_a_row = self.failures[key][1] + 1 if key in self.failures else 1
            self.failures[key] = (value, in_a_row, self.monotonic, self.wall)
        return self._instead_of(value, key)

    def _instead_of(self, failure: type[Exception], key: Any) -> Any:
        return self.entries[key][0] if key in self.entries and self.is_of_use(key) else failure


class Sequence:
    """One schedule: a cache, an oracle, and the steps taken so far."""

    make_cache: Any = coldcache.Cache

    def __init__(self, seed: str, length: int) -> None:
        dice = random.Random(seed)
        self.options = draw_options(dice)
        self.steps = [draw_step(dice) for _ in range(length)]
        self.at = 0
        self.values = iter(range(10**9))

    def __str__(self) -> str:
        lines = [f"{number}: {step}" for number, step in enumerate(self.steps[: self.at + 1])]
        return "\n".join([repr(self.options), *lines])

    def run(self) -> None:
        """Take all steps; AssertionError where the cache and the oracle disagree."""
        given = {name: value for name, value in self.options._asdict().items() if value is not None}
        given["max_entries"] = self.options.max_entries
        loop = asyncio.new_event_loop()
        try:
            with coldcache.testing.clock() as clock:
                oracle, cache = Oracle(self.options), self.make_cache(**given)
                for step in self.steps:
                    self._take(step, cache, oracle, clock, loop)
                    self._compare(cache, oracle)
                    self.at += 1
        finally:
            loop.close()

    def _take(self, step: Step, cache: Any, oracle: Oracle, clock: Any, loop: Any) -> None:
        name, key, number = step
        if name in ("advance", "freeze", "step_wall"):
            getattr(clock, name)(number)
            oracle.monotonic += number if name == "advance" else 0
            oracle.wall += number
        elif name.startswith("load"):
            self._load(name, key, cache, oracle, loop)
        elif name in ("set", "set_with_ttl"):
            value, ttl = next(self.values), number if name == "set_with_ttl" else None
            cache.set(key, value, ttl=ttl)
            oracle.set(key, value, ttl)
        elif name == "setdefault":
            value = next(self.values)
            expected = oracle.get(key)
            if expected == MISSING:
                oracle.set(key, expected := value)
            self._same(cache.setdefault(key, value), expected)
        elif name in ("get", "contains", "pop", "delete", "invalidate"):
            self._ask(name, key, cache, oracle)
        elif name == "clear":
            cache.clear()
            oracle.clear()
        elif name == "expire":
            cache.expire()
            oracle.expire()
        elif name == "len":
            self._same(len(cache), len(list(filter(oracle.is_live, oracle.entries))))
        else:
            live = {kept: oracle.get(kept) for kept in oracle.entries if oracle.is_live(kept)}
            self._same(dict(cache.items()), live)

    def _ask(self, name: str, key: Any, cache: Any, oracle: Oracle) -> None:
        expected = oracle.get(key)
        if name == "get":
            self._same(cache.get(key, MISSING), expected)
        elif name == "contains":
            self._same(key in cache, expected != MISSING)
        elif name == "pop":
            self._same(cache.pop(key, MISSING), expected)
            oracle.invalidate(key)
        elif name == "delete":
            answer = self._answer(lambda: cache.__delitem__(key))
            self._same(answer, KeyError if expected == MISSING else None)
            oracle.invalidate(key)
        else:
            cache.invalidate(key)
            oracle.invalidate(key)

    def _load(self, name: str, key: Any, cache: Any, oracle: Oracle, loop: Any) -> None:
        value = next(self.values)
        is_async = name.endswith("_async") or name == "load_cancelled"

        def load() -> Any:
            if "failing" in name:
                raise Down
            if "invalidating" in name:
                cache.invalidate(key)
            if "reentrant" in name:
                return cache.get_or_load(key, load)
            return value

        async def load_later() -> Any:
            await asyncio.sleep(0)
            if "cancelled" in name:
                raise asyncio.CancelledError
            if "reentrant" in name:
                return await cache.get_or_load(key, load_later)
            return load()

        if is_async:

            async def main() -> Any:
                return await cache.get_or_load(key, load_later)

            answer = self._answer(lambda: loop.run_until_complete(main()))
        else:
            answer = self._answer(lambda: cache.get_or_load(key, load))
        self._same(answer, self._expected(name, key, value, oracle))

    def _expected(self, name: str, key: Any, value: Any, oracle: Oracle) -> Any:
        if "failing" in name:
            return oracle.load(key, Down)
        if "reentrant" in name:
            return oracle.load(key, coldcache.ReentrantLoadError)
        before = (dict(oracle.entries), dict(oracle.failures))
        answer = oracle.load(key, value)
        if answer == value and name == "load_invalidating":
            oracle.invalidate(key)
        if answer == value and name == "load_cancelled":
            oracle.entries, oracle.failures = before
            return asyncio.CancelledError
        return answer

    def _answer(self, call: Any) -> Any:
        try:
            return call()
        except (Down, KeyError, coldcache.ReentrantLoadError, asyncio.CancelledError) as error:
            return type(error)

    def _compare(self, cache: Any, oracle: Oracle) -> None:
        """After each step; and where there is a bound, the oracle forgets what was evicted."""
        live = dict(cache.items())
        if self.options.max_entries is not None:
            most = self.options.max_entries
            assert cache.cache_info().currsize <= most, f"more than {most} entries"
            held = {key for key in oracle.entries if not oracle.is_live(key)} | live.keys()
            oracle.entries = {key: kept for key, kept in oracle.entries.items() if key in held}
        expected = {key: oracle.get(key) for key in oracle.entries if oracle.is_live(key)}
        self._same(live, expected)

    def _same(self, answer: Any, expected: Any) -> None:
        assert answer == expected, f"the cache said {answer!r}, the oracle {expected!r}"
