"""A process initialised once, from which several environments are restored, as from a snapshot.

What is imitated: everything the process holds in memory is the same in all of them, the state of
``random`` included; hooks run in the platform's order; the scratch folder is copied. What is not,
because a copy is a fork: threads of the template do not exist in the copies, descriptors are shared
instead of dead, process ids differ, and the state of what the C library's fork hooks touch (OpenSSL
reseeds itself) is not shared.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from ..errors import LabError
from ..interpreter import Interpreter
from ..process import Process
from ..target import Target
from .incarnation import Incarnation
from .initializer import Initializer
from .options import Life
from .supervisor import Supervisor

__all__ = ["Template"]

_PROGRAM = Path(__file__).with_name("template_main.py")


class Template:
    """A function's snapshot. Use as a context manager; the environments end with it.

    Args:
        target: The function.
        interpreter: What runs it.
        settings: As for :class:`coldcache.tools.lab.life.Environment`.
        life: With ``snap-start``.
        scratch: Its scratch folder, copied into those of the environments; made if missing, and
            then removed at the end.
        call_timeout_s: The function's timeout.

    Raises:
        LabError: Entering it: the function did not get as far as its snapshot.
    """

    def __init__(
        self,
        target: Target,
        interpreter: Interpreter,
        settings: Mapping[str, str],
        life: Life,
        *,
        scratch: Path,
        call_timeout_s: float = 3.0,
    ) -> None:
        self._function = (target, interpreter, settings, life)
        self._limit_s = life.init_limit_for(call_timeout_s)
        self.scratch = scratch
        self._stack = contextlib.ExitStack()
        self._incarnation: Incarnation | None = None
        self.init_ms = 0.0

    def __enter__(self) -> Template:
        with contextlib.ExitStack() as stack:
            supervisor = Supervisor.acquire()
            stack.callback(Supervisor.release)
            if not self.scratch.exists():
                self.scratch.mkdir(parents=True)
                stack.callback(shutil.rmtree, self.scratch, ignore_errors=True)
            initializer = Initializer(
                *self._function,
                scratch=self.scratch,
                supervisor=supervisor,
                launch=(str(_PROGRAM),),
                is_template=True,
            )
            stack.callback(initializer.close)
            incarnation = initializer.prepare(lambda _: None)
            stack.callback(incarnation.stop)
            init = initializer.snapshot(incarnation, self._limit_s)
            if init.verdict.failure is not None:
                raise init.verdict.failure
            self.init_ms = init.ms or 0.0
            self._incarnation = incarnation
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._incarnation = None
        self._stack.close()

    @property
    def process(self) -> Process:
        """The template's process.

        Raises:
            LabError: It has ended.
        """
        if self._incarnation is None or self._incarnation.is_over:
            raise LabError("the template process has ended; nothing can be restored from it")
        return self._incarnation.process
