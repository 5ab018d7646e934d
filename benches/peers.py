"""The caches coldcache is compared with, each set up for the same work.

All decorators get the same bound and, where they have one, the same time to live. Otherwise they
are used as they come; cachetools gets the lock its documentation asks for in threaded programs.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.metadata
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

SIZE = 128
TTL = 3600

Decorate = Callable[[Callable[..., Any], int], Any]
"""From a function and a bound to the function with a cache in front."""

DISTRIBUTIONS = {
    "coldcache": "coldcache",
    "cachetools": "cachetools",
    "cachebox": "cachebox",
    "moka_py": "moka-py",
    "theine": "theine",
    "async_lru": "async-lru",
    "aiocache": "aiocache",
    "lazy_loader": "lazy-loader",
}


def module(name: str) -> Any:
    """The module, or None if it is not installed."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return None


def versions() -> dict[str, str]:
    """Installed version by module name."""
    found = {}
    for name, distribution in DISTRIBUTIONS.items():
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def missing() -> list[str]:
    """A line for each peer that is not here."""
    here = versions()
    return [f"SKIPPED (not installed): {name}" for name in DISTRIBUTIONS if name not in here]


coldcache = module("coldcache")
cachetools = module("cachetools")
cachebox = module("cachebox")
moka_py = module("moka_py")
theine = module("theine")
async_lru = module("async_lru")
aiocache = module("aiocache")


def by_coldcache(function: Callable[..., Any], size: int) -> Any:
    return coldcache.cached(ttl=TTL, max_entries=size)(function)


def by_cachetools(function: Callable[..., Any], size: int) -> Any:
    cache = cachetools.TTLCache(size, TTL)
    return cachetools.cached(cache, lock=threading.Lock())(function)


def by_cachebox(function: Callable[..., Any], size: int) -> Any:
    return cachebox.cached(cachebox.TTLCache(size, TTL))(function)


def by_moka(function: Callable[..., Any], size: int) -> Any:
    return moka_py.cached(size, ttl=TTL)(function)


def by_theine(function: Callable[..., Any], size: int) -> Any:
    return theine.Memoize(size, timedelta(seconds=TTL))(function)


def by_lru_cache(function: Callable[..., Any], size: int) -> Any:
    return functools.lru_cache(size)(function)


def by_functools_cache(function: Callable[..., Any], _size: int) -> Any:
    return functools.cache(function)


def by_async_lru(function: Callable[..., Any], size: int) -> Any:
    return async_lru.alru_cache(maxsize=size, ttl=TTL)(function)


def by_aiocache(function: Callable[..., Any], _size: int) -> Any:
    return aiocache.cached(ttl=TTL)(function)


def present(candidates: list[tuple[str, Any, Decorate]]) -> dict[str, Decorate]:
    return {name: decorate for name, needs, decorate in candidates if needs is not None}


TTL_DECORATORS = present(
    [
        ("cachetools", cachetools, by_cachetools),
        ("cachebox", cachebox, by_cachebox),
        ("moka_py", moka_py, by_moka),
        ("theine", theine, by_theine),
    ]
)
DECORATORS: dict[str, Decorate] = {
    "coldcache": by_coldcache,
    "functools.cache": by_functools_cache,
    "lru_cache": by_lru_cache,
    **TTL_DECORATORS,
}
ASYNC_DECORATORS = {
    "coldcache": by_coldcache,
    **present(
        [
            ("async_lru", async_lru, by_async_lru),
            ("cachebox", cachebox, by_cachebox),
            ("moka_py", moka_py, by_moka),
            ("theine", theine, by_theine),
            ("aiocache", aiocache, by_aiocache),
        ]
    ),
}


def check_hits() -> None:
    """What is timed as a hit has to be one: refuse to go on if a second call runs the function."""
    for name, decorate in DECORATORS.items():
        for args in [(), ("a",), (7,), ("a", 7)]:
            runs: list[object] = []
            cached = decorate(lambda *args, runs=runs: runs.append(args) or args, SIZE)
            if not cached(*args) == cached(*args) == args or len(runs) != 1:
                raise SystemExit(f"{name} does not cache a call with {args}: ran {len(runs)} times")
    for name, decorate in ASYNC_DECORATORS.items():
        awaited = asyncio.run(_await_twice(decorate))
        if awaited != 1:
            raise SystemExit(f"{name} does not cache an awaited call: ran {awaited} times")


async def _await_twice(decorate: Decorate) -> int:
    runs = []

    async def load(key: str) -> str:
        runs.append(key)
        return key

    cached = decorate(load, SIZE)
    answers = [await cached("a"), await cached("a")]
    return len(runs) if answers == ["a", "a"] else -1
