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

from ..environment import FUNCTION_NAME
from ..errors import LabError
from ..exchange import TOO_LARGE
from ..failure import call_failed, init_failed, process_ended, timed_out
from ..interpreter import Interpreter
from ..runtime_api import ClientGone, Exchange, InitFailed, WaitTimeout
from ..target import Target
from .incarnation import Incarnation
from .options import Life
from .records import CallRecord, EndRecord, Outcome, StartClass, StartRecord

__all__ = ["Environment"]

_ARN = "arn:aws:lambda:us-east-1:123456789012:function:{name}"
_START_CLASSES: Mapping[str, StartClass] = {
    "provisioned-concurrency": "provisioned",
    "snap-start": "restored",
    "lambda-managed-instances": "managed-instance",
}
# After an answer that was refused the client ends, as a rule; the next call must not meet it dying.
_SETTLE_S = 1.0


class Environment:
    """An execution environment of one function. Use as a context manager; leaving it ends it.

    No method raises for what the function does: the outcome is in the record.

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

    Attributes:
        failure: The latest failure with its evidence, for a reader; ``None`` if there was none.
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
    ) -> None:
        self._target = target
        self._life = life
        self._number = number
        self._scratch = scratch
        self._owns_scratch = not scratch.exists()
        self._call_timeout_s = call_timeout_s
        self._command = [str(interpreter.path), "-m", "awslambdaric", target.handler]
        self._settings = {**settings, **self._life_settings()}
        self._arn = _ARN.format(name=settings.get("AWS_LAMBDA_FUNCTION_NAME", FUNCTION_NAME))
        self._gate = threading.RLock()  # guards which process there is, and its being frozen
        self._turns = threading.BoundedSemaphore(life.workers)
        self._incarnation: Incarnation | None = None
        self._queued: str | None = None
        self._start: StartRecord | None = None
        self._calls = 0
        self.failure: LabError | None = None

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
        """
        with self._gate:
            if self._start is not None:
                raise RuntimeError(f"environment {self._number} has been started before")
            self._scratch.mkdir(parents=True, exist_ok=True)
            incarnation = self._incarnation = self._incarnate()
            is_early = event is None or self._life.proactive_gap_s is not None
            if event is not None and not is_early:
                self._queued = incarnation.api.offer(event, timeout_s=self._call_timeout_s)
            spawned_ns = incarnation.start()
            limit_s = self._life.init_limit_for(self._call_timeout_s)
            done_ns, outcome, error = self._await_init(incarnation, limit_s)
            on_demand: StartClass = "proactive" if is_early else "on-demand"
            self._start = StartRecord(
                environment=self._number,
                spawned_ns=spawned_ns,
                init_done_ns=done_ns,
                init_ms=None if done_ns is None else (done_ns - spawned_ns) / 1e6,
                start_class=_START_CLASSES.get(self._life.initialization, on_demand),
                outcome=outcome,
                error=error,
            )
            return self._start

    def call(self, event: bytes) -> CallRecord:
        """Call the function and wait for its answer; init runs first where no process is left.

        Args:
            event: JSON text. Where :meth:`start` was given one, the first call collects its answer.
        """
        with self._turns:
            with self._gate:
                start = self._start
                if start is None:
                    start = self.start(event=event)
                incarnation = self._incarnation
                number, self._calls = self._calls, self._calls + 1
                if incarnation is None or incarnation.is_over:
                    return self._call_with_init(event)
                if number == 0 and self._life.proactive_gap_s is not None:
                    self._wait_for_gap(start)
                request_id, self._queued = self._queued, None
                if request_id is None:
                    request_id = incarnation.api.offer(event, timeout_s=self._call_timeout_s)
            init_ms = start.init_ms if number == 0 else None
            start_class = start.start_class if number == 0 else "warm"
            return self._await_answer(incarnation, request_id, start_class, init_ms)

    def freeze(self) -> None:
        """Stop the processes until the next call."""

    def close(self) -> EndRecord:
        """End the environment. Further calls do nothing more."""
        with self._gate:
            asked_ns = time.monotonic_ns()
            incarnation, self._incarnation = self._incarnation, None
            ended = incarnation.stop() if incarnation is not None else None
            if self._owns_scratch:
                shutil.rmtree(self._scratch, ignore_errors=True)
            return EndRecord(
                self._number,
                asked_ns,
                time.monotonic_ns(),
                "gone" if incarnation is None else "SIGKILL",
                ended,
            )

    # Starting

    def _life_settings(self) -> dict[str, str]:
        life = self._life
        settings = {
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(life.memory_mb),
            "AWS_LAMBDA_INITIALIZATION_TYPE": life.initialization,
            "TMPDIR": str(self._scratch),
        }
        if life.initialization == "lambda-managed-instances":
            settings["AWS_LAMBDA_MAX_CONCURRENCY"] = str(life.workers)
            settings["AWS_LAMBDA_LOG_FORMAT"] = "JSON"  # always so there
        return settings

    def _incarnate(self) -> Incarnation:
        return Incarnation(
            self._command,
            environment=self._settings,
            folder=self._target.folder,
            function_arn=self._arn,
            life=self._life,
            on_idle=lambda: None,
        )

    def _await_init(
        self, incarnation: Incarnation, limit_s: float
    ) -> tuple[int | None, Outcome, str | None]:
        """Wait for the end of init: when it came, the outcome, and what went wrong."""
        try:
            if self._life.initialization == "snap-start":
                incarnation.api.wait_for_restore(limit_s)
                incarnation.api.release_restore()
            return incarnation.api.wait_for_init(limit_s), "ok", None
        except InitFailed as failed:
            incarnation.stop()
            self.failure = init_failed(self._target, failed.report, incarnation.output)
            return None, "init_error", failed.report.kind
        except ClientGone:
            ended = incarnation.stop()
            stage = "before it asked for its first event"
            self._note_end(incarnation, stage)
            return None, "crash", f"the process {ended} during init"
        except WaitTimeout:
            incarnation.stop()
            what = f"did not end its init within {limit_s:g} s"
            self.failure = timed_out(self._target, what, "--init-limit", incarnation.output)
            return None, "init_timeout", what

    def _wait_for_gap(self, start: StartRecord) -> None:
        if start.init_done_ns is None or self._life.proactive_gap_s is None:
            return
        passed_s = (time.monotonic_ns() - start.init_done_ns) / 1e9
        time.sleep(max(0.0, self._life.proactive_gap_s - passed_s))

    # Calling

    def _call_with_init(self, event: bytes) -> CallRecord:
        """A call to an environment without a process: init runs inside, within its timeout."""
        incarnation = self._incarnation = self._incarnate()
        began_ns = time.monotonic_ns()
        request_id = incarnation.api.offer(event, timeout_s=self._call_timeout_s, since_ns=began_ns)
        spawned_ns = incarnation.start()
        done_ns, outcome, error = self._await_init(incarnation, self._call_timeout_s)
        if done_ns is None:
            return CallRecord(
                environment=self._number,
                handed_ns=spawned_ns,
                first_byte_ns=None,
                answered_ns=time.monotonic_ns(),
                is_cold=True,
                start_class="re-init",
                init_ms=None,
                outcome="timeout" if outcome == "init_timeout" else outcome,
                error=error,
                answer_sha256=None,
                answer_bytes=0,
                peak_memory_bytes=None,
            )
        init_ms = (done_ns - spawned_ns) / 1e6
        return self._await_answer(incarnation, request_id, "re-init", init_ms, began_ns=spawned_ns)

    def _await_answer(
        self,
        incarnation: Incarnation,
        request_id: str,
        start_class: StartClass,
        init_ms: float | None,
        *,
        began_ns: int | None = None,
    ) -> CallRecord:
        """Wait for an answer as long as a call may last, from *began_ns* or from handing out."""
        api = incarnation.api
        limit_ns = round(self._call_timeout_s * 1e9)
        asked_ns = began_ns or api.handed_ns(request_id) or time.monotonic_ns()
        left_s = (asked_ns + limit_ns - time.monotonic_ns()) / 1e9
        exchange: Exchange | None = None
        peak_bytes: int | None = None
        try:
            exchange = api.wait_for_answer(request_id, max(0.0, left_s))
            peak_bytes = incarnation.sandbox.peak_memory_bytes()
            outcome, error = self._judge(incarnation, exchange)
        except (ClientGone, InitFailed):
            ended = incarnation.stop()
            self._note_end(incarnation, "while it worked on a call")
            outcome, error = "crash", f"the process {ended} during the call"
        except WaitTimeout:
            incarnation.stop()
            outcome, error = "timeout", f"no answer within {self._call_timeout_s:g} s"
            what = f"did not answer within {self._call_timeout_s:g} s"
            self.failure = timed_out(self._target, what, "--timeout", incarnation.output)
        handed_ns = began_ns or api.handed_ns(request_id) or asked_ns
        api.forget(request_id)
        return CallRecord(
            environment=self._number,
            handed_ns=handed_ns,
            first_byte_ns=exchange.first_byte_ns if exchange else None,
            answered_ns=exchange.answered_ns if exchange else time.monotonic_ns(),
            is_cold=start_class in {"on-demand", "restored", "re-init"},
            start_class=start_class,
            init_ms=init_ms,
            outcome=outcome,
            error=error,
            answer_sha256=hashlib.sha256(exchange.body).hexdigest()
            if exchange and outcome == "ok"
            else None,
            answer_bytes=exchange.size if exchange else 0,
            peak_memory_bytes=peak_bytes,
        )

    def _judge(self, incarnation: Incarnation, exchange: Exchange) -> tuple[Outcome, str | None]:
        if exchange.error is None:
            return "ok", None
        self.failure = call_failed(self._target, "a call", exchange.error, incarnation.output)
        if exchange.error.kind != TOO_LARGE:
            return "error", exchange.error.kind
        with contextlib.suppress(ClientGone, WaitTimeout):
            incarnation.api.wait_for_idle(_SETTLE_S)
        return "too_large", exchange.error.message

    def _note_end(self, incarnation: Incarnation, stage: str) -> None:
        self.failure = process_ended(self._target, incarnation.sandbox, stage, incarnation.output)
