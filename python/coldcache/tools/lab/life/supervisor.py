"""The lab's side of the supervisor: one process that looks after those of all environments.

Shared and counted: the first that acquires it starts it, the last that releases it ends it.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from ..errors import LabError, UsageError
from ..process import ChildProcess, Process, Spawn
from ..stop_signals import deferred

__all__ = ["SupervisedProcess", "Supervisor", "spawning", "supervised"]

_PROGRAM = Path(__file__).with_name("supervisor_main.py")
_PACKET_BYTES = 1 << 20
# A fork and a kill take a moment; only a machine that swaps would come near this.
_ANSWER_WITHIN_S = 30.0


class Supervisor:
    """A running supervisor. Its methods may be called from any thread."""

    _shared: ClassVar[Supervisor | None] = None
    _users: ClassVar[int] = 0
    _guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            os.set_inheritable(theirs.fileno(), True)
            self._program = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_PROGRAM), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                # Ctrl-C at the terminal is for the lab to act upon.
                start_new_session=True,
            )
        self._control = ours
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._answers: dict[int, _Answer] = {}
        self._processes: dict[int, SupervisedProcess] = {}
        self._early: dict[int, dict[str, int]] = {}
        self._is_gone = False
        self._listener = threading.Thread(target=self._listen, name="supervisor", daemon=True)
        self._listener.start()

    @classmethod
    def acquire(cls) -> Supervisor:
        """The shared supervisor. To be followed by :meth:`release`.

        Raises:
            UsageError: This is no Linux.
        """
        if sys.platform != "linux":
            raise UsageError(
                "an environment's life can be imitated on Linux only: its processes are looked "
                f"after by means that {sys.platform} does not have"
            )
        with cls._guard, deferred():
            if cls._shared is None:
                cls._shared = cls()
            cls._users += 1
            return cls._shared

    @classmethod
    def release(cls) -> None:
        """Give it back; the last one to do so ends it."""
        with cls._guard, deferred():
            cls._users -= 1
            if cls._users == 0 and cls._shared is not None:
                cls._shared.close()
                cls._shared = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._program.pid

    def close(self) -> None:
        """Kill all that it looks after, and end it."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        self._listener.join(_ANSWER_WITHIN_S)
        self._control.close()
        try:
            self._program.wait(_ANSWER_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()

    def spawner(self, *, join: Sequence[Path] = (), is_template: bool = False) -> _Spawner:
        """What a sandbox needs to start its process here.

        Args:
            join: ``cgroup.procs`` files of the control groups that the process joins.
            is_template: Whether it will be asked for copies of itself.
        """
        return _Spawner(
            self, {"do": "spawn", "join": list(map(str, join)), "is_template": is_template}
        )

    def restorer(self, template: Process, *, join: Sequence[Path] = ()) -> _Spawner:
        """The same, for a copy of a process that was spawned as a template.

        Of the environment that the copy is given, it takes over what it is given only.
        """
        return _Spawner(self, {"do": "restore", "pid": template.pid, "join": list(map(str, join))})

    def ask(self, request: Mapping[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Raises:
            LabError: It was refused, or the supervisor is gone.
        """
        number = next(self._numbers)
        answer = _Answer()
        packet = json.dumps({"id": number, **request}).encode()
        with self._lock:
            if self._is_gone:
                raise LabError("the supervisor of the lab's processes has ended")
            self._answers[number] = answer
            try:
                socket.send_fds(self._control, [packet], list(descriptors))
            except OSError as error:
                raise LabError(f"a process cannot be asked for: {error.strerror}") from None
        if not answer.is_there.wait(_ANSWER_WITHIN_S) or answer.facts is None:
            raise LabError("the supervisor of the lab's processes does not answer")
        if "error" in answer.facts:
            raise LabError(f"the supervisor could not {request['do']}: {answer.facts['error']}")
        return answer.facts

    def look_after(self, process: SupervisedProcess) -> None:
        """Tell a process of its end."""
        with self._lock:
            self._processes[process.pid] = process
            if process.pid in self._early:
                process.ended(self._early.pop(process.pid))
            elif self._is_gone:
                process.ended({})

    def _listen(self) -> None:
        while True:
            try:
                packet = self._control.recv(_PACKET_BYTES)
            except OSError:
                packet = b""
            if not packet:
                break
            message = json.loads(packet)
            with self._lock:
                if "id" in message:
                    answer = self._answers.pop(message["id"])
                    answer.facts = message
                    answer.is_there.set()
                elif (process := self._processes.pop(message["ended"], None)) is not None:
                    process.ended(message)
                else:  # dead before its spawn was answered
                    self._early[message["ended"]] = message
        with self._lock:
            self._is_gone = True
            for answer in self._answers.values():
                answer.is_there.set()
            for process in self._processes.values():
                process.ended({})


class _Answer:
    def __init__(self) -> None:
        self.is_there = threading.Event()
        self.facts: dict[str, Any] | None = None


class _Spawner:
    def __init__(self, supervisor: Supervisor, request: Mapping[str, Any]) -> None:
        self._supervisor = supervisor
        self._request = request

    def __call__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        stdout: int,
        stderr: int,
    ) -> Process:
        request = {
            **self._request,
            "command": list(command),
            "environment": dict(environment),
            "folder": str(folder),
        }
        answer = self._supervisor.ask(request, (stdout, stderr))
        return SupervisedProcess(self._supervisor, answer["pid"])


class SupervisedProcess:
    """A process under the supervisor: see :class:`coldcache.tools.lab.process.Process`."""

    def __init__(self, supervisor: Supervisor, pid: int) -> None:
        self.pid = pid
        self.exit_code: int | None = None
        self.peak_rss_bytes = 0
        self.strays = 0
        self._supervisor = supervisor
        self._has_ended = threading.Event()
        self._facts: Mapping[str, int] = {}
        supervisor.look_after(self)

    def ended(self, facts: Mapping[str, int]) -> None:
        """Take note of its end."""
        self._facts = facts
        self._has_ended.set()

    def wait(self) -> None:
        """Wait until it has ended, however long that takes."""
        self._has_ended.wait()

    def signal(self, signum: signal.Signals, *, is_tree: bool = False) -> None:
        """Send a signal, where asked to all that descends from the process too."""
        with contextlib.suppress(LabError):  # without a supervisor there is no process either
            self._supervisor.ask(
                {"do": "signal", "pid": self.pid, "signal": int(signum), "is_tree": is_tree}
            )

    def end(self, wait: Callable[[], None]) -> None:
        """Kill the process and all that descends from it, wherever it went."""
        with contextlib.suppress(LabError):  # without a supervisor nothing is left of it either
            self._supervisor.ask({"do": "end", "pid": self.pid})
        wait()
        self.exit_code = self._facts.get("status", -signal.SIGKILL)
        self.peak_rss_bytes = self._facts.get("peak_kb", 0) * 1024
        self.strays = self._facts.get("strays", 0)


@contextlib.contextmanager
def supervised() -> Iterator[Supervisor]:
    """The shared supervisor, for as long as the block lasts."""
    supervisor = Supervisor.acquire()
    try:
        yield supervisor
    finally:
        Supervisor.release()


@contextlib.contextmanager
def spawning() -> Iterator[Spawn]:
    """How to start processes of which nothing may be left behind, for as long as the block lasts.

    Under the supervisor on Linux; elsewhere as children of ours, of which only what stays in the
    process group can be ended.
    """
    if sys.platform != "linux":
        yield ChildProcess
        return
    with supervised() as supervisor:
        yield supervisor.spawner()
