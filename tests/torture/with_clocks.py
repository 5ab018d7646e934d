"""Scenarios for an entry that lives a minute, with clocks that do not agree about minutes.

The clocks are shifted inside the process, for everybody in it: `clock_shift.c` puts its own code
where the kernel's vDSO has `clock_gettime`. A preloaded library is not enough, as it only catches
who asks through libc; native code may ask the vDSO directly.
"""
# ruff: noqa: PLC0415 - only the subject of this process is imported

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import platform
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from subjects import TTL_S
from verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from subjects import Cached, Subject

HOUR_S = 3600
SOURCE = Path(__file__).with_name("clock_shift.c")


class NoShiftingError(Exception):
    """The clocks cannot be shifted on this machine."""


def shifter() -> Callable[[int, int], None]:
    """Compile and install the shim; what moves the wall clock and the monotonic clock."""
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        raise NoShiftingError("needs Linux on x86-64")
    with tempfile.TemporaryDirectory() as folder:
        library = os.path.join(folder, "clock_shift.so")
        command = ["cc", "-O1", "-shared", "-fPIC", "-o", library, str(SOURCE)]
        try:
            subprocess.run(command, check=True, timeout=60)
        except FileNotFoundError as missing:
            raise NoShiftingError("needs a C compiler") from missing
        shim = ctypes.CDLL(library)
    installed = shim.install()
    if installed < 1:
        raise NoShiftingError(f"the vDSO cannot be written to ({installed})")

    def shift(wall_s: int, monotonic_s: int) -> None:
        shim.shift(ctypes.c_int64(wall_s), ctypes.c_int64(monotonic_s))

    before = time.time(), time.monotonic()
    shift(1000, 100)
    moved = round(time.time() - before[0]), round(time.monotonic() - before[1])
    shift(-1000, -100)
    if moved != (1000, 100):
        raise NoShiftingError(f"the clocks moved by {moved}, not by (1000, 100)")
    return shift


@contextlib.contextmanager
def one_function(subject: Subject) -> Iterator[Callable[[], int]]:
    """A cached function in whichever form there is; how often it has loaded after one more call."""
    calls: list[object] = []

    def load(key: object) -> object:
        calls.append(key)
        return "value"

    async def load_later(key: object) -> object:
        return load(key)

    if subject.threads is not None:
        cached: Cached = subject.threads(load)

        def call() -> int:
            cached.call("k")
            return len(calls)

        yield call
        return
    loop = asyncio.new_event_loop()
    later = subject.tasks(load_later)

    async def main() -> None:
        await later.call("k")

    def call_later() -> int:
        loop.run_until_complete(main())
        return len(calls)

    yield call_later
    loop.close()


def _clock_test(subject: Subject, shift: Callable[[int, int], None], *steps: tuple[int, int]):
    with one_function(subject) as call:
        assert call() == 1
        assert call() == 1
        for wall_s, monotonic_s in steps:
            shift(wall_s, monotonic_s)
        is_ok = call() == 2
    return Verdict(is_ok, "expired" if is_ok else "served")


def freeze(subject: Subject, shift: Callable[[int, int], None]) -> Verdict:
    """The sandbox sleeps for an hour: the wall clock goes on, the monotonic clock stands still."""
    return _clock_test(subject, shift, (HOUR_S, 0))


def step_back(subject: Subject, shift: Callable[[int, int], None]) -> Verdict:
    """Two minutes pass, and the wall clock is set back by an hour meanwhile."""
    return _clock_test(subject, shift, (2 * TTL_S - HOUR_S, 2 * TTL_S))


SCENARIOS = {"freeze": freeze, "step_back": step_back}


@contextlib.contextmanager
def by_hand() -> Iterator[Callable[[int, int], None]]:
    """Coldcache's own clock for tests, moved as the shim is."""
    import coldcache

    with coldcache.testing.clock() as clock:

        def shift(wall_s: int, monotonic_s: int) -> None:
            clock.advance(monotonic_s)
            clock.step_wall(wall_s - monotonic_s)

        yield shift
