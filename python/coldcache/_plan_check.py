"""Whether this interpreter behaves as deferred imports need it; asked once, before the first one.

They rest on how CPython's dicts compare their keys and on how import statements are compiled. A
scratch module is run here as any other would be: names are planted, stored, read and healed.
"""

from __future__ import annotations

import _thread
import os

from coldcache._core import ImportPlan

_NAME = "coldcache deferred import check"

_STATEMENTS = """\
import coldcache_check_a as a
import coldcache_check_b.c
from coldcache_check_d import e, f as g
import coldcache_check_h.i as j
import coldcache_check_missing as missing
import coldcache_check_l as stored, coldcache_check_l as deleted
stored = 1
del deleted
try:
    import coldcache_check_k as k
except ImportError:
    pass

def read_a():
    return a, a
"""

_EDGES = (
    "coldcache_check_a",
    "coldcache_check_b.c",
    "coldcache_check_d:e,f",
    "coldcache_check_h.i",
    "coldcache_check_missing",
    "coldcache_check_k",
    "coldcache_check_l",
)


class _Loaded:
    """What the stand-in for the import system returns: every attribute is its own name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __getattr__(self, name: str) -> str:
        return name


def misbehaviour() -> str | None:
    """What this interpreter does in another way, if anything."""
    loaded: list[str] = []

    def load(name: str, *_: object) -> object:
        if name == "coldcache_check_missing":
            raise ModuleNotFoundError(name)
        loaded.append(name)
        return _Loaded(name)

    plan = ImportPlan({_NAME: _EDGES})
    plan._try_with(load)  # noqa: SLF001 - made for this module
    space: dict[str, object] = {
        "__name__": _NAME,
        "__builtins__": {"__import__": plan.__import__, "ImportError": ImportError},
    }
    try:
        # The text, not code compiled from it: compile() builds all classes of syntax trees first.
        exec(_STATEMENTS, space)  # noqa: S102
        return _misbehaviour(space, loaded)
    except Exception as error:  # noqa: BLE001 - whatever it is, imports stay eager
        return f"the check of deferred imports failed with {type(error).__name__}: {error}"


def _misbehaviour(  # noqa: PLR0911 - one for each way
    space: dict[str, object], loaded: list[str]
) -> str | None:
    if loaded != ["coldcache_check_k"]:
        return f"an import statement was not deferred, or one in a try block was: {loaded}"
    in_thread = _Reader(space, "e")
    read_a = space["read_a"]
    first, second = read_a()  # type: ignore[operator]
    if first is not second or getattr(first, "name", None) != "coldcache_check_a":
        return "a function does not see the module that a deferred name stands for"
    try:
        eval("missing", space)  # noqa: S307 - reads a global
    except ModuleNotFoundError:
        pass
    else:
        return "a deferred import of a missing module does not fail when it is used"
    if in_thread.result() != "e":
        return "a second thread does not see what a deferred name stands for"
    found = (eval("coldcache_check_b", space), eval("g", space), eval("j", space))  # noqa: S307
    if getattr(found[0], "name", None) != "coldcache_check_b" or found[1:] != ("f", "i"):
        return f"deferred names stand for something else: {found[1:]}"
    if space["stored"] != 1 or "deleted" in space or "coldcache_check_l" in loaded:
        return "a deferred name that is stored or deleted is not replaced"
    exec("del missing\nj", space)  # noqa: S102 - with the last one gone, the next read heals
    if not all(type(name) is str for name in space):
        return "a deferred name leaves its key behind"
    return None


def _count_threads() -> int:
    """How many the system knows of: what `os.fork` looks at."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return _thread._count()  # noqa: SLF001 - what threading uses as well


class _Reader:
    """Reads a name in a thread of its own, beside what goes on here."""

    def __init__(self, space: dict[str, object], name: str) -> None:
        self._space = space
        self._name = name
        self._seen: object = None
        self._threads = _count_threads()
        self._done = _thread.allocate_lock()
        self._done.acquire()
        _thread.start_new_thread(self._read, ())

    def _read(self) -> None:
        try:
            self._seen = eval(self._name, self._space)  # noqa: S307 - reads a global
        finally:
            self._done.release()

    def result(self) -> object:
        """What it saw, when the thread is gone: a fork after this must find one thread again."""
        if self._done.acquire(timeout=5):
            for _ in range(10_000):
                if _count_threads() <= self._threads:
                    break
                self._done.acquire(timeout=0.00005)
        return self._seen
