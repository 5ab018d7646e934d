"""A whole load experiment: check, measure for the simulator where needed, run each strategy."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import itertools
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from coldcache.tools.lab.environment import base_environment, sample_environment
from coldcache.tools.lab.interpreter import Interpreter, find_python, inspect_interpreter
from coldcache.tools.lab.life import Environment, Life
from coldcache.tools.lab.life.supervisor import supervised
from coldcache.tools.lab.life.template import Template
from coldcache.tools.lab.machine import Machine
from coldcache.tools.lab.run import private_folder

from .book import Book
from .fleet import Fleet, drive
from .measured import Measured, measure, prepare
from .plan import LoadPlan
from .planned import follow, make_schedule
from .pool import Slot
from .rows import LoadResult
from .simulator import SimulatedCarrier, simulate
from .strategy import Strategy
from .workload import Agenda, Call, Stream, Timed, build_agenda

__all__ = ["LoadExperiment", "LoadObserver", "run_load"]


class LoadObserver(Protocol):
    """Hears how an experiment goes on, in the thread that runs it."""

    def stage(self, what: str, steps: int) -> None:
        """A new stage begins.

        Args:
            what: For a reader.
            steps: How many steps it has: processes to measure, or calls.
        """

    def step(self) -> None:
        """One of them is done."""


class _Silence:
    def stage(self, what: str, steps: int) -> None:
        """Say nothing."""

    def step(self) -> None:
        """Say nothing."""


class LoadExperiment:
    """An experiment that can be stopped: what was seen until then is its result.

    Args:
        plan: What to do.
        observer: Hears of the progress.
    """

    def __init__(self, plan: LoadPlan, observer: LoadObserver | None = None) -> None:
        self._plan = plan
        self._observer = observer or _Silence()
        self._agendas = [self._agenda(strategy) for strategy in plan.strategies]
        self._functions = [stream.name for stream in plan.streams]
        self._books: list[Book] = []
        self._machine: Machine | None = None
        self._started_at = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
        self._began_s = time.monotonic()
        self._elapsed_s: float | None = None
        self._measured: dict[str, Measured] = {}

    @property
    def has_begun(self) -> bool:
        """Whether :meth:`result` can be asked for."""
        return self._machine is not None

    def run(self) -> None:
        """Do it. Whatever ends it early, no process is left behind, and :meth:`result` is valid.

        Raises:
            UsageError: The interpreter, the runtime client or a handler is missing.
        """
        # The supervisor is held through the whole: a new one a process would cost its start.
        with private_folder() as private, supervised(), _Factory(self._plan, private) as factory:
            self._machine = Machine.here(factory.interpreter)
            if self._plan.simulate == "always" or self._may_overflow():
                self._measure(factory)
            else:
                self._prepare(factory)
            for strategy, agenda in zip(self._plan.strategies, self._agendas, strict=True):
                self._run(strategy, agenda, factory)
        self._elapsed_s = time.monotonic() - self._began_s

    def result(self) -> LoadResult:
        """What was seen: everything, or as much as there was when :meth:`run` was stopped."""
        if self._machine is None:
            raise RuntimeError("the experiment has not begun")
        is_partial = self._elapsed_s is None
        return LoadResult(
            rows=tuple(itertools.chain.from_iterable(book.rows() for book in self._books)),
            environments=tuple(itertools.chain.from_iterable(one.spans() for one in self._books)),
            seed=self._plan.seed,
            options=self._plan.to_options(),
            machine=self._machine,
            started_at=self._started_at,
            elapsed_s=self._elapsed_s or time.monotonic() - self._began_s,
            memory_mb=self._plan.life.memory_mb,
            is_partial=is_partial,
            pings=tuple(itertools.chain.from_iterable(book.pings() for book in self._books)),
        )

    def _agenda(self, strategy: Strategy) -> list[Timed]:
        plan = self._plan
        return build_agenda(
            plan.streams,
            strategy,
            duration_s=plan.workload_s,
            compression=plan.compression,
            seed=plan.seed,
            ping_event=plan.ping_event,
        )

    def _may_overflow(self) -> bool:
        """Whether there could be more environments at once than processes are allowed."""
        if self._plan.simulate != "beyond":
            return False
        return any(
            sum(isinstance(timed.item, Call) for timed in agenda)
            + sum(count for _, count in strategy.levels(self._plan.workload_s))
            * len(self._functions)
            > self._plan.processes
            for strategy, agenda in zip(self._plan.strategies, self._agendas, strict=True)
        )

    def _prepare(self, factory: _Factory) -> None:
        """Run each function once, so that compiling is not part of the first cold start."""
        self._observer.stage("first run", len(self._functions))
        for stream in self._plan.streams:
            prepare(stream, factory.fresh(stream))
            self._observer.step()

    def _measure(self, factory: _Factory) -> None:
        plan = self._plan
        self._observer.stage(
            "measuring for the simulator", len(plan.streams) * (plan.cold_samples + 1)
        )
        for stream in plan.streams:
            prepare(stream, factory.fresh(stream))
            self._observer.step()
            self._measured[stream.name] = measure(
                stream,
                lambda stream=stream: factory.fresh(stream),  # type: ignore[misc]
                cold=plan.cold_samples,
                warm=plan.warm_samples,
                on_process=self._observer.step,
            )

    def _run(self, strategy: Strategy, agenda: Agenda, factory: _Factory) -> None:
        plan = self._plan
        calls = sum(isinstance(one.item, Call) and not one.item.is_ping for one in agenda)
        self._observer.stage(strategy.name, calls)
        if plan.simulate == "always":
            self._books.append(
                simulate(
                    agenda,
                    self._measured,
                    functions=self._functions,
                    rules=plan.rules,
                    seed=plan.seed,
                    variant=strategy.name,
                )
            )
            return
        book = Book(strategy.name)
        self._books.append(book)
        overflow = (
            SimulatedCarrier(self._measured, seed=plan.seed, book=book) if self._measured else None
        )
        with Fleet(
            factory.of_slot,
            book,
            processes=plan.processes,
            overflow=overflow,
            on_call=self._observer.step,
        ) as fleet:
            if plan.assumed is None:
                drive(
                    agenda,
                    fleet,
                    functions=self._functions,
                    rules=plan.rules,
                    seed=plan.seed,
                    book=book,
                )
            else:
                schedule = make_schedule(
                    agenda,
                    plan.assumed,
                    functions=self._functions,
                    rules=plan.rules,
                    seed=plan.seed,
                    book=book,
                )
                follow(schedule, fleet, book)


def run_load(plan: LoadPlan, observer: LoadObserver | None = None) -> LoadResult:
    """Run a load experiment to its end.

    To keep what was seen when it is stopped, use :class:`LoadExperiment`.

    Args:
        plan: What to do.
        observer: Hears of the progress.

    Raises:
        UsageError: The load has no arrivals, or the interpreter, the runtime client or a handler is
            missing.
    """
    experiment = LoadExperiment(plan, observer)
    experiment.run()
    return experiment.result()


class _Factory:
    """Makes environments, each with a scratch folder of its own. Use as a context manager."""

    def __init__(self, plan: LoadPlan, private: Path) -> None:
        self._plan = plan
        self._private = private
        self._count = itertools.count()
        self._streams: Mapping[str, Stream] = {stream.name: stream for stream in plan.streams}
        python = find_python(plan.python)
        home, pycache = private / "home", private / "pycache"
        home.mkdir()
        pycache.mkdir()
        base = base_environment(home, pycache)
        self._interpreters: dict[str, Interpreter] = {}
        self._settings: dict[str, dict[str, str]] = {}
        for stream in plan.streams:
            found = inspect_interpreter(python, stream.target, {**base, **plan.settings})
            self._interpreters[stream.name] = self.interpreter = found
            self._settings[stream.name] = sample_environment(
                base, stream.target, found, plan.settings
            )

        self._templates: dict[str, Template] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> _Factory:
        if self._plan.life.initialization == "snap-start":
            with contextlib.ExitStack() as stack:
                for name, stream in self._streams.items():
                    template = Template(
                        stream.target,
                        self._interpreters[name],
                        self._settings[name],
                        self._plan.life,
                        scratch=self._scratch(),
                        call_timeout_s=self._plan.timeout_s,
                    )
                    self._templates[name] = stack.enter_context(template)
                self._stack = stack.pop_all()
        return self

    def __exit__(self, *ending: object) -> None:
        self._stack.close()

    def of_slot(self, slot: Slot) -> Environment:
        """The environment that the pool has decided on."""
        life = self._plan.life
        if slot.is_provisioned:
            life = dataclasses.replace(
                life, initialization="provisioned-concurrency", proactive_gap_s=None
            )
        return self._make(self._streams[slot.function], life, slot.number)

    def fresh(self, stream: Stream) -> Environment:
        """An environment beside the experiment."""
        return self._make(stream, self._plan.life, -1)

    def _make(self, stream: Stream, life: Life, number: int) -> Environment:
        return Environment(
            stream.target,
            self._interpreters[stream.name],
            self._settings[stream.name],
            life,
            number=number,
            scratch=self._scratch(),
            call_timeout_s=self._plan.timeout_s,
            template=self._templates.get(stream.name),
        )

    def _scratch(self) -> Path:
        return self._private / f"scratch-{next(self._count)}"
