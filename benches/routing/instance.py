"""One gunicorn whose application takes a while to import, with coldcache's hooks or without."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

# Burns a processor in C without letting go of the GIL, as the import of an extension may.
BUSY_C = """
#include <time.h>
void busy(double seconds) {
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    do {
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while ((now.tv_sec - end.tv_sec) + (now.tv_nsec - end.tv_nsec) * 1e-9 < seconds);
}
"""
BUSY_PY = """
import ctypes, os
library = ctypes.PyDLL(os.path.join(os.path.dirname(os.path.abspath(__file__)), "libbusy.so"))
library.busy.argtypes = [ctypes.c_double]
library.busy(float(os.environ.get("BUSY_SECONDS", "3")))
"""
SHOP_PY = """
import os, time
import busy
import coldcache
BODY = str(os.getpid()).encode()
@coldcache.step("first page")
def first_page():
    pass
def app(environ, start_response):
    time.sleep(0.005)
    start_response("200 OK", [("Content-Length", str(len(BODY)))])
    return [BODY]
"""


def write_application(folder: Path) -> None:
    """Write the application, and compile what it imports.

    Raises:
        subprocess.CalledProcessError: There is no C compiler that works.
    """
    (folder / "busy.c").write_text(BUSY_C)
    (folder / "busy.py").write_text(BUSY_PY)
    (folder / "shop.py").write_text(SHOP_PY)
    command = ["cc", "-O1", "-shared", "-fPIC", "-o", "libbusy.so", "busy.c"]
    subprocess.run(command, cwd=folder, check=True)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Instance:
    """A gunicorn of one worker process on ports of its own."""

    def __init__(self, folder: Path, *, with_coldcache: bool, busy_seconds: float) -> None:
        self.port = free_port()
        self.probe_port = free_port()
        self._folder = folder
        self._options = ["-c", "python:coldcache.web.gunicorn"] if with_coldcache else []
        self._env = {**os.environ, "BUSY_SECONDS": str(busy_seconds)}
        if with_coldcache:
            self._env["COLDCACHE_PROBE"] = f"127.0.0.1:{self.probe_port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and do not wait for it."""
        command = [sys.executable, "-m", "gunicorn", *self._options, "-w", "1", "-k", "gthread"]
        command += ["--threads", "4", "--no-control-socket", "-b", f"127.0.0.1:{self.port}"]
        with (self._folder / f"gunicorn-{self.port}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "shop:app"],
                cwd=self._folder,
                env=self._env,
                stderr=log,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
