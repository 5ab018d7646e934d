"""Who is put to the torture: coldcache and its peers, each set up as its manual recommends.

Every subject is asked for the same two things: a function of one key that is cached for a minute,
safe for threads and with protection from stampedes where it has one; and the same for a coroutine
function. A subject that does not do one of them has no entry for it.
"""
# ruff: noqa: PLC0415 - only the subject of this process is imported

from __future__ import annotations

import importlib.metadata
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

TTL_S = 60


class Cached(NamedTuple):
    """A decorated function, and how to forget all its results."""

    call: Callable[[Any], Any]
    clear: Callable[[], Any]


class Subject(NamedTuple):
    distribution: str | None
    has_ttl: bool
    threads: Callable[[Callable[[Any], Any]], Cached] | None
    tasks: Callable[[Callable[[Any], Any]], Cached] | None

    @property
    def version(self) -> str:
        if self.distribution is None:
            import platform

            return platform.python_version()
        return importlib.metadata.version(self.distribution)


def coldcache(function):
    import coldcache

    cached = coldcache.cached(ttl=TTL_S)(function)
    return Cached(cached, cached.cache_clear)


def lru_cache(function):
    import functools

    cached = functools.lru_cache(maxsize=128)(function)
    return Cached(cached, cached.cache_clear)


def cachetools(function):
    import cachetools

    # `condition=` is its protection from stampedes; a lock alone is not.
    cache = cachetools.TTLCache(maxsize=128, ttl=TTL_S)
    cached = cachetools.cached(cache, condition=threading.Condition())(function)
    return Cached(cached, cached.cache_clear)


def cachebox(function):
    import cachebox

    cached = cachebox.cached(cachebox.TTLCache(128, TTL_S))(function)
    return Cached(cached, cached.cache_clear)


def moka_py(function):
    import moka_py

    # `wait_concurrent=` is its protection from stampedes; off by default.
    cached = moka_py.cached(maxsize=128, ttl=TTL_S, wait_concurrent=True)(function)
    return Cached(cached, cached.cache_clear)


def theine(function):
    from datetime import timedelta

    from theine import Memoize

    cached = Memoize(1000, timedelta(seconds=TTL_S))(function)
    # There is no public way to clear what a decorated function has cached.
    return Cached(cached, cached._cache.clear)


def async_lru(function):
    from async_lru import alru_cache

    cached = alru_cache(maxsize=128, ttl=TTL_S)(function)
    return Cached(cached, cached.cache_clear)


def aiocache(function):
    from aiocache import Cache, cached_stampede

    # The lease is how long others wait for the first caller; longer than any load here.
    cached = cached_stampede(lease=30, cache=Cache.MEMORY, ttl=TTL_S)(function)
    return Cached(cached, cached.cache.clear)


def cashews(function):
    from cashews import Cache

    cache = Cache()
    cache.setup("mem://")
    return Cached(cache(ttl=TTL_S, lock=True)(function), cache.clear)


def dogpile(function):
    from dogpile.cache import make_region

    region = make_region().configure("dogpile.cache.memory", expiration_time=TTL_S)
    cached = region.cache_on_arguments()(function)
    return Cached(cached, lambda: region.invalidate(hard=True))


SUBJECTS = {
    "coldcache": Subject("coldcache", True, coldcache, coldcache),
    "functools.lru_cache": Subject(None, False, lru_cache, None),
    "cachetools": Subject("cachetools", True, cachetools, None),
    "cachebox": Subject("cachebox", True, cachebox, cachebox),
    "moka-py": Subject("moka-py", True, moka_py, moka_py),
    "theine": Subject("theine", True, theine, theine),
    "dogpile.cache": Subject("dogpile.cache", True, dogpile, None),
    "async-lru": Subject("async-lru", True, None, async_lru),
    "aiocache": Subject("aiocache", True, None, aiocache),
    "cashews": Subject("cashews", True, None, cashews),
}
