"""How a process under test comes to be, and how it ends with all that it started.

Two ways share one shape: as a child of ours, which is quick and portable, and under a supervisor
(:mod:`coldcache.tools.lab.life.supervisor`), from which nothing escapes.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

__all__ = ["ChildProcess", "Process", "Spawn"]


class Process(Protocol):
    """A spawned process that leads a process group.

    Attributes:
        pid: The process id, which is the id of its group too.
        exit_code: As in :mod:`subprocess`; ``None`` before :meth:`end`.
        peak_rss_bytes: The largest resident set by the accounting at exit; 0 before :meth:`end`.
        strays: How many processes it had left behind, where that is known.
    """

    pid: int
    exit_code: int | None
    peak_rss_bytes: int
    strays: int

    def signal(self, signum: signal.Signals, *, is_tree: bool = False) -> None:
        """Send a signal, where asked to all that it has started too."""

    def wait(self) -> None:
        """Wait until it has ended, however long that takes."""

    def end(self, wait: Callable[[], None]) -> None:
        """Kill what is left of it and of what it started.

        Args:
            wait: Waits a bounded time for :meth:`wait` to return on another thread.
        """


class Spawn(Protocol):
    """Starts a process."""

    def __call__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        stdout: int,
        stderr: int,
    ) -> Process:
        """Start a process.

        Args:
            command: Program and arguments.
            environment: All of the environment, nothing is inherited.
            folder: Current folder of the process.
            stdout: Descriptor for its output.
            stderr: Descriptor for its errors.
        """


class ChildProcess:
    """A child of ours.

    It is reaped only after its group has been killed: a reaped id may be given to a stranger.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        stdout: int,
        stderr: int,
    ) -> None:
        self._process = subprocess.Popen(
            list(command),
            env=dict(environment),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self.exit_code: int | None = None
        self.peak_rss_bytes = 0
        self.strays = 0

    def signal(self, signum: signal.Signals, *, is_tree: bool = False) -> None:
        """Send a signal, where asked to the whole group."""
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if is_tree else os.kill)(self.pid, signum)

    def wait(self) -> None:
        """Wait until it has ended, however long that takes."""
        # WNOWAIT leaves the zombie in place: `end` reaps it when the group is dead.
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def end(self, wait: Callable[[], None]) -> None:
        """Kill the group and reap the process."""
        # The process is at least a zombie until reaped below, so both ids are still ours.
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(self.pid, signal.SIGKILL)
        wait()
        self.exit_code = self._reap()
        self._process.returncode = self.exit_code  # it need not look for it any more

    def _reap(self) -> int:
        try:
            # It has been seen to end; if not, it hangs in the kernel, and waiting is no use.
            reaped, status, usage = os.wait4(self.pid, os.WNOHANG)
        except ChildProcessError:
            # Whoever started us ignores SIGCHLD, so the kernel has reaped it: the status is lost.
            return 0
        if not reaped:
            return -signal.SIGKILL
        unit = 1 if sys.platform == "darwin" else 1024
        self.peak_rss_bytes = usage.ru_maxrss * unit
        return os.waitstatus_to_exitcode(status)
