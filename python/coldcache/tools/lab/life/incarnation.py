"""One process of an environment, and the Runtime API it talks to.

An environment outlives its processes: after a crash or a timeout it gets another one, with a server
of its own, so that nothing a dead process sent can reach the next.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ..output import Output
from ..runtime_api import RuntimeApi
from ..sandbox import Sandbox
from .options import Life

__all__ = ["Incarnation"]


class Incarnation:
    """A process, its server and its output.

    Args:
        command: Program and arguments.
        environment: The whole environment of the process, all but the server's address.
        folder: Current folder of the process.
        function_arn: What the client passes on as the invoked function.
        life: Decides how many workers there are, and whether a restore is held.
        on_idle: Called when all workers wait for an event and there is none.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        function_arn: str,
        life: Life,
        on_idle: Callable[[], None],
    ) -> None:
        self.output = Output()
        self.api = RuntimeApi(
            function_arn=function_arn,
            on_idle=on_idle,
            workers=life.workers,
            hold_restore=life.initialization == "snap-start",
        )
        self.sandbox = Sandbox(
            list(command),
            environment={**environment, "AWS_LAMBDA_RUNTIME_API": self.api.address},
            folder=folder,
            output=self.output,
            on_exit=self._ended,
        )
        self._stack = contextlib.ExitStack()
        self.is_over = False

    def start(self) -> int:
        """Start the server, then the process.

        Returns:
            When, just before the spawn, on the monotonic clock, in nanoseconds.
        """
        # Entered last, so left first: the process is killed before its server closes.
        self._stack.enter_context(self.api)
        self._stack.enter_context(self.sandbox)
        self.sandbox.start()
        return self.sandbox.spawned_ns

    def stop(self) -> str:
        """Kill what is left of it, and say how it had ended. Further calls do nothing more."""
        self.is_over = True
        self._stack.close()
        return self.sandbox.exit_status

    def _ended(self) -> None:
        self.is_over = True
        self.api.client_gone()
