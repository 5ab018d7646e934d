"""One sample: a fresh process, the same event twice, and what is seen from outside.

Nothing of the lab runs inside the process. Times are the server's stamps minus the spawn; the event
is queued before the spawn, as on a platform that starts a sandbox because a request is waiting.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .census import ImportCensus
from .event import Event
from .failure import call_failed, init_failed, process_ended, timed_out
from .output import Output
from .process import ChildProcess, Spawn
from .runtime_api import ClientGone, Exchange, InitFailed, RuntimeApi, WaitTimeout
from .sandbox import Sandbox
from .target import Target

__all__ = ["Course", "Limits", "Measurement", "ModuleCount", "Sampler"]

_ARN = "arn:aws:lambda:{region}:123456789012:function:{name}"


@dataclass(frozen=True)
class Limits:
    """How long one process may take.

    Attributes:
        init_s: Seconds from spawn to the first ``next``.
        call_s: Seconds for one call; also the deadline the function is told.
    """

    init_s: float
    call_s: float


@dataclass(frozen=True)
class Measurement:
    """What one process showed.

    Attributes:
        init_ms: From spawn to the first ``next``.
        first_byte_ms: From spawn to the first byte of the first answer.
        first_answer_ms: From spawn to the end of the first answer: init plus first call.
        warm_answer_ms: From handing out the same event again to the end of its answer.
        peak_memory_bytes: Largest resident set of the process.
        memory_source: ``VmHWM``, or ``ru_maxrss`` where the former is not to be had.
        first_answer: The first answer's bytes.
        warm_answer: The warm answer's bytes.
    """

    init_ms: float
    first_byte_ms: float
    first_answer_ms: float
    warm_answer_ms: float
    peak_memory_bytes: int
    memory_source: str
    first_answer: bytes = field(repr=False)
    warm_answer: bytes = field(repr=False)


@dataclass(frozen=True)
class ModuleCount:
    """How many modules a process had imported, at two exact points.

    Attributes:
        at_init: At the first ``next``; the interpreter's and the runtime client's own included.
        at_first_answer: At the first answer.
    """

    at_init: int
    at_first_answer: int


@dataclass(frozen=True)
class Course:
    """What one process went through; times are of the monotonic clock.

    Attributes:
        spawned_ns: Just before the process was spawned.
        init_ns: Its first ``next``.
        calls: The calls, in order; each has answered.
    """

    spawned_ns: int
    init_ns: int
    calls: tuple[Exchange, ...]


@dataclass(frozen=True)
class _Session:
    api: RuntimeApi
    sandbox: Sandbox
    output: Output


class Sampler:
    """Runs one function in fresh processes, one at a time.

    Args:
        target: The function.
        python: Interpreter to run it with.
        environment: The whole environment of its processes, all but the server's address.
        limits: How long a process may take before it is killed.
        launch: What the interpreter is given before the handler, to run the runtime client.
        spawn: Starts the processes; as children of ours by default.
    """

    def __init__(
        self,
        target: Target,
        *,
        python: Path,
        environment: Mapping[str, str],
        limits: Limits,
        launch: Sequence[str] = ("-m", "awslambdaric"),
        spawn: Spawn = ChildProcess,
    ) -> None:
        self._target = target
        self._command = [str(python), *launch, target.handler]
        self._environment = environment
        self._limits = limits
        self._spawn = spawn
        self._arn = _ARN.format(
            region=environment["AWS_REGION"], name=environment["AWS_LAMBDA_FUNCTION_NAME"]
        )

    def measure(self, event: Event) -> Measurement:
        """Take one timed sample.

        Raises:
            FunctionError: The function failed, or ran out of time.
            UsageError: The runtime client finds no such handler.
        """
        api = RuntimeApi(function_arn=self._arn)
        with self._session(api, Output()) as session:
            first_id = api.offer(event.body, timeout_s=self._limits.call_s)
            session.sandbox.start()
            init_ns = self._wait_for_init(session)
            first = self._wait_for_answer(session, first_id, event, "first")
            warm_id = api.offer(event.body, timeout_s=self._limits.call_s)
            warm = self._wait_for_answer(session, warm_id, event, "warm")
            peak_bytes = session.sandbox.peak_memory_bytes()
        spawned_ns = session.sandbox.spawned_ns
        return Measurement(
            init_ms=(init_ns - spawned_ns) / 1e6,
            first_byte_ms=(first.first_byte_ns - spawned_ns) / 1e6,
            first_answer_ms=(first.answered_ns - spawned_ns) / 1e6,
            warm_answer_ms=(warm.answered_ns - warm.handed_ns) / 1e6,
            peak_memory_bytes=peak_bytes or session.sandbox.peak_rss_bytes,
            memory_source="VmHWM" if peak_bytes else "ru_maxrss",
            first_answer=first.body,
            warm_answer=warm.body,
        )

    def follow(self, event: Event, *, calls: int) -> Course:
        """Run one process through several calls with the same event.

        Raises:
            FunctionError: The function failed, or ran out of time.
            UsageError: The runtime client finds no such handler.
        """
        api = RuntimeApi(function_arn=self._arn)
        exchanges = []
        with self._session(api, Output()) as session:
            call_id = api.offer(event.body, timeout_s=self._limits.call_s)
            session.sandbox.start()
            init_ns = self._wait_for_init(session)
            for number in range(calls):
                if number:
                    call_id = api.offer(event.body, timeout_s=self._limits.call_s)
                which = "warm" if number else "first"
                exchanges.append(self._wait_for_answer(session, call_id, event, which))
        return Course(session.sandbox.spawned_ns, init_ns, tuple(exchanges))

    def observe(
        self,
        event: Event | None,
        at_rest: Callable[[Sandbox], None],
        *,
        output: Output | None = None,
        at_next: Callable[[], None] | None = None,
        **extra: str,
    ) -> Course:
        """Run one process until it asks for an event that is not there, and look at it then.

        Args:
            event: What to call it with once; without one it is looked at when init has ended.
            at_rest: Called while the process stands still.
            output: Takes what the process writes.
            at_next: Called at each ``next``, before an event is handed out.
            **extra: More environment variables.

        Raises:
            FunctionError: The function failed, or ran out of time.
            UsageError: The runtime client finds no such handler.
        """
        api = RuntimeApi(function_arn=self._arn, before_next=at_next)
        exchanges = []
        with self._session(api, output or Output(), **extra) as session:
            call_id = ""
            if event is not None:
                call_id = api.offer(event.body, timeout_s=self._limits.call_s)
            session.sandbox.start()
            init_ns = self._wait_for_init(session)
            if event is not None:
                exchanges.append(self._wait_for_answer(session, call_id, event, "first"))
            try:
                api.wait_until_idle(self._limits.call_s)
            except (ClientGone, InitFailed):
                session.sandbox.stop()
                stage = "after its first answer"
                raise process_ended(self._target, session.sandbox, stage, session.output) from None
            except WaitTimeout:
                session.sandbox.stop()
                what = f"did not ask for another event within {self._limits.call_s:g} s"
                raise timed_out(self._target, what, "--timeout", session.output) from None
            at_rest(session.sandbox)
        return Course(session.sandbox.spawned_ns, init_ns, tuple(exchanges))

    def count_modules(self, event: Event) -> ModuleCount:
        """Count the modules imported for one event, in a process that is not timed.

        Raises:
            FunctionError: The function failed, or ran out of time.
            UsageError: The runtime client finds no such handler.
        """
        census = ImportCensus()
        # Roomier than usual: a line for each import must not push out the function's own words.
        output = Output(keep_bytes=1024 * 1024, stderr_listener=census.feed)
        counts: list[int] = []

        def note() -> None:
            output.drain()
            counts.append(census.count)

        api = RuntimeApi(function_arn=self._arn, before_next=note, before_accepted=note)
        with self._session(api, output, PYTHONPROFILEIMPORTTIME="1") as session:
            call_id = api.offer(event.body, timeout_s=self._limits.call_s)
            session.sandbox.start()
            self._wait_for_init(session)
            self._wait_for_answer(session, call_id, event, "first")
        return ModuleCount(at_init=counts[0], at_first_answer=counts[1])

    @contextlib.contextmanager
    def _session(self, api: RuntimeApi, output: Output, **extra: str) -> Iterator[_Session]:
        # The process is killed before its server closes: it never sees the server go away.
        # Each sample is an environment of its own: what one leaves behind the next must not find.
        with api, tempfile.TemporaryDirectory(prefix="coldcache-sample-") as scratch:
            sandbox = Sandbox(
                self._command,
                environment={
                    **self._environment,
                    **extra,
                    "TMPDIR": scratch,
                    "AWS_LAMBDA_RUNTIME_API": api.address,
                },
                folder=self._target.folder,
                output=output,
                on_exit=api.client_gone,
                spawn=self._spawn,
            )
            with sandbox:
                yield _Session(api, sandbox, output)

    def _wait_for_init(self, session: _Session) -> int:
        try:
            return session.api.wait_for_init(self._limits.init_s)
        except InitFailed as outcome:
            session.sandbox.stop()
            raise init_failed(self._target, outcome.report, session.output) from None
        except ClientGone:
            session.sandbox.stop()
            stage = "before it asked for its first event"
            raise process_ended(self._target, session.sandbox, stage, session.output) from None
        except WaitTimeout:
            session.sandbox.stop()
            what = f"did not ask for its first event within {self._limits.init_s:g} s"
            raise timed_out(self._target, what, "--init-timeout", session.output) from None

    def _wait_for_answer(
        self, session: _Session, call_id: str, event: Event, which: str
    ) -> Exchange:
        call = f"event {event.name!r} ({which} call)"
        try:
            exchange = session.api.wait_for_answer(call_id, self._limits.call_s)
        except (ClientGone, InitFailed):
            session.sandbox.stop()
            stage = f"while it worked on {call}"
            raise process_ended(self._target, session.sandbox, stage, session.output) from None
        except WaitTimeout:
            session.sandbox.stop()
            what = f"did not answer {call} within {self._limits.call_s:g} s"
            raise timed_out(self._target, what, "--timeout", session.output) from None
        if exchange.error is not None:
            session.sandbox.stop()
            raise call_failed(self._target, call, exchange.error, session.output)
        return exchange
