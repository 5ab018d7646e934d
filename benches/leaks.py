"""A million of each: hits, misses, evictions, exceptions. Memory may not grow after the first pass.

    python benches/leaks.py [--number 1000000] [--only NAME ...]

Every subject is run in a process of its own. The first pass, a tenth of the number, warms up
allocators and free lists; from there the resident memory may grow by less than 1 MB. Exits with 1
if one of them grows more.
"""
# ruff: noqa: ARG001, ARG005 - a call is told its number, whether it wants it or not

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import coldcache

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT_KB = 1024
NUMBER = 1_000_000


def resident_kb() -> int:
    gc.collect()
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def repeat(number: int, call: Callable[[int], object]) -> None:
    for at in range(number):
        call(at)
        if at % 1000 == 0:
            gc.collect()  # so that how much garbage waits to be collected is no part of the figure


def expect_failure(call: Callable[[int], object]) -> Callable[[int], object]:
    def caught(at: int) -> None:
        try:
            call(at)
        except ZeroDivisionError:
            return
        raise AssertionError("no failure")

    return caught


def hits_of_once():
    once = coldcache.once(object)
    return lambda at: once()


def misses_of_once():
    once = coldcache.once(object)

    def call(at):
        once.reset()
        return once()

    return call


def failures_of_once():
    once = coldcache.once(lambda: 1 / 0)
    return expect_failure(lambda at: once())


def hits():
    cached = coldcache.cached(ttl=60)(lambda key: [key])
    return lambda at: cached(at % 100)


def hits_of_two_arguments():
    cached = coldcache.cached(ttl=60)(lambda a, b: [a, b])
    return lambda at: cached("name", at % 100)


def hits_by_keyword():
    cached = coldcache.cached(ttl=60)(lambda key: [key])
    return lambda at: cached(key=at % 100)


def evictions():
    return coldcache.cached(ttl=60, max_entries=500)(lambda key: [key])


def evictions_by_weight():
    options = {"max_weight": 5000, "weigher": len, "policy": "tiny_lfu"}
    return coldcache.cached(**options)(lambda key: [key] * (key % 20))


def failures():
    cached = coldcache.cached(ttl=60)(lambda key: 1 / 0)
    return expect_failure(cached)


def remembered_failures():
    cached = coldcache.cached(ttl=60, error_ttl=600, max_entries=100)(lambda key: 1 / 0)
    return expect_failure(lambda at: cached(at % 500))


def expired_entries():
    clock = coldcache.testing.clock().__enter__()  # for as long as this process lives
    cached = coldcache.cached(ttl=1)(lambda key: [key])

    def call(at):
        if at % 100 == 0:
            clock.advance(2)
        return cached(at % 300)

    return call


def hits_of_a_method():
    class Service:
        @coldcache.cached(ttl=60)
        def load(self, key):
            return [key]

    service = Service()
    return lambda at: service.load(at % 100)


def instances_of_a_class_with_methods():
    class Service:
        @coldcache.cached(ttl=60)
        def load(self, key):
            return [self, key]

        @coldcache.once
        def connect(self):
            return [self]

    def call(at):
        service = Service()
        return service.load(at), service.connect()

    return call


def sets_of_a_cache():
    cache = coldcache.Cache(ttl=60, max_entries=500)

    def call(at):
        cache[at] = [at]
        return cache.get(at - 1)

    return call


def loads_of_a_cache():
    cache = coldcache.Cache(ttl=60, max_entries=500)
    return lambda at: cache.get_or_load(at, lambda: [at])


def invalidations():
    cached = coldcache.cached(ttl=60)(lambda key: [key])

    def call(at):
        cached(at)
        cached.invalidate(at)

    return call


def caches_that_come_and_go():
    def call(at):
        cache = coldcache.Cache(ttl=60, max_entries=2)
        for key in range(4):
            cache[key] = cache

    return call


def functions_that_come_and_go():
    def call(at):
        @coldcache.cached
        def cached(key):
            return cached

        cached(at)

    return call


def in_a_loop(make_call):
    """Give a coroutine function to call the form of a plain one."""
    loop = asyncio.new_event_loop()

    async def main(first, call):
        for at in range(first, first + 100):
            await call(at)

    call = make_call()

    def hundred(at):
        if at % 100 == 0:
            loop.run_until_complete(main(at, call))

    return hundred


def async_hits():
    @coldcache.cached(ttl=60)
    async def load(key):
        return [key]

    return lambda at: load(at % 100)


def async_evictions():
    @coldcache.cached(ttl=60, max_entries=500)
    async def load(key):
        return [key]

    return load


def async_failures():
    @coldcache.cached(ttl=60)
    async def load(key):
        return 1 / 0

    async def call(at):
        try:
            await load(at)
        except ZeroDivisionError:
            return
        raise AssertionError("no failure")

    return call


def async_flights():
    @coldcache.cached(ttl=60, max_entries=500)
    async def load(key):
        await asyncio.sleep(0)
        return [key]

    async def call(at):
        first = asyncio.ensure_future(load(at))
        other = asyncio.ensure_future(load(at))
        await asyncio.sleep(0)
        if at % 2:
            first.cancel()
        await other

    return call


PLAIN = [
    hits_of_once,
    misses_of_once,
    failures_of_once,
    hits,
    hits_of_two_arguments,
    hits_by_keyword,
    evictions,
    evictions_by_weight,
    failures,
    remembered_failures,
    expired_entries,
    hits_of_a_method,
    instances_of_a_class_with_methods,
    sets_of_a_cache,
    loads_of_a_cache,
    invalidations,
    caches_that_come_and_go,
    functions_that_come_and_go,
]
ASYNC = [async_hits, async_evictions, async_failures, async_flights]
SUBJECTS = {make.__name__: make for make in PLAIN + ASYNC}


def measure(name: str, number: int) -> int:
    """Kilobytes by which the process grew, in this process."""
    make_call = SUBJECTS[name]
    call = in_a_loop(make_call) if make_call in ASYNC else make_call()
    gc.freeze()
    repeat(number // 10, call)
    before = resident_kb()
    repeat(number, call)
    return resident_kb() - before


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=NUMBER, help="of calls of each kind")
    parser.add_argument("--only", nargs="*", choices=SUBJECTS, default=list(SUBJECTS))
    parser.add_argument("--here", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        print(measure(given.here, given.number))
        return 0
    worst = 0
    for name in given.only:
        command = [sys.executable, __file__, "--here", name, "--number", str(given.number)]
        child = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
        grown_kb = int(child.stdout.split()[-1])
        worst = max(worst, grown_kb)
        print(f"{name:40} {grown_kb:+6} kB{'  <-- grows' * (grown_kb >= LIMIT_KB)}", flush=True)
    print(f"worst: {worst} kB, limit: {LIMIT_KB} kB, {given.number} calls of each kind")
    return int(worst >= LIMIT_KB)


if __name__ == "__main__":
    sys.exit(main())
