"""One execution environment with the platform's lifecycle, driven from outside.

Its process runs the unmodified runtime client. The environment outlives the process: after a crash,
a timeout or a failed init, the next call begins with a new one, whose init counts in that call, and
finds the scratch folder as it was left.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from ..errors import LabError
from ..exchange import Exchange
from ..interpreter import Interpreter
from ..runtime_api import ClientGone, InitFailed, WaitTimeout
from ..target import Target
from .incarnation import Incarnation
from .initializer import Init, Initializer
from .options import Life
from .records import CallRecord, EndRecord, StartClass, StartRecord
from .supervisor import Supervisor
from .template import Template
from .verdict import Verdict

__all__ = ["Environment"]

_START_CLASSES: Mapping[str, StartClass] = {
    "provisioned-concurrency": "provisioned",
    "snap-start": "restored",
    "lambda-managed-instances": "managed-instance",
}
# Classes of starts that a request waits for.
_COLD: frozenset[StartClass] = frozenset({"on-demand", "restored", "re-init"})
# How long to wait for the client's `next` before an explicit freeze.
_IDLE_WITHIN_S = 5.0


class Environment:
    """An execution environment of one function. Use as a context manager; leaving it ends it.

    No method raises for what the function does: the outcome is in the record. Calls may come from
    several threads; no more of them than there are workers are under way at once.

    Args:
        target: The function.
        interpreter: What runs it.
        settings: The environment of its processes, as
            :func:`coldcache.tools.lab.environment.sample_environment` makes it. What the life
            decides is set here.
        life: The parts of the lifecycle that are switched on.
        number: Number of the environment, for the records.
        scratch: Its scratch folder, ``TMPDIR`` of the function; made if missing, and then removed
            at the end.
        call_timeout_s: The function's timeout: seconds for one call.
        template: With ``snap-start``: what it is restored from. Without one it takes a snapshot of
            its own, and is restored in place.

    Attributes:
        failure: The latest failure with its evidence, for a reader; ``None`` if there was none.

    Raises:
        UsageError: This machine lacks what the life needs.
    """

    def __init__(
        self,
        target: Target,
        interpreter: Interpreter,
        settings: Mapping[str, str],
        life: Life,
        *,
        number: int = 0,
        scratch: Path,
        call_timeout_s: float = 3.0,
        template: Template | None = None,
    ) -> None:
        self._life = life
        self._number = number
        self._call_timeout_s = call_timeout_s
        self._template = template
        self._stack = contextlib.ExitStack()
        self._gate = threading.RLock()  # guards which process there is, and its being frozen
        self._starting = threading.RLock()  # held through an init that others have to wait for
        self._turns = threading.BoundedSemaphore(life.workers)
        self._closing = threading.Event()
        self._incarnation: Incarnation | None = None
        self._queued: str | None = None
        self._start: StartRecord | None = None
        self._first: StartRecord | None = None  # the start, until a call has reported it
        self._end: EndRecord | None = None
        self.failure: LabError | None = None
        with contextlib.ExitStack() as stack:
            supervisor = Supervisor.acquire()
            stack.callback(Supervisor.release)
            if not scratch.exists():
                scratch.mkdir(parents=True)
                stack.callback(shutil.rmtree, scratch, ignore_errors=True)
            self._scratch = scratch
            self._initializer = Initializer(
                target,
                interpreter,
                settings,
                life,
                scratch=scratch,
                supervisor=supervisor,
                template=template,
            )
            stack.callback(self._initializer.close)
            self._stack = stack.pop_all()

    def __enter__(self) -> Environment:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self, *, event: bytes | None = None) -> StartRecord:
        """Spawn the process and wait for the end of its init, or for its limit.

        Args:
            event: The event of the first call: it is queued before the spawn, as on a platform that
                starts an environment because a request is waiting. The next :meth:`call` collects
                its answer.

        Raises:
            RuntimeError: It has been started before, or is closed.
        """
        with self._starting:
            if self._start is not None:
                raise RuntimeError(f"environment {self._number} has been started before")
            is_early = event is None or self._life.proactive_gap_s is not None
            if self._template is not None:  # a snapshot holds the scratch folder, too
                shutil.copytree(self._template.scratch, self._scratch, dirs_exist_ok=True)
            incarnation = self._prepare()
            if event is not None and not is_early:
                self._queued = incarnation.api.offer(event, timeout_s=self._call_timeout_s)
            init = self._run_init(incarnation, self._life.init_limit_for(self._call_timeout_s))
            if init.done_ns is None:
                self._queued = None  # it has not been handed out, and is not any more
            on_demand: StartClass = "proactive" if is_early else "on-demand"
            snapshot_ms = init.snapshot_init_ms
            self._start = self._first = StartRecord(
                environment=self._number,
                spawned_ns=init.began_ns,
                init_done_ns=init.done_ns,
                init_ms=init.ms,
                start_class=_START_CLASSES.get(self._life.initialization, on_demand),
                outcome=init.verdict.outcome,
                error=init.verdict.error,
                notes=self._initializer.notes,
                snapshot_init_ms=self._template.init_ms if self._template else snapshot_ms,
            )
            return self._start

    def call(self, event: bytes, *, frozen_s: float | None = None) -> CallRecord:
        """Call the function and wait for its answer; init runs first where no process is left.

        Args:
            event: JSON text. Where :meth:`start` was given one, the first call collects its answer.
            frozen_s: How long the freeze before it seems to have lasted, in seconds, if otherwise
                than the life says.

        Raises:
            RuntimeError: The environment is closed.
        """
        with self._turns:
            self._check_open()
            with self._starting:
                start = self._start or self.start(event=event)
                first, self._first = self._first, None
                if first is not None and first.outcome == "ok":
                    self._wait_for_gap(start)
                # A queued event has been handed out by now, and may have ended the process already.
                incarnation = self._incarnation if self._queued is not None else self._living()
                if incarnation is None:
                    return self._call_with_init(event)
            seemed_s = self._life.frozen_clock_shift_s if frozen_s is None else frozen_s
            with self._gate:
                request_id, self._queued = self._queued, None
                # What was queued has been handed out; the answer may be there, and all be frozen.
                if request_id is None:
                    incarnation.thaw(seemed_s)
                    request_id = incarnation.api.offer(event, timeout_s=self._call_timeout_s)
            if first is None:
                return self._await_answer(incarnation, request_id, "warm", None)
            return self._await_answer(incarnation, request_id, first.start_class, first.init_ms)

    def freeze(self) -> None:
        """Stop the processes until the next call, once the client has asked for it.

        With ``freeze`` in its life the environment does so by itself.
        """
        self._check_open()
        incarnation = self._living()
        if incarnation is None:
            return
        with contextlib.suppress(ClientGone, InitFailed, WaitTimeout):
            incarnation.api.wait_until_idle(_IDLE_WITHIN_S)
            self._freeze_if_idle(incarnation)

    def close(self) -> EndRecord:
        """End the environment: SIGTERM and grace where it has an extension, then SIGKILL.

        Calls that are under way are told that their process is gone. Further calls do nothing more.
        """
        with self._gate:
            if self._end is not None:
                return self._end
            asked_ns = time.monotonic_ns()
            is_first = not self._closing.is_set()
            self._closing.set()
            incarnation = self._incarnation
            was_alive = incarnation is not None and not incarnation.is_over
            if incarnation is not None and was_alive:
                incarnation.thaw(None)
        exited = incarnation is not None and was_alive and incarnation.terminate(self._life.grace_s)
        status = incarnation.stop() if incarnation is not None else None
        if is_first:
            self._stack.close()
        with self._gate:
            self._end = EndRecord(
                environment=self._number,
                asked_ns=asked_ns,
                ended_ns=time.monotonic_ns(),
                ended_by="exit" if exited else "SIGKILL" if was_alive else "gone",
                exit_status=status,
                strays=self._strays(incarnation),
            )
            return self._end

    # Processes

    def _strays(self, incarnation: Incarnation | None) -> int:
        if incarnation is None:
            return 0
        # The workers of a managed instance are children of the client, and no strays.
        is_managed = self._life.initialization == "lambda-managed-instances"
        return max(0, incarnation.strays - (self._life.workers if is_managed else 0))

    def _check_open(self) -> None:
        if self._closing.is_set():
            raise RuntimeError(f"environment {self._number} is closed")

    def _prepare(self) -> Incarnation:
        with self._gate:
            self._check_open()
            before, self._incarnation = self._incarnation, None
        if before is not None:
            before.stop()  # it has ended; its server and its output have not
        with self._gate:
            self._check_open()
            self._incarnation = self._initializer.prepare(self._idle)
            return self._incarnation

    def _living(self) -> Incarnation | None:
        with self._gate:
            incarnation = self._incarnation
            return None if incarnation is None or incarnation.is_over else incarnation

    def _run_init(self, incarnation: Incarnation, limit_s: float) -> Init:
        init = self._initializer.run(incarnation, limit_s)
        self.failure = init.verdict.failure or self.failure
        return init

    def _idle(self, incarnation: Incarnation) -> None:
        if self._life.freeze:
            self._freeze_if_idle(incarnation)

    def _freeze_if_idle(self, incarnation: Incarnation) -> None:
        # Events are offered under the same lock, after a thaw: none is handed to a frozen process.
        with self._gate:
            if not self._closing.is_set() and incarnation.api.is_idle:
                incarnation.freeze()

    def _wait_for_gap(self, start: StartRecord) -> None:
        gap_s = self._life.proactive_gap_s
        if gap_s is not None and start.init_done_ns is not None:
            passed_s = (time.monotonic_ns() - start.init_done_ns) / 1e9
            self._closing.wait(max(0.0, gap_s - passed_s))

    # Calls

    def _call_with_init(self, event: bytes) -> CallRecord:
        """A call to an environment without a process: init runs inside, within its timeout."""
        began_ns = time.monotonic_ns()
        try:
            incarnation = self._prepare()
        except RuntimeError:  # closed since the call began
            verdict = Verdict("crash", "its environment was closed")
            return self._record(began_ns, "re-init", None, verdict, None, None)
        request_id = incarnation.api.offer(event, timeout_s=self._call_timeout_s, since_ns=began_ns)
        init = self._run_init(incarnation, self._call_timeout_s)
        if init.done_ns is not None:
            return self._await_answer(incarnation, request_id, "re-init", init.ms, began_ns)
        verdict = init.verdict
        if verdict.outcome == "init_timeout":  # what has run out is the call's time
            verdict = Verdict("timeout", verdict.error, verdict.failure)
        return self._record(began_ns, "re-init", None, verdict, None, None)

    def _await_answer(
        self,
        incarnation: Incarnation,
        request_id: str,
        start_class: StartClass,
        init_ms: float | None,
        began_ns: int | None = None,
    ) -> CallRecord:
        """Wait for an answer as long as a call may last, from *began_ns* or from handing out."""
        api, kills = incarnation.api, self._initializer.kills()
        asked_ns = began_ns or api.handed_ns(request_id) or time.monotonic_ns()
        left_s = self._call_timeout_s - (time.monotonic_ns() - asked_ns) / 1e9
        exchange: Exchange | None = None
        peak_bytes: int | None = None
        try:
            exchange = api.wait_for_answer(request_id, max(0.0, left_s))
            if self._life.workers == 1:  # of several, this would be the one that serves no calls
                peak_bytes = incarnation.sandbox.peak_memory_bytes()
            verdict = self._initializer.judge.answered(incarnation, exchange)
        except WaitTimeout:
            verdict = self._initializer.judge.call_too_long(incarnation, self._call_timeout_s)
        except (ClientGone, InitFailed):
            if self._life.workers > 1 and not incarnation.is_over:
                verdict = self._initializer.judge.worker_ended(incarnation)
            else:
                verdict = self._initializer.ended(incarnation, "during a call", kills)
        self.failure = verdict.failure or self.failure
        handed_ns = began_ns or api.handed_ns(request_id) or asked_ns
        api.forget(request_id)
        return self._record(handed_ns, start_class, init_ms, verdict, exchange, peak_bytes)

    def _record(
        self,
        handed_ns: int,
        start_class: StartClass,
        init_ms: float | None,
        verdict: Verdict,
        exchange: Exchange | None,
        peak_bytes: int | None,
    ) -> CallRecord:
        has_answer = exchange is not None and verdict.outcome == "ok"
        return CallRecord(
            environment=self._number,
            handed_ns=handed_ns,
            first_byte_ns=exchange.first_byte_ns if exchange else None,
            answered_ns=exchange.answered_ns if exchange else time.monotonic_ns(),
            is_cold=start_class in _COLD,
            start_class=start_class,
            init_ms=init_ms,
            outcome=verdict.outcome,
            error=verdict.error,
            answer_sha256=hashlib.sha256(exchange.body).hexdigest()
            if exchange is not None and has_answer
            else None,
            answer_bytes=exchange.size if exchange else 0,
            peak_memory_bytes=peak_bytes,
        )
