"""Real servers on loopback: each in a private folder, on a free port, as a user without rights.

Whoever starts them owns them: they end with their `with` block, and the kernel ends them if the
process that started them is killed.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

FINDER = Path(__file__).resolve().parents[2] / ".ci" / "servers"
READY_WITHIN_S = 30.0
STOPPED_WITHIN_S = 20.0
POLL_S = 0.005


class NoServersError(Exception):
    """The servers cannot be had on this machine."""


class NotHereError(Exception):
    """A fault cannot be made on this machine."""


class ServerError(Exception):
    """A server did not start, did not stop or does not answer."""


def find_programs() -> dict[str, str]:
    """Say where the servers' programs are; installs what is missing where that can be done.

    Raises:
        NoServersError: One of them cannot be had; says why.
    """
    done = subprocess.run([str(FINDER)], capture_output=True, text=True, timeout=400, check=False)
    if done.returncode:
        raise NoServersError(done.stderr.strip() or f".ci/servers ended with {done.returncode}")
    return dict(line.split(" ", 1) for line in done.stdout.splitlines())


def servant() -> str | None:
    """Name the user whom servers run as: nobody special for root, oneself for anybody else."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(is_so: Callable[[], bool], what: str, seconds: float = READY_WITHIN_S) -> None:
    """Look again and again until it is so.

    Raises:
        ServerError: It was not so in time.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise ServerError(f"{what}: not within {seconds:.0f} s")
        time.sleep(POLL_S)


class Server:
    """One program in one folder; can be stopped and started again on the same port."""

    name = "server"
    stop_with = signal.SIGTERM

    def __init__(self, program: str, folder: Path) -> None:
        self.program = program
        self.folder = folder / self.name
        self.log = folder / f"{self.name}.log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.folder.mkdir(mode=0o700)
        user = servant()
        if user:
            shutil.chown(self.folder, user, pwd.getpwnam(user).pw_gid)

    def command(self) -> list[str]:
        """Give the command line."""
        raise NotImplementedError

    def is_ready(self) -> bool:
        """Whether it takes connections."""
        raise NotImplementedError

    def as_servant(self) -> dict[str, Any]:
        """Give the arguments of `subprocess` that run a program as the servers' user."""
        user = servant()
        if user is None:
            return {}
        return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}

    def start(self) -> None:
        """Start it and wait until it takes connections."""
        # The kernel stops a server whose starter is killed before it can say so.
        command = ["setpriv", "--pdeathsig", self.stop_with.name.removeprefix("SIG"), "--"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *self.command()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                start_new_session=True,
                **self.as_servant(),
            )
        wait_until(self._is_ready_or_dead, f"{self.name} starts")

    def _is_ready_or_dead(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            tail = self.log.read_text(errors="replace")[-1500:]
            raise ServerError(f"{self.name} ended with {self.process.returncode}:\n{tail}")
        return self.is_ready()

    def stop(self) -> None:
        """Stop it, by force if it takes too long."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(self.stop_with)
        try:
            process.wait(STOPPED_WITHIN_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def restart(self) -> None:
        """Stop it and start it on the same port."""
        self.stop()
        self.start()

    def stall(self) -> None:
        """Stop answering; connections stay, and the kernel goes on taking new ones."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Answer again, what was asked meanwhile as well."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


class Servers:
    """A folder with the servers in it, for a `with` block."""

    def __init__(self) -> None:
        self.programs = find_programs()
        self.folder = Path(tempfile.mkdtemp(prefix="coldcache-faults-"))
        self.folder.chmod(0o711)  # the servers' user passes through to its own folders
        self.running: list[Server] = []

    def add(self, server: Server) -> None:
        """Start a server that ends with the block."""
        self.running.append(server)
        server.start()

    def __enter__(self) -> Servers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for server in reversed(self.running):
            server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
