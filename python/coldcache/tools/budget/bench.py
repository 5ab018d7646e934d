"""Fresh processes of the runtime client, counted: those of a function, and of one that is empty.

A figure is what the function adds to the empty one under the same interpreter, client, variables
and event, so that a new release of the client does not break a budget.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from coldcache.tools.lab.census import ImportCensus
from coldcache.tools.lab.environment import base_environment, sample_environment
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.interpreter import Interpreter, find_python, inspect_interpreter
from coldcache.tools.lab.launch import launch
from coldcache.tools.lab.output import Output
from coldcache.tools.lab.run import private_folder
from coldcache.tools.lab.sampler import Course, Limits, Sampler
from coldcache.tools.lab.sandbox import Sandbox
from coldcache.tools.lab.schedule import interleave
from coldcache.tools.profile.distributions import Owners
from coldcache.tools.profile.installation import Installation, inspect_installation
from coldcache.tools.profile.record import Import, read_records
from coldcache.tools.profile.run import TRACE

from .case import Case, empty_function
from .count import Process, added
from .edges import WATCH_IMPORTS, Edge, ImportGraph, read_edges
from .instructions import Valgrind
from .opened import WATCH_FILES, mapped_files, read_opened
from .places import Places
from .sample import Sample
from .startup import Counts
from .store import Store

__all__ = ["Bench"]


class Bench:
    """Counts and measures cases. Use as a context manager; it leaves no process and no file.

    Args:
        store: Keeps what was counted.
        project: The folder that users name their functions from.
        python: Interpreter of the functions: a path, or a command on ``PATH``.
        init_timeout_s: Seconds from spawn to the end of init.
        timeout_s: Seconds for a call.

    Raises:
        UsageError: There is no such interpreter; from the methods: it lacks the runtime client or
            coldcache, or a handler is missing.
        FunctionError: From the methods: the function failed, or ran out of time.
    """

    def __init__(
        self,
        store: Store,
        *,
        project: Path,
        python: str,
        init_timeout_s: float = 30.0,
        timeout_s: float = 30.0,
    ) -> None:
        self._store = store
        self._project = project
        self._python = find_python(python)
        self._limits = Limits(init_s=init_timeout_s, call_s=timeout_s)
        self._left = contextlib.ExitStack()

    def __enter__(self) -> Bench:
        self._folder = self._left.enter_context(private_folder())
        self._pycache = self._folder / "pycache"
        home = self._folder / "home"
        for folder in (home, self._pycache):
            folder.mkdir()
        self._base = base_environment(home, self._pycache)
        self._empty = empty_function(self._folder / "empty")
        self._interpreters: dict[str, Interpreter] = {}
        self._bare_processes: dict[str, Process] = {}
        self._is_cached: set[str] = set()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._left.close()

    def counts(self, case: Case) -> Counts:
        """What the function adds, exactly."""
        document = self._get("counts", case, lambda: self._count(case).to_document())
        return Counts.of_document(document)

    def count_again(self, case: Case) -> Counts:
        """The same from further processes, whatever was counted before."""
        return self._count(case)

    def samples(self, case: Case, *, runs: int) -> list[Sample]:
        """Time and peak memory of undisturbed processes, in interleaved pairs."""
        found = self._get(f"samples-{runs}", case, lambda: self._sample(case, runs))
        return [Sample(**one) for one in found]

    def instructions(self, case: Case) -> tuple[int | None, str]:
        """The instructions that the function adds, or ``None`` and why they cannot be counted."""
        count, reason = self._get("instructions", case, lambda: self._count_instructions(case))
        return count, reason

    def graph(self, case: Case) -> ImportGraph:
        """Who imports whom, from every import statement that runs until the start has ended."""
        record = self._record("edges")
        self._observe(case, WATCH_IMPORTS, record)
        edges, places = read_edges(record), self._places(case, self._installation(case))
        loaded = self._trace(case)[1]
        edges += [
            # What was imported through a function of importlib is no statement.
            Edge(one.asked_by or "", one.name, one.asked_file or "", one.asked_line or 0)
            for one in loaded
            if one.kind != "failed"
        ]
        named = [Edge(it.importer, it.module, places.name(it.file), it.line) for it in edges]
        return ImportGraph(named, case.target.module)

    def _count(self, case: Case) -> Counts:
        bare = self._bare(case)
        if bare.key not in self._bare_processes:
            self._bare_processes[bare.key] = self._process(bare)
        own = self._process(case)
        installation = self._installation(case)
        return added(
            own,
            self._bare_processes[bare.key],
            python=self._interpreter(case).python_version,
            owners=Owners(installation),
            places=self._places(case, installation),
        )

    def _process(self, case: Case) -> Process:
        """Trace a process, which also fills the bytecode cache, then count in another one.

        The tracer brings modules of its own, and importing them is what a function may do; so what
        is counted runs without it, and it only adds who asked.
        """
        course, imports = self._trace(case)
        record, census = self._record("opened"), ImportCensus()
        at_init: list[frozenset[str]] = []
        mapped: dict[str, int] = {}
        output = Output(keep_bytes=1024 * 1024, stderr_listener=census.feed)

        def note() -> None:
            output.drain()
            at_init.append(census.names)

        def look(sandbox: Sandbox) -> None:
            output.drain()
            mapped.update(mapped_files(sandbox.pid))

        sampler = self._sampler(case, launch(WATCH_FILES, str(record)))
        sampler.observe(case.event, look, output=output, at_next=note, PYTHONPROFILEIMPORTTIME="1")
        return Process(
            imports=imports,
            init_ns=course.init_ns,
            names=census.names,
            names_at_init=at_init[0],
            files=read_opened(record, self._pycache),
            mapped=mapped,
        )

    def _trace(self, case: Case) -> tuple[Course, list[Import]]:
        record = self._record("imports")
        record.unlink()  # the tracer makes it
        course = self._observe(case, TRACE, record)
        with record.open(encoding="utf-8") as lines:
            return course, read_records(lines)[0]

    def _sample(self, case: Case, runs: int) -> list[dict[str, Any]]:
        cases = {"function": case, "empty": self._bare(case)}
        samplers = {name: self._sampler(one) for name, one in cases.items()}
        taken: list[dict[str, Any]] = []
        for slots in interleave(list(cases), [case.event], runs=runs, warmups=1, seed=0):
            times: dict[str, float] = {}
            peaks: dict[str, int] = {}
            for slot in slots:
                name = slot.variant
                course, peak = _peak(samplers[name], slot.event)
                end_ns = course.calls[0].answered_ns if course.calls else course.init_ns
                times[name] = (end_ns - course.spawned_ns) / 1e6
                peaks[name] = peak
            if not slots[0].is_warmup:
                one = Sample(times["function"], times["empty"], peaks["function"], peaks["empty"])
                taken.append(one.to_document())
        return taken

    def _count_instructions(self, case: Case) -> tuple[int | None, str]:
        valgrind = Valgrind.find()
        if valgrind is None:
            return None, "there is no valgrind on the PATH"
        counted = []
        for one in (case, self._bare(case)):
            self._fill_cache(one)
            out = self._record("instructions")
            sampler = Sampler(
                one.target,
                python=valgrind.program,
                environment=self._environment(one),
                limits=valgrind.relaxed(self._limits),
                launch=valgrind.launch(self._python, out),
            )
            count = valgrind.count(sampler, one.event, out)
            if count is None:
                return None, "the function does not end at SIGTERM, so valgrind cannot say"
            counted.append(count)
        return counted[0] - counted[1], ""

    def _fill_cache(self, case: Case) -> None:
        """Have a process compile what is not in the bytecode cache."""
        if case.key not in self._is_cached:
            self._sampler(case).observe(case.event, lambda _: None)
            self._is_cached.add(case.key)

    def _observe(self, case: Case, program: str, record: Path) -> Course:
        sampler = self._sampler(case, launch(program, str(record)))
        return sampler.observe(case.event, lambda _: None)

    def _sampler(self, case: Case, started: Sequence[str] = ("-m", "awslambdaric")) -> Sampler:
        return Sampler(
            case.target,
            python=self._python,
            environment=self._environment(case),
            limits=self._limits,
            launch=started,
        )

    def _environment(self, case: Case) -> dict[str, str]:
        # The order of sets decides in which order some packages import; here it is always the same.
        settings = {"PYTHONHASHSEED": "0", **case.settings}
        return sample_environment(self._base, case.target, self._interpreter(case), settings)

    def _interpreter(self, case: Case) -> Interpreter:
        if case.key not in self._interpreters:
            environment = {**self._base, **case.settings}
            found = inspect_interpreter(self._python, case.target, environment)
            self._interpreters[case.key] = found
        return self._interpreters[case.key]

    def _installation(self, case: Case) -> Installation:
        return inspect_installation(self._python, case.target, {**self._base, **case.settings})

    def _places(self, case: Case, installation: Installation) -> Places:
        return Places(
            case.target.folder,
            project=self._project,
            search_path=installation.path,
            pycache=self._pycache,
        )

    def _bare(self, case: Case) -> Case:
        return Case(self._empty, case.event, case.settings)

    def _record(self, name: str) -> Path:
        """An empty file for one process to write to."""
        path = self._folder / name
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        return path

    def _get(self, what: str, case: Case, measure: Callable[[], Any]) -> Any:
        return self._store.get(f"{what}-{case.key}", measure)


def _peak(sampler: Sampler, event: Event | None) -> tuple[Course, int]:
    """Run an undisturbed process; its peak memory in bytes, 0 where the system does not tell."""
    peaks: list[int] = []

    def look(sandbox: Sandbox) -> None:
        peaks.append(sandbox.peak_memory_bytes() or 0)

    return sampler.observe(event, look), peaks[0]
