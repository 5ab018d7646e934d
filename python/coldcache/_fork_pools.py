"""Pools that libraries keep, and how their copies in a child are put right."""

from __future__ import annotations

import sys

from coldcache import _fork_repair
from coldcache._core import _declared
from coldcache._fork_finding import Finding, Names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any


def find(alive: dict[type, list[Any]], names: Names) -> Iterator[Finding]:
    """The pools among what is alive; those that cope with a fork themselves have no description."""
    for thing in _declared():
        if getattr(thing, "kind", None) in ("resource", "pool") and thing.is_done():
            yield _covered(thing, "coldcache, which makes it anew in each child")
    for path, describe in _KNOWN.items():
        kind = loaded(path)
        for thing in alive.get(kind, ()) if kind is not None else ():
            finding = describe(thing, names)
            if finding is not None:
                yield finding


def classes() -> list[type]:
    """The classes of pools whose modules are loaded."""
    return [kind for path in _KNOWN if (kind := loaded(path)) is not None]


def threads_of(thing: Any) -> Iterable[Any]:
    """Threads that belong to a pool."""
    threads = list(getattr(thing, "_threads", ()) or ())  # ThreadPoolExecutor
    threads += getattr(thing, "_workers", ()) or ()  # psycopg_pool
    threads.append(getattr(thing, "_sched_runner", None))
    return threads


def loaded(path: str) -> type | None:
    """The class of this name, if its module is loaded."""
    module, _, name = path.rpartition(".")
    kind = getattr(sys.modules.get(module), name, None)
    return kind if isinstance(kind, type) else None


def _covered(thing: Any, by: str) -> Finding:
    finding = Finding("pool", "", "")
    finding.target = thing
    finding.covered(by)
    return finding


def _executor(thing: Any, names: Names) -> Finding | None:
    if not thing._threads:  # noqa: SLF001 - there is no public way to ask
        return None
    count = len(thing._threads)  # noqa: SLF001
    threads = "thread" if count == 1 else "threads"
    prefix = getattr(thing, "_thread_name_prefix", "")
    finding = Finding(
        "pool",
        names.call(thing, f"a pool of {count} {threads} ({prefix})"),
        "make thread pools after the fork: children have none of its threads",
    )
    finding.target, finding.repair = thing, _fork_repair.empty_executor
    return finding


def _process_pool(thing: Any, names: Names) -> Finding | None:
    if not getattr(thing, "_processes", None) and not getattr(thing, "_pool", None):
        return None
    return Finding(
        "pool",
        names.call(thing, f"a {type(thing).__module__}.{type(thing).__qualname__}"),
        "make pools of processes after the fork: they are the parent's alone",
    )


def _engine(thing: Any, names: Names) -> Finding | None:
    pool = thing.pool
    idle = getattr(pool, "checkedin", int)()
    used = getattr(pool, "checkedout", int)()
    if idle + used <= 0:
        return None
    finding = Finding(
        "pool",
        names.call(thing, f"an SQLAlchemy engine ({idle} idle connections, {used} in use)"),
        "call engine.dispose(close=False) in each child",
    )
    finding.target = thing
    if not used:
        finding.repair = _fork_repair.dispose_engine
    return finding


def _psycopg_pool(thing: Any, names: Names) -> Finding | None:
    if thing.closed:
        return None
    finding = Finding(
        "pool",
        names.call(thing, f"psycopg_pool {thing.name!r}"),
        "open it after the fork, in a coldcache.resource: its threads are the parent's alone",
    )
    finding.target = thing
    return finding


def _http_pool(thing: Any, names: Names) -> Finding | None:
    queue = thing.pool
    idle = sum(one is not None for one in getattr(queue, "queue", ()))
    if not idle:
        return None
    finding = Finding(
        "pool",
        names.call(thing, f"a urllib3 pool ({idle} idle connections to {thing.host})"),
        "make requests after the fork only",
    )
    finding.target, finding.repair = thing, _fork_repair.empty_http_pool
    return finding


def _redis_pool(thing: Any, _: Names) -> Finding:
    return _covered(thing, "redis-py, whose pools notice a fork")


def _event_loop(thing: Any, names: Names) -> Finding | None:
    if thing.is_closed():
        return None
    finding = Finding(
        "event loop",
        names.call(thing, f"an open {type(thing).__name__}"),
        "close it, or make it after the fork: parent and children would share its events",
    )
    finding.target = thing
    return finding


_KNOWN = {
    "concurrent.futures.thread.ThreadPoolExecutor": _executor,
    "concurrent.futures.process.ProcessPoolExecutor": _process_pool,
    "multiprocessing.pool.Pool": _process_pool,
    "sqlalchemy.engine.Engine": _engine,
    "psycopg_pool.ConnectionPool": _psycopg_pool,
    "urllib3.connectionpool.HTTPConnectionPool": _http_pool,
    "redis.connection.ConnectionPool": _redis_pool,
    "asyncio.base_events.BaseEventLoop": _event_loop,
}
