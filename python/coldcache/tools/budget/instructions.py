"""Instructions of a process, counted by valgrind.

The processor's own counters are not there on most virtual machines, hosted CI runners among them,
and count differently from model to model. Valgrind counts what it runs itself: slowly (20 to 50
times), nearly the same on every machine, and to about a thousandth the same from run to run.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from coldcache.tools.lab.event import Event
from coldcache.tools.lab.sampler import Limits, Sampler
from coldcache.tools.lab.sandbox import Sandbox

__all__ = ["Valgrind"]

_SLOWER = 60
_ENDS_WITHIN_S = 20.0
_POLL_S = 0.01
_SUMMARY = re.compile(r"^summary: (\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Valgrind:
    """The program.

    Attributes:
        program: Where it is.
    """

    program: Path

    @classmethod
    def find(cls) -> Valgrind | None:
        """Valgrind, if it is on the ``PATH``."""
        found = shutil.which("valgrind")
        return None if found is None else cls(Path(found).absolute())

    @staticmethod
    def relaxed(limits: Limits) -> Limits:
        """The limits of a process that runs so much slower."""
        return Limits(init_s=limits.init_s * _SLOWER, call_s=limits.call_s * _SLOWER)

    @staticmethod
    def launch(python: Path, out: Path) -> tuple[str, ...]:
        """What it is given to run the runtime client in an interpreter.

        Args:
            python: The interpreter.
            out: Where the count goes.
        """
        tool = ("--tool=cachegrind", "--cache-sim=no", "--branch-sim=no", "--quiet")
        return (*tool, f"--cachegrind-out-file={out}", str(python), "-m", "awslambdaric")

    @staticmethod
    def count(sampler: Sampler, event: Event | None, out: Path) -> int | None:
        """Count the instructions of one start.

        Args:
            sampler: Made with what :meth:`launch` says.
            event: What the function is called with.
            out: The file named there.

        Returns:
            The count, or ``None`` if the process could not be made to end and say.
        """

        def end(sandbox: Sandbox) -> None:
            os.kill(sandbox.pid, signal.SIGTERM)
            deadline = time.monotonic() + _ENDS_WITHIN_S
            # It is left a zombie, which the sandbox reaps.
            options = os.WEXITED | os.WNOHANG | os.WNOWAIT
            while os.waitid(os.P_PID, sandbox.pid, options) is None:
                if time.monotonic() > deadline:
                    return
                time.sleep(_POLL_S)

        sampler.observe(event, end)
        found = _SUMMARY.search(out.read_text("ascii", "replace"))
        return int(found[1]) if found else None
