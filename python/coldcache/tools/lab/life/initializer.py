"""How the processes of one environment come to be, and how they get through their init.

Three ways lead to the first ``next``: init alone; init, snapshot and restore in one process; and a
restore from a template that has been initialised before.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..environment import FUNCTION_NAME
from ..errors import UsageError
from ..interpreter import Interpreter
from ..process import Spawn
from ..runtime_api import ClientGone, InitFailed, WaitTimeout
from ..target import Target
from .cgroups import Ceiling
from .clock import ClockPage
from .incarnation import Incarnation
from .options import Life
from .supervisor import Supervisor
from .verdict import Judge, Verdict

if TYPE_CHECKING:
    from .template import Template

__all__ = ["Init", "Initializer"]

_ARN = "arn:aws:lambda:us-east-1:123456789012:function:{name}"
_STAGE = "before it asked for its first event"


@dataclass(frozen=True)
class Init:
    """How an init went; times are of the monotonic clock.

    Attributes:
        began_ns: Just before the spawn, or when the restore began.
        done_ns: Its first ``next``; ``None`` if none came.
        verdict: How it ended.
        snapshot_init_ms: The init before the snapshot, if there was one.
    """

    began_ns: int
    done_ns: int | None
    verdict: Verdict
    snapshot_init_ms: float | None = None

    @property
    def ms(self) -> float | None:
        """How long it took."""
        return None if self.done_ns is None else (self.done_ns - self.began_ns) / 1e6


class Initializer:
    """Makes the processes of one environment.

    Args:
        target: The function.
        interpreter: What runs it.
        settings: The environment of its processes, without what the life decides.
        life: The parts of the lifecycle that are switched on.
        scratch: The scratch folder; it must exist.
        supervisor: Looks after the processes.
        template: What environments are restored from.
        launch: What the interpreter is given before the handler.
        is_template: Whether the processes are templates themselves.
    """

    def __init__(
        self,
        target: Target,
        interpreter: Interpreter,
        settings: Mapping[str, str],
        life: Life,
        *,
        scratch: Path,
        supervisor: Supervisor,
        template: Template | None = None,
        launch: tuple[str, ...] = ("-m", "awslambdaric"),
        is_template: bool = False,
    ) -> None:
        self._target = target
        self._command = [str(interpreter.path), *launch, target.handler]
        self._life = life
        self._supervisor = supervisor
        self._template = template
        self._is_template = is_template
        self._arn = _ARN.format(name=settings.get("AWS_LAMBDA_FUNCTION_NAME", FUNCTION_NAME))
        self._ceiling = Ceiling.of(life)
        self._clock: ClockPage | None = None
        own = {"TMPDIR": str(scratch)}
        if life.frozen_clock_shift_s is not None:
            self._clock = ClockPage(scratch.with_name(f"{scratch.name}.clock"))
            own |= self._clock.settings(settings)
        # A copy keeps the variables that its template has, as a restored snapshot does.
        copied = {name: value for name, value in own.items() if name != "LD_PRELOAD"}
        self._environment: dict[str, str] = (
            copied if template is not None else {**settings, **_platform_settings(life), **own}
        )
        self.judge = Judge(target, memory_mb=life.memory_mb)

    @property
    def notes(self) -> tuple[str, ...]:
        """What this machine cannot imitate; of the clocks known once a process runs."""
        notes = list(self._ceiling.notes)
        if self._clock is not None and self._clock.is_in_use and not self._clock.is_everywhere:
            notes.append(
                "shifted clocks are seen by those who ask the C library only, not by native code "
                "that asks the kernel's vDSO (coldcache does): this kernel seals it"
            )
        return tuple(notes)

    def prepare(self, on_idle: Callable[[Incarnation], None]) -> Incarnation:
        """Make the next process, without starting it."""
        return Incarnation(
            self._command,
            environment=self._environment,
            folder=self._target.folder,
            spawn=self._spawn(),
            function_arn=self._arn,
            workers=self._life.workers,
            clock=self._clock,
            on_idle=on_idle,
        )

    def run(self, incarnation: Incarnation, limit_s: float) -> Init:
        """Start a prepared process and wait for its first ``next``; stop it if none comes.

        Args:
            incarnation: What was prepared.
            limit_s: Seconds that the init may take; a restore has a limit of its own.
        """
        if self._template is not None:
            return self._restore(incarnation, limit_s, None)
        if self._life.initialization != "snap-start":
            return self._until(incarnation, limit_s, incarnation.api.wait_for_init)
        init = self.snapshot(incarnation, limit_s)
        return init if init.done_ns is None else self._restore(incarnation, limit_s, init.ms)

    def snapshot(self, incarnation: Incarnation, limit_s: float) -> Init:
        """Start a prepared process, wait until it asks for its restore, and let the snapshot last.

        Args:
            incarnation: What was prepared.
            limit_s: Seconds that the init may take.
        """
        init = self._until(incarnation, limit_s, incarnation.api.wait_for_restore)
        incarnation.wait(self._life.snapshot_s)
        if self._is_template:
            incarnation.api.release_restore()
        return init

    def _restore(self, incarnation: Incarnation, limit_s: float, snapshot_ms: float | None) -> Init:
        limit_s = min(limit_s, self._life.restore_limit_s)
        incarnation.api.release_restore()
        began_ns = time.monotonic_ns()
        init = self._until(incarnation, limit_s, incarnation.api.wait_for_init)
        if init.verdict.outcome == "init_timeout":
            verdict = self.judge.restore_too_long(incarnation, limit_s)
            init = dataclasses.replace(init, verdict=verdict)
        if snapshot_ms is not None:
            init = dataclasses.replace(init, began_ns=began_ns)
        return dataclasses.replace(init, snapshot_init_ms=snapshot_ms)

    def _until(
        self, incarnation: Incarnation, limit_s: float, wait: Callable[[float], int]
    ) -> Init:
        """Start the process unless it runs, and wait for a point in its init."""
        kills = self._ceiling.kills()
        began_ns = time.monotonic_ns()
        try:
            self._ceiling.throttle(is_on=False)  # the platform's init is not throttled
            began_ns = incarnation.start()
            done_ns = wait(limit_s)
        except InitFailed as failed:
            verdict = self.judge.init_failed(incarnation, failed.report)
        except ClientGone:
            verdict = self.ended(incarnation, _STAGE, kills)
        except WaitTimeout:
            verdict = self.judge.init_too_long(incarnation, limit_s, "--init-limit")
        else:
            self._check_clock(incarnation)
            self._ceiling.throttle(is_on=True)
            return Init(began_ns, done_ns, Verdict("ok"))
        return Init(began_ns, None, verdict)

    def kills(self) -> int:
        """How often the kernel has ended a process of this environment at its memory ceiling."""
        return self._ceiling.kills()

    def ended(self, incarnation: Incarnation, stage: str, kills: int) -> Verdict:
        """A process is gone.

        Args:
            incarnation: Whose.
            stage: What it was doing.
            kills: What :meth:`kills` said before.
        """
        return self.judge.ended(incarnation, stage, was_out_of_memory=self._ceiling.kills() > kills)

    def close(self) -> None:
        """Give up what belongs to the environment beyond its processes, which must have ended."""
        self._ceiling.remove()
        if self._clock is not None:
            self._clock.close()

    def _spawn(self) -> Spawn:
        joins = self._ceiling.joins
        if self._template is not None:
            return self._supervisor.restorer(self._template.process, join=joins)
        return self._supervisor.spawner(join=joins, is_template=self._is_template)

    def _check_clock(self, incarnation: Incarnation) -> None:
        if self._clock is not None and not self._clock.is_in_use:
            incarnation.stop()
            raise UsageError(
                f"the clocks of {self._command[0]!r} cannot be shifted: it does not take part in "
                "dynamic linking; freeze without a shift: --freeze 0"
            )


def _platform_settings(life: Life) -> dict[str, str]:
    settings = {
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(life.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": life.initialization,
    }
    if life.initialization == "lambda-managed-instances":
        settings["AWS_LAMBDA_MAX_CONCURRENCY"] = str(life.workers)
        settings["AWS_LAMBDA_LOG_FORMAT"] = "JSON"  # always so there
    return settings
