"""The clocks inside an environment: after a freeze the wall clock is ahead, the monotonic is not.

A small library, compiled once with the user's C compiler, is preloaded into the function. It adds
what stands in a page of memory that the lab shares with it. A time namespace cannot do this: its
offsets are fixed once a process is in it, and it has none for the wall clock.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import platform
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ..errors import UsageError

__all__ = ["ClockPage", "shift_library"]

_SOURCE = Path(__file__).with_name("clock_shift.c")
_COMPILE_WITHIN_S = 60.0
_MAGIC = 0x636F6C64636C6B31  # as in the source
_LAYOUT = struct.Struct("=qqqq")  # magic, wall, monotonic, loaded
_NS = 1_000_000_000


class ClockPage:
    """How far the clocks of one environment are from ours. It outlives the environment's processes.

    Args:
        path: Where to keep it; its folder must exist.

    Attributes:
        wall_ns: How far the wall clock is ahead.
        monotonic_ns: How far the monotonic clock is ahead; below zero.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._library = shift_library()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.truncate(descriptor, mmap.PAGESIZE)
            self._page = mmap.mmap(descriptor, mmap.PAGESIZE)
        finally:
            os.close(descriptor)
        self.wall_ns = self.monotonic_ns = 0
        self._write(loaded=0)

    def settings(self, others: Mapping[str, str]) -> dict[str, str]:
        """The variables with which a process is started that shall go by these clocks.

        Args:
            others: The variables it gets besides.
        """
        preloaded = others.get("LD_PRELOAD")
        libraries = f"{self._library}:{preloaded}" if preloaded else str(self._library)
        return {"LD_PRELOAD": libraries, "COLDCACHE_LAB_CLOCK": str(self._path)}

    @property
    def is_in_use(self) -> bool:
        """Whether a process has opened it."""
        return self._loaded > 0

    @property
    def is_everywhere(self) -> bool:
        """Whether native code that asks the kernel's page of functions sees these clocks, too."""
        return self._loaded > 1

    @property
    def _loaded(self) -> int:
        return int(_LAYOUT.unpack_from(self._page)[3])

    def thawed(self, frozen_ns: int, seemed_s: float) -> None:
        """Note a freeze. To be called while no process of the environment runs.

        Args:
            frozen_ns: How long it lasted.
            seemed_s: How long it shall seem to have lasted by the wall clock, if longer.
        """
        self.wall_ns += max(0, round(seemed_s * _NS) - frozen_ns)
        self.monotonic_ns -= frozen_ns
        self._write(loaded=self._loaded)

    def close(self) -> None:
        """Give it up."""
        self._page.close()
        self._path.unlink(missing_ok=True)

    def _write(self, *, loaded: int) -> None:
        _LAYOUT.pack_into(self._page, 0, _MAGIC, self.wall_ns, self.monotonic_ns, loaded)


def shift_library() -> Path:
    """The compiled library; compiled now if it is not in the user's cache.

    Raises:
        UsageError: There is no C compiler, or it cannot compile the library.
    """
    source = _SOURCE.read_bytes()
    key = hashlib.sha256(source + platform.machine().encode()).hexdigest()[:16]
    folder = _cache_folder()
    library = folder / f"clock_shift-{key}.so"
    if library.is_file() and library.stat().st_uid == os.getuid():
        return library
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise UsageError(
            "shifting the clocks of a frozen function needs a C compiler, and there is no 'cc'; "
            "install one (or name it with CC), or freeze without a shift: --freeze 0"
        )
    # Compiled beside its place and renamed: several runs may begin at once.
    with tempfile.TemporaryDirectory(dir=folder) as place:
        fresh = Path(place, "library.so")
        command = [compiler, "-O2", "-shared", "-fPIC", "-o", str(fresh), str(_SOURCE), "-ldl"]
        try:
            subprocess.run(command, capture_output=True, timeout=_COMPILE_WITHIN_S, check=True)
        except (OSError, subprocess.SubprocessError) as error:
            said = (getattr(error, "stderr", None) or b"").decode("utf-8", "replace").strip()
            raise UsageError(
                f"{compiler!r} cannot compile the library that shifts the clocks; "
                "freeze without a shift: --freeze 0",
                details=said,
            ) from None
        fresh.replace(library)
    return library


def _cache_folder() -> Path:
    """A folder of the user's own: what lies there is loaded into processes."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = base / "coldcache"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = folder.stat()
    except OSError as error:
        raise UsageError(
            f"the cache folder {str(folder)!r} cannot be made: {error.strerror}; "
            "name another with XDG_CACHE_HOME"
        ) from None
    if facts.st_uid != os.getuid() or facts.st_mode & 0o022:
        raise UsageError(
            f"the cache folder {str(folder)!r} can be written to by others; "
            "make it yours alone, or name another with XDG_CACHE_HOME"
        )
    return folder
