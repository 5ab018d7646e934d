"""What all caches of the process have counted together."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from coldcache import Cache, cached, once
from coldcache._core import _totals


class Since:
    """What was counted since this was made."""

    def __init__(self) -> None:
        gc.collect()  # caches of other tests are counted where they are, gone or not
        self.before = _totals()

    def added(self) -> dict[str, int]:
        return {
            key: count - self.before[key]
            for key, count in _totals().items()
            if count != self.before[key]
        }


@pytest.fixture
def since() -> Since:
    return Since()


def test_functions_methods_and_caches_are_counted_together(since: Since) -> None:
    class Service:
        @cached
        def load(self) -> int:
            return 1

    function, service, cache = cached(ttl=60)(str), Service(), Cache(ttl=60)
    function(1), function(1)
    service.load(), service.load(), service.load()
    cache.get_or_load("k", lambda: 1), cache["k"]
    assert since.added() == {"hits": 4, "misses": 3, "loads": 3}


def test_failures_stale_values_and_evictions_are_counted(since: Since, clock: Any) -> None:
    def load(key: int) -> int:
        if failing:
            raise LookupError
        return key

    failing = False
    function = cached(ttl=10, stale_if_error=60, max_entries=2)(load)
    for key in (1, 2, 3):
        function(key)
    failing = True
    clock.advance(11)
    function(3)
    added = since.added()
    assert (added["evictions"], added["stale"], added["load_errors"]) == (1, 1, 1)


def test_once_is_no_cache(since: Since) -> None:
    function = once(lambda: 1)
    function(), function()
    assert since.added() == {}


def test_what_a_cache_counted_stays_when_it_is_gone(since: Since) -> None:
    for _ in range(200):  # more than are remembered before the dead ones are taken out
        cache = Cache(ttl=60)
        cache["k"] = 1
        assert cache["k"] == 1
    del cache
    gc.collect()
    assert since.added() == {"hits": 200}


def test_what_a_cache_counted_stays_when_it_is_cleared(since: Since) -> None:
    function = cached(lambda: 1)
    function(), function()
    function.cache_clear()
    assert function.stats()["hits"] == 0
    assert since.added() == {"hits": 1, "misses": 1, "loads": 1}


def test_hits_of_several_threads_are_all_counted(since: Since, start: Callable[..., Any]) -> None:
    function = cached(lambda: 1)
    function()
    barrier = threading.Barrier(8)

    def call() -> None:
        barrier.wait()
        for _ in range(1000):
            function()

    start(*[call] * 8).values()
    assert since.added()["hits"] == 8000


def test_the_child_of_a_fork_counts_from_zero() -> None:
    function = cached(lambda: 1)
    function(), function()
    reader, writer = os.pipe()
    if os.fork() == 0:
        function()
        os.write(writer, repr(_totals()).encode())
        os._exit(0)
    os.close(writer)
    os.wait()
    told = os.read(reader, 1000).decode()
    os.close(reader)
    assert told == repr(
        {"hits": 1, "misses": 0, "loads": 0, "load_errors": 0, "stale": 0, "evictions": 0}
    )
