"""One process of an environment, and the Runtime API it talks to.

An environment outlives its processes: after a crash or a timeout it gets another one, with a server
of its own, so that nothing a dead process sent can reach the next.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..output import Output
from ..process import Process, Spawn
from ..runtime_api import ClientGone, RuntimeApi
from ..sandbox import Sandbox
from .clock import ClockPage

__all__ = ["Incarnation"]


class Incarnation:
    """A process, its server and its output.

    Args:
        command: Program and arguments.
        environment: The whole environment of the process, all but the server's address.
        folder: Current folder of the process.
        spawn: Starts the process.
        function_arn: What the client passes on as the invoked function.
        workers: How many processes serve calls.
        clock: The clocks of the environment, if they are shifted.
        on_idle: Called with this object when all workers wait for an event and there is none.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        spawn: Spawn,
        function_arn: str,
        workers: int = 1,
        clock: ClockPage | None = None,
        on_idle: Callable[[Incarnation], None] = lambda _: None,
    ) -> None:
        self.output = Output()
        self.api = RuntimeApi(
            function_arn=function_arn,
            on_idle=lambda: on_idle(self),
            workers=workers,
            hold_restore=True,
        )
        self._clock = clock
        if clock is not None:
            self.api.wall_ahead_s = clock.wall_ns / 1e9
        self._sandbox = Sandbox(
            list(command),
            environment={**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address},
            folder=folder,
            output=self.output,
            on_exit=self._ended,
            spawn=spawn,
        )
        self._stack = contextlib.ExitStack()
        self._lock = threading.Lock()  # a process is not started any more once it was stopped
        self._has_ended = threading.Event()
        self._frozen_ns: int | None = None
        self._is_started = self._is_stopped = False

    @property
    def is_over(self) -> bool:
        """Whether the process has ended, or was stopped."""
        return self._is_stopped or self._has_ended.is_set()

    @property
    def process(self) -> Process:
        """The process, once started."""
        return self._sandbox.process

    @property
    def strays(self) -> int:
        """How many processes it had left behind; known once stopped."""
        return self._sandbox.process.strays if self._sandbox.is_started else 0

    @property
    def sandbox(self) -> Sandbox:
        """The sandbox of the process."""
        return self._sandbox

    def start(self) -> int:
        """Start the server, then the process; nothing happens if they run.

        Returns:
            When, just before the spawn, on the monotonic clock, in nanoseconds.

        Raises:
            ClientGone: It was stopped before it could be started.
        """
        with self._lock:
            if self._is_stopped:
                raise ClientGone
            if self._is_started:
                return self._sandbox.spawned_ns
            self._is_started = True
            # Entered last, so left first: the process is killed before its server closes.
            self._stack.enter_context(self.api)
            self._stack.enter_context(self._sandbox)
            self._sandbox.start()
        return self._sandbox.spawned_ns

    def wait(self, seconds: float) -> bool:
        """Wait until the process has ended, at most so long; whether it has."""
        return self._has_ended.wait(seconds)

    def stop(self) -> str:
        """Kill what is left of it, and say how it had ended. Further calls do nothing more."""
        with self._lock:
            self._is_stopped = True
            self._stack.close()
            self.api.close()  # both hold descriptors before they are started
            self.output.close()
        return self._sandbox.exit_status

    def terminate(self, grace_s: float) -> bool:
        """Ask the process to end; whether it did so in *grace_s* seconds."""
        if grace_s > 0 and not self.is_over:
            self.process.signal(signal.SIGTERM)
            self._has_ended.wait(grace_s)
        return self._has_ended.is_set()

    def freeze(self) -> None:
        """Stop the process and all that descends from it, where they are."""
        if self._frozen_ns is None and not self.is_over:
            self.process.signal(signal.SIGSTOP, is_tree=True)
            self._frozen_ns = time.monotonic_ns()

    def thaw(self, seemed_s: float | None) -> None:
        """Let them go on; nothing happens where they are not frozen.

        Args:
            seemed_s: How long the freeze seems to have lasted by the wall clock of the environment.
        """
        if self._frozen_ns is None:
            return
        if self._clock is not None:
            self._clock.thawed(time.monotonic_ns() - self._frozen_ns, seemed_s or 0.0)
            self.api.wall_ahead_s = self._clock.wall_ns / 1e9
        self._frozen_ns = None
        self.process.signal(signal.SIGCONT, is_tree=True)

    def _ended(self) -> None:
        self._has_ended.set()
        self.api.client_gone()
