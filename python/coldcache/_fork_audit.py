"""What is alive before a fork and would not survive being copied.

The kernel is asked for descriptors and threads, the garbage collector for objects. Libraries are
recognised by the names of their classes and never imported.
"""

from __future__ import annotations

import gc
import os
import sys
import threading

from coldcache import _fork_pools, _fork_repair
from coldcache._fork_finding import Finding, Names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

_LOCKS = (type(threading.Lock()), type(threading.RLock()))
# Objects looked at when the sockets of one pool are searched for.
_MOST_REACHED = 3000


class Watch:
    """Which descriptors and threads came with what."""

    def __init__(self) -> None:
        self.descriptors: dict[str, str] = {}
        self.threads: dict[int, str] = {}
        self._look("before preload()")

    def note(self, event: str) -> None:
        """Whatever is new came with this."""
        self._look(event)

    def _look(self, event: str) -> None:
        for link in descriptors().values():
            self.descriptors.setdefault(link, event)
        for thread in threads():
            self.threads.setdefault(thread, event)


def descriptors() -> dict[int, str]:
    """What the open descriptors of this process refer to, by number."""
    found = {}
    for name in _list("/proc/self/fd"):
        try:
            found[int(name)] = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue  # the one that lists them
    return found


def threads() -> list[int]:
    """Numbers of this process's threads, those without Python too."""
    return [int(name) for name in _list("/proc/self/task")]


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []  # not on this system


def audit(watch: Watch) -> list[Finding]:
    """Look through everything that is alive."""
    names = Names()
    alive = _sorted_out(gc.get_objects())
    pools = list(_fork_pools.find(alive, names))
    held: dict[int, Finding] = {}
    owned: dict[int, Finding] = {}
    for finding in pools:
        for number in reachable_descriptors(finding.target):
            held[number] = finding
        for thread in _fork_pools.threads_of(finding.target):
            owned[id(thread)] = finding
    found = [finding for finding in pools if finding.what]
    found += _sockets(watch, held, _named_sockets(alive, names))
    found += _threads(watch, owned)
    found += _locks(alive)
    found += _random(alive, names)
    return found


def _sorted_out(objects: list[Any]) -> dict[type, list[Any]]:
    """The objects that matter, under the class that makes them matter."""
    found: dict[type, list[Any]] = {kind: [] for kind in _fork_pools.classes()}
    for path in ("socket.socket", "random.Random"):
        kind = _fork_pools.loaded(path)
        if kind is not None:
            found[kind] = []
    found.update({kind: [] for kind in _LOCKS})
    matters: dict[type, type | None] = {}
    for thing in objects:
        # Only the real type counts: stand-ins answer `__class__` with another one.
        own = type(thing)
        if own not in matters:
            matters[own] = next((kind for kind in found if issubclass(own, kind)), None)
        kind = matters[own]
        if kind is not None:
            found[kind].append(thing)
    return found


def _named_sockets(alive: dict[type, list[Any]], names: Names) -> dict[int, str]:
    """How Python's sockets are called, by their descriptors."""
    sockets = alive.get(getattr(sys.modules.get("socket"), "socket", int), [])
    return {one.fileno(): names.call(one, "") for one in sockets}


def _sockets(watch: Watch, held: dict[int, Finding], called: dict[int, str]) -> Iterator[Finding]:
    socket = sys.modules.get("socket")
    for number, link in sorted(descriptors().items()):
        since = watch.descriptors.get(link, "")
        pool = held.get(number)
        if pool is not None and pool.kind == "event loop":
            continue  # found with its loop
        if link.startswith("anon_inode:[eventpoll]"):
            # All have the same link: which one came with what is not known.
            yield Finding(
                "event loop",
                f"descriptor {number} (epoll)",
                "make event loops after the fork: parent and children would share their events",
            )
        if not link.startswith("socket:") or socket is None:
            continue
        peer = _peer(socket, number)
        if peer is None:
            continue
        finding = Finding(
            "socket",
            f"{called.get(number, '')}descriptor {number}, connected to {peer}",
            "connect after the fork, or make it a coldcache.resource: parent and children would "
            "write into one connection",
            since=since,
        )
        if pool is not None:
            finding.target = pool.target
            finding.repair = pool.repair
            if pool.repaired:
                finding.covered(pool.by)
        yield finding


def _peer(socket: Any, number: int) -> str | None:
    """Whom a stream socket is connected to; those that listen are made to be shared."""
    try:
        with socket.socket(fileno=os.dup(number)) as twin:
            if twin.type == socket.SOCK_DGRAM:
                return None  # each message is sent whole, whoever sends it
            peer = twin.getpeername()
    except OSError:
        return None  # not connected
    if isinstance(peer, tuple):
        return f"{peer[0]}:{peer[1]}"
    return str(peer) or "a socket pair"


def _threads(watch: Watch, owned: dict[int, Finding]) -> Iterator[Finding]:
    known = {threading.get_native_id()}
    advice = "start threads after the fork: children do not have this one"
    for thread in threading.enumerate():
        if thread.native_id is not None:
            known.add(thread.native_id)
        if thread is threading.main_thread() or thread is threading.current_thread():
            continue
        since = watch.threads.get(thread.native_id or 0, "")
        finding = Finding("thread", f"{thread.name!r}", advice, since=since)
        pool = owned.get(id(thread))
        if pool is not None:
            if pool.repair is None and pool.what:
                continue  # found with its pool
            finding.target, finding.repair = pool.target, pool.repair
        yield finding
    for number in threads():
        if number in known or number == os.getpid():
            continue
        try:
            with open(f"/proc/self/task/{number}/comm", encoding="utf-8") as file:
                name = file.read().strip()
        except OSError:
            continue  # it has ended
        since = watch.threads.get(number, "")
        yield Finding("thread", f"{name!r}, which is not Python's", advice, since=since)


def _locks(alive: dict[type, list[Any]]) -> Iterator[Finding]:
    """Locks that somebody holds, where a name leads to them."""
    advice = "release it before the fork: nobody would release it in the children"
    modules = {id(vars(module)): name for name, module in list(sys.modules.items()) if module}
    # An RLock tells in no other way before 3.14.
    held = [one for kind in _LOCKS for one in alive[kind] if repr(one).startswith("<locked")]
    for lock in held:
        for owner in gc.get_referrers(lock):
            if owner is held or owner is alive[type(lock)]:
                continue
            if type(owner) is dict and id(owner) in modules:
                yield Finding("lock", f"{modules[id(owner)]}.{_key(owner, lock)}", advice)
                continue
            # Attributes of an object: in a dict of their own, or not yet.
            for thing in gc.get_referrers(owner) if type(owner) is dict else (owner,):
                space = getattr(thing, "__dict__", None)
                is_threads = type(thing).__module__ in ("threading", "importlib._bootstrap")
                if type(space) is dict and not is_threads and (name := _key(space, lock)):
                    kind = f"{type(thing).__module__}.{type(thing).__qualname__}"
                    yield Finding("lock", f"{kind}.{name}", advice)


def _key(space: dict[Any, Any], value: object) -> str:
    return next((str(key) for key, found in list(space.items()) if found is value), "")


def _random(alive: dict[type, list[Any]], names: Names) -> Iterator[Finding]:
    random = sys.modules.get("random")
    advice = "seed it after the fork: all children would draw the same numbers"
    generators = [] if random is None else alive.get(random.Random, [])
    temporary = getattr(sys.modules.get("tempfile"), "_name_sequence", None)
    # That of the module itself is seeded in each child by Python, and `tempfile` looks after its.
    safe = (getattr(random, "_inst", None), getattr(temporary, "_rng", None))
    for thing in generators:
        if isinstance(thing, random.SystemRandom) or thing in safe:  # type: ignore[union-attr]
            continue
        name = f"a {type(thing).__module__}.{type(thing).__qualname__}"
        finding = Finding("random state", names.call(thing, name), advice)
        finding.target, finding.repair = thing, _fork_repair.seed
        yield finding
    numpy = sys.modules.get("numpy.random")
    state = getattr(getattr(numpy, "mtrand", None), "_rand", None)
    if state is not None:
        finding = Finding("random state", "numpy.random", advice)
        finding.target, finding.repair = state, _fork_repair.seed
        yield finding


def reachable_descriptors(thing: Any) -> Iterable[int]:
    """Descriptors of the sockets and connections that an object leads to."""
    socket = sys.modules.get("socket")
    seen: set[int] = set()
    queue = [thing] if thing is not None else []
    found: set[int] = set()
    while queue and len(seen) < _MOST_REACHED:
        one = queue.pop(0)
        # Asking a lazy name for its `__class__` would load it.
        own = type(one)
        is_code = one is not thing and (callable(one) or issubclass(own, type(sys)))
        if id(one) in seen or is_code:
            continue
        seen.add(id(one))
        is_socket = socket is not None and issubclass(own, socket.socket)
        if is_socket or own.__module__.partition(".")[0] in _DRIVERS:
            number = _fileno(one)
            if number is not None and number >= 0:
                found.add(number)
        queue.extend(gc.get_referents(one))
    return found


# Libraries whose connections keep their descriptor to themselves, and tell it.
_DRIVERS = frozenset(
    {"psycopg", "psycopg2", "psycopg_c", "psycopg_binary", "pymysql", "redis", "select"}
)


def _fileno(thing: Any) -> int | None:
    fileno = getattr(thing, "fileno", None)
    if fileno is None:
        return None
    try:
        return int(fileno())
    except Exception:  # noqa: BLE001 - of a library: it may be closed, or no connection
        return None
