"""What each forked child does about its copies of pools, connections and random states.

Nothing is closed by talking to the other side: the connection is still the parent's.
"""

from __future__ import annotations

import os
import weakref

from coldcache._core import _log_warning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from coldcache._fork_finding import Finding

_repairs: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
_arranged: set[int] = set()


def arrange(findings: Iterable[Finding]) -> None:
    """Have every child put right what can be."""
    for finding in findings:
        if finding.repair is None or finding.target is None:
            continue
        finding.covered("coldcache in each child")
        if id(finding.target) not in _arranged:
            _arranged.add(id(finding.target))
            _repairs.append((_reference(finding.target), finding.repair))


def _reference(target: Any) -> Callable[[], Any]:
    key = id(target)

    def gone(_: Any) -> None:
        _arranged.discard(key)

    try:
        return weakref.ref(target, gone)
    except TypeError:
        return lambda: target  # cannot be referred to weakly: kept


def _repair_all() -> None:
    for reference, repair in _repairs:
        target = reference()
        if target is None:
            continue
        try:
            repair(target)
        except Exception as error:  # noqa: BLE001 - of a library: the child has to start
            _log_warning(f"{repair.__name__} failed in a forked child: {type(error).__name__}")


os.register_at_fork(after_in_child=_repair_all)


def seed(generator: Any) -> None:
    """Seed from the kernel: `random.Random` and numpy's `RandomState` have the same method."""
    generator.seed()


def empty_executor(executor: Any) -> None:
    """Have a `ThreadPoolExecutor` start threads of its own; what waited in it is the parent's."""
    import queue  # noqa: PLC0415 - whoever has such a pool has it
    import threading  # noqa: PLC0415

    executor._threads = set()  # noqa: SLF001 - there is no public way
    executor._idle_semaphore = threading.Semaphore(0)  # noqa: SLF001
    executor._work_queue = queue.SimpleQueue()  # noqa: SLF001
    executor._shutdown_lock = threading.Lock()  # noqa: SLF001


def dispose_engine(engine: Any) -> None:
    """Have an SQLAlchemy engine connect anew, as its manual says for a fork."""
    engine.dispose(close=False)


def empty_http_pool(pool: Any) -> None:
    """Drop the idle connections of a urllib3 pool; closing a descriptor sends nothing."""
    import queue  # noqa: PLC0415 - urllib3 has it

    fresh: queue.LifoQueue[Any] = type(pool).QueueCls(pool.pool.maxsize)
    for _ in range(pool.pool.maxsize):
        fresh.put(None)
    pool.pool = fresh
