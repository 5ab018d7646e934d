"""One process that runs the unmodified runtime client, from spawn to the last trace of it.

It leads a process group of its own: whatever the function started is ended with it.
"""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

from .output import Output
from .process import ChildProcess, Process, Spawn
from .stop_signals import deferred

__all__ = ["Sandbox"]

_JOIN_TIMEOUT_S = 5.0
_VM_HWM = re.compile(r"^VmHWM:\s*(\d+) kB$", re.MULTILINE)


class Sandbox:
    """A fresh process for one sample. Use as a context manager; leaving it kills the whole group.

    Args:
        command: Program and arguments.
        environment: All of the environment, nothing is inherited.
        folder: Current folder of the process.
        output: Takes what the process writes; closed with the sandbox.
        on_exit: Called from a thread of its own when the process has ended by itself or was killed.
        spawn: Starts the process; as a child of ours by default.
    """

    def __init__(
        self,
        command: list[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        output: Output,
        on_exit: Callable[[], None],
        spawn: Spawn = ChildProcess,
    ) -> None:
        self._command = command
        self._environment = dict(environment)
        self._folder = folder
        self._output = output
        self._on_exit = on_exit
        self._spawn = spawn
        self._process: Process | None = None
        self._watcher = threading.Thread(target=self._watch, name="sandbox", daemon=True)
        self.spawned_ns = 0

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id, which is the id of its group too."""
        return self.process.pid

    @property
    def is_started(self) -> bool:
        """Whether there is, or was, a process."""
        return self._process is not None

    @property
    def exit_status(self) -> str:
        """How the stopped process had ended, in words."""
        if self._process is None:
            return "was never started"
        code = self._process.exit_code
        if code is None:
            return "is still running"
        if code >= 0:
            return f"ended with exit code {code}"
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
        return f"was ended by signal {-code}"

    def start(self) -> None:
        """Spawn the process. The clock of the sample starts just before."""
        with deferred():
            self.spawned_ns = time.monotonic_ns()
            self._process = self._spawn(
                self._command,
                environment=self._environment,
                folder=self._folder,
                stdout=self._output.stdout,
                stderr=self._output.stderr,
            )
            self._output.start()
            self._watcher.start()

    def peak_memory_bytes(self) -> int | None:
        """The largest resident set so far, or ``None`` where the system does not tell.

        Ask while the process is alive. Children that the function started are not included.
        """
        try:
            status = Path(f"/proc/{self.pid}/status").read_text("ascii", "replace")
        except OSError:
            return None
        found = _VM_HWM.search(status)
        return int(found[1]) * 1024 if found else None

    @property
    def peak_rss_bytes(self) -> int:
        """The largest resident set by the accounting at exit; known once stopped.

        Coarser than :meth:`peak_memory_bytes`: on Linux it starts from the size of the parent.
        """
        return self.process.peak_rss_bytes if self._process is not None else 0

    def stop(self) -> None:
        """Kill the group, reap the process, close its output. Further calls do nothing."""
        with deferred():
            process = self._process
            if process is not None and process.exit_code is None:
                process.end(lambda: self._watcher.join(_JOIN_TIMEOUT_S))
            self._output.close()

    @property
    def process(self) -> Process:
        """The process, once started."""
        if self._process is None:
            raise RuntimeError("the sandbox has not been started")
        return self._process

    def _watch(self) -> None:
        self.process.wait()
        self._on_exit()
