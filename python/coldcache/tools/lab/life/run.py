"""Several calls to one environment, one after the other; with several workers, side by side."""

from __future__ import annotations

import contextlib
import datetime as dt
import itertools
import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from ..environment import base_environment, sample_environment
from ..errors import LabError, UsageError
from ..event import Event
from ..interpreter import find_python, inspect_interpreter
from ..machine import Machine
from ..run import private_folder
from ..stop_signals import Stopped
from ..target import Target
from .environment import Environment
from .options import Life
from .records import CallRecord, EndRecord, StartRecord
from .supervisor import supervised

__all__ = ["LifePlan", "LifeResult", "run_life"]


@dataclass(frozen=True, kw_only=True)
class LifePlan:
    """One environment and the calls to it.

    Attributes:
        target: The function.
        events: What to call it with, in turn; at least one.
        calls: How many calls.
        life: The parts of the lifecycle that are switched on.
        python: Interpreter of the function.
        settings: Environment variables for it. Values appear in no report.
        timeout_s: The function's timeout.
        warms_up: Whether an environment that is not shown fills the bytecode cache first.

    Raises:
        UsageError: A value is out of range.
    """

    target: Target
    events: tuple[Event, ...]
    calls: int
    life: Life = field(default_factory=Life)
    python: str = sys.executable
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout_s: float = 30.0
    warms_up: bool = True

    def __post_init__(self) -> None:
        if self.calls < 1:
            raise UsageError(f"calls must be at least 1; got {self.calls}")
        if not 0 < self.timeout_s < float("inf"):
            raise UsageError(f"timeout must be a number of seconds above 0; got {self.timeout_s}")
        if not self.events:
            raise UsageError("a run needs at least one event")


@dataclass(frozen=True)
class LifeResult:
    """What the environment showed.

    Attributes:
        plan: What was run.
        machine: Where.
        started_at: UTC, ISO 8601.
        elapsed_s: Duration of the run.
        start: How it started.
        calls: How the calls went, in the order in which they were made.
        end: How it ended.
        failure: The first failure with its evidence, for a reader; in no document.
        is_partial: It was stopped: a call under way then, and those after it, are missing.
    """

    plan: LifePlan
    machine: Machine
    started_at: str
    elapsed_s: float
    start: StartRecord
    calls: tuple[CallRecord, ...]
    end: EndRecord
    failure: LabError | None = field(default=None, repr=False)
    is_partial: bool = False


def run_life(
    plan: LifePlan, *, on_stop: Callable[[LifeResult], object] | None = None
) -> LifeResult:
    """Live one environment's life.

    Args:
        plan: The environment and the calls to it.
        on_stop: Given what was seen, if a signal stops the run once the environment has started;
            the signal is raised once more afterwards.

    Raises:
        UsageError: The interpreter or the runtime client is missing, or the machine lacks what the
            life needs.
    """
    started_at = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
    start_s = time.monotonic()
    with contextlib.ExitStack() as stack:
        private = stack.enter_context(private_folder())
        stack.enter_context(supervised())  # one for both environments
        home, pycache = private / "home", private / "pycache"
        home.mkdir()
        pycache.mkdir()
        base = base_environment(home, pycache)
        interpreter = inspect_interpreter(
            find_python(plan.python), plan.target, {**base, **plan.settings}
        )
        settings = sample_environment(base, plan.target, interpreter, plan.settings)

        def environment(life: Life, number: int) -> Environment:
            return Environment(
                plan.target,
                interpreter,
                settings,
                life,
                number=number,
                scratch=Path(private, f"scratch-{number}"),
                call_timeout_s=plan.timeout_s,
            )

        if plan.warms_up:
            with environment(Life(initialization="provisioned-concurrency"), 0) as unseen:
                unseen.start()
        living = stack.enter_context(environment(plan.life, 1))
        is_early = plan.life.initialization in {
            "provisioned-concurrency",
            "lambda-managed-instances",
        }
        start = living.start(event=None if is_early else plan.events[0].body)
        failures = [living.failure]
        calls: list[CallRecord] = []

        def result(end: EndRecord, *, is_partial: bool) -> LifeResult:
            return LifeResult(
                plan=plan,
                machine=Machine.here(interpreter),
                started_at=started_at,
                elapsed_s=time.monotonic() - start_s,
                start=start,
                calls=tuple(calls),
                end=end,
                failure=next((failure for failure in failures if failure is not None), None),
                is_partial=is_partial,
            )

        def call(event: Event) -> CallRecord:
            record = living.call(event.body)
            if record.outcome != "ok":
                failures.append(living.failure)
            return record

        events = itertools.islice(itertools.cycle(plan.events), plan.calls)
        try:
            if plan.life.workers == 1:
                # One by one in this thread, which a signal can interrupt.
                for event in events:
                    calls.append(call(event))
            else:
                with ThreadPoolExecutor(plan.life.workers) as pool:
                    calls.extend(pool.map(call, events))
        except (Stopped, KeyboardInterrupt):
            if on_stop is not None:
                on_stop(result(living.close(), is_partial=True))
            raise
        return result(living.close(), is_partial=False)
