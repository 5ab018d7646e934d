"""A whole run: check, count modules, take the samples round by round, draw the figures."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from .answers import AnswerBook
from .environment import base_environment, sample_environment
from .event import Event
from .interpreter import Interpreter, find_python, inspect_interpreter
from .life.supervisor import spawning
from .machine import Machine
from .plan import LabPlan, Role
from .process import Spawn
from .result import METRICS, EventResult, LabResult, MetricResult, Sample, alarm_rate
from .sampler import Limits, Measurement, ModuleCount, Sampler
from .schedule import Slot, interleave
from .stop_signals import Stopped, deferred

__all__ = ["Observer", "private_folder", "run_lab"]


class Observer(Protocol):
    """Hears how a run goes on. Called between processes only, never while one is being timed."""

    def process_done(self, what: str) -> None:
        """One process has ended.

        Args:
            what: What it was for.
        """

    def round_done(self, samples: Sequence[Sample]) -> None:
        """A round is complete.

        Args:
            samples: All samples so far, in the order in which they were taken.
        """


class _Silence:
    def process_done(self, what: str) -> None:
        """Say nothing."""

    def round_done(self, samples: Sequence[Sample]) -> None:
        """Say nothing."""


def run_lab(
    plan: LabPlan,
    observer: Observer | None = None,
    *,
    pycache: Path | None = None,
    on_stop: Callable[[LabResult], object] | None = None,
) -> LabResult:
    """Measure the functions of *plan* in fresh processes.

    Whatever ends the run early, an exception or a signal turned into one, no process is left
    behind.

    Args:
        plan: What to measure.
        observer: Hears of the progress.
        pycache: A folder with bytecode of an earlier run; an empty one of its own by default.
        on_stop: Given what whole rounds have shown, if a signal stops the run after at least one
            of them; the signal is raised once more afterwards.

    Raises:
        UsageError: The interpreter, the runtime client or a handler is missing.
        FunctionError: A function failed or ran out of time.
    """
    observer = observer or _Silence()
    started_at = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
    start_s = time.monotonic()
    modules: dict[tuple[Role, str], ModuleCount] = {}
    whole: list[Sample] = []
    books = {event.name: AnswerBook() for event in plan.events}

    def result(*, is_partial: bool) -> LabResult:
        return LabResult(
            plan=plan,
            machine=Machine.here(interpreter),
            started_at=started_at,
            elapsed_s=time.monotonic() - start_s,
            samples=tuple(whole),
            events=tuple(_event_result(plan, name, whole, modules, books[name]) for name in books),
            is_partial=is_partial,
        )

    try:
        with private_folder() as private, spawning() as spawn:
            interpreter, samplers = _prepare(plan, private, pycache, spawn)
            # First, because these processes also fill the bytecode cache that all samples share.
            for event in plan.events:
                for role, sampler in samplers.items():
                    modules[role, event.name] = sampler.count_modules(event)
                    observer.process_done(f"modules of {plan.labels[role]} on {event.name}")
            rounds = interleave(
                list(samplers), plan.events, runs=plan.runs, warmups=plan.warmups, seed=plan.seed
            )
            for slots in rounds:
                taken = []
                for slot in slots:
                    seen = samplers[slot.variant].measure(slot.event)
                    taken.append(_sample(slot, seen, books[slot.event.name]))
                    observer.process_done(f"{plan.labels[slot.variant]} on {slot.event.name}")
                whole += taken
                observer.round_done(whole)
    except (Stopped, KeyboardInterrupt):
        if on_stop is not None and any(not one.is_warmup for one in whole):
            on_stop(result(is_partial=True))
        raise
    return result(is_partial=False)


def _sample(slot: Slot[Role, Event], seen: Measurement, book: AnswerBook) -> Sample:
    return Sample(
        round=slot.round,
        position=slot.position,
        is_warmup=slot.is_warmup,
        variant=slot.variant,
        event=slot.event.name,
        init_ms=seen.init_ms,
        first_byte_ms=seen.first_byte_ms,
        first_answer_ms=seen.first_answer_ms,
        warm_answer_ms=seen.warm_answer_ms,
        peak_memory_bytes=seen.peak_memory_bytes,
        memory_source=seen.memory_source,
        first_answer=book.note(slot.variant, "first", seen.first_answer),
        warm_answer=book.note(slot.variant, "warm", seen.warm_answer),
    )


def _prepare(
    plan: LabPlan, private: Path, pycache: Path | None, spawn: Spawn
) -> tuple[Interpreter, dict[Role, Sampler]]:
    """Check the interpreter and set up a sampler a variant; no function runs yet."""
    python = find_python(plan.python)
    home, own_pycache = private / "home", private / "pycache"
    home.mkdir()
    own_pycache.mkdir()
    base = base_environment(home, pycache or own_pycache)
    samplers: dict[Role, Sampler] = {}
    for role, target in plan.variants.items():
        interpreter = inspect_interpreter(python, target, {**base, **plan.settings})
        samplers[role] = Sampler(
            target,
            python=python,
            environment=sample_environment(
                base, target, interpreter, {**plan.settings, **plan.own_settings.get(role, {})}
            ),
            limits=Limits(init_s=plan.init_timeout_s, call_s=plan.timeout_s),
            spawn=spawn,
        )
    return interpreter, samplers


def _event_result(
    plan: LabPlan,
    event: str,
    samples: Sequence[Sample],
    modules: Mapping[tuple[Role, str], ModuleCount],
    book: AnswerBook,
) -> EventResult:
    counted = {
        role: [
            sample
            for sample in samples
            if sample.event == event and sample.variant == role and not sample.is_warmup
        ]
        for role in plan.variants
    }
    return EventResult(
        event=event,
        metrics={
            metric: MetricResult.of(
                metric,
                {role: [getattr(one, metric) for one in taken] for role, taken in counted.items()},
                seed=plan.seed,
                relevant_percent=plan.relevant_percent,
                rate=alarm_rate(plan, metric),
            )
            for metric in METRICS
        },
        modules={role: modules[role, event] for role in plan.variants},
        answers=book.compare(list(plan.variants)),
    )


@contextlib.contextmanager
def private_folder() -> Iterator[Path]:
    """A folder of the run's own for bytecode and an empty home; gone afterwards."""
    folder: Path | None = None
    try:
        with deferred():
            folder = Path(tempfile.mkdtemp(prefix="coldcache-lab-"))
        yield folder
    finally:
        with deferred():
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)
