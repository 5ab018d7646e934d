"""A whole run: check, start the function with the tracer in its process, read what it wrote.

The tracer gets into the process by a few lines that run before the runtime client does, in the same
interpreter; the client and the function are as they are. Phases are told apart by the stamps of the
Runtime API's server: its clock is the tracer's.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass

from coldcache.tools.lab.environment import base_environment, sample_environment
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.interpreter import find_python, inspect_interpreter
from coldcache.tools.lab.launch import launch
from coldcache.tools.lab.life.supervisor import spawning
from coldcache.tools.lab.machine import Machine
from coldcache.tools.lab.run import private_folder
from coldcache.tools.lab.sampler import Course, Limits, Sampler

from .distributions import Owners, shares
from .installation import inspect_installation
from .plan import ProfilePlan
from .record import Import, Phase, Totals, read_records
from .result import Profile, ProfileResult
from .tree import Tree

__all__ = ["TRACE", "run_profile"]

TRACE = """
from coldcache._core import ImportTracer
ImportTracer(path=arguments[0]).install()
del ImportTracer
"""
"""Writes the imports of the process to the file that is its first argument."""


@dataclass(frozen=True)
class _Trace:
    course: Course
    imports: list[Import]
    totals: Totals

    @property
    def init_ms(self) -> float:
        return (self.course.init_ns - self.course.spawned_ns) / 1e6


def run_profile(
    plan: ProfilePlan, process_done: Callable[[str], None] = lambda _: None
) -> ProfileResult:
    """Profile the function of *plan* in fresh processes.

    Whatever ends the run early, an exception or a signal turned into one, no process is left
    behind.

    Args:
        plan: What to profile.
        process_done: Called when a process has ended, with what it was for.

    Raises:
        UsageError: The interpreter, the runtime client, coldcache or the handler is missing.
        FunctionError: The function failed or ran out of time.
    """
    started_at = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
    start_s = time.monotonic()
    with private_folder() as private, spawning() as spawn:
        python = find_python(plan.python)
        home, pycache = private / "home", private / "pycache"
        home.mkdir()
        pycache.mkdir()
        base = base_environment(home, pycache)
        interpreter = inspect_interpreter(python, plan.target, {**base, **plan.settings})
        installation = inspect_installation(python, plan.target, {**base, **plan.settings})
        environment = sample_environment(base, plan.target, interpreter, plan.settings)

        def trace(event: Event) -> _Trace:
            record = private / "imports.jsonl"
            sampler = Sampler(
                plan.target,
                python=python,
                environment=environment,
                limits=Limits(init_s=plan.init_timeout_s, call_s=plan.timeout_s),
                launch=launch(TRACE, str(record)),
                spawn=spawn,
            )
            course = sampler.follow(event, calls=plan.calls)
            with record.open(encoding="utf-8") as lines:
                imports, totals = read_records(lines)
            record.unlink()
            process_done(event.name)
            return _Trace(course, imports, totals)

        owners = Owners(installation)
        profiles = []
        for event in plan.events:
            trace(event)  # fills the bytecode cache
            traces = [trace(event) for _ in range(plan.runs)]
            profiles.append(_profile(event, traces, owners))
    return ProfileResult(
        plan=plan,
        machine=Machine.here(interpreter),
        started_at=started_at,
        elapsed_s=time.monotonic() - start_s,
        profiles=tuple(profiles),
    )


def _profile(event: Event, traces: list[_Trace], owners: Owners) -> Profile:
    """The profile of the process with the median init: all its figures are of one process."""
    ranked = sorted(traces, key=lambda trace: trace.init_ms)
    chosen = ranked[(len(ranked) - 1) // 2]
    course, totals = chosen.course, chosen.totals
    imports = tuple(_placed(one, course) for one in chosen.imports)
    return Profile(
        event=event.name,
        init_ms=chosen.init_ms,
        start_ms=(totals.installed_ns - course.spawned_ns) / 1e6,
        call_ms=tuple((call.answered_ns - call.handed_ns) / 1e6 for call in course.calls),
        tracer_ms=totals.own_ns / 1e6,
        dropped=totals.dropped,
        all_init_ms=tuple(trace.init_ms for trace in traces),
        imports=imports,
        shares=shares(Tree(imports), owners),
    )


def _placed(one: Import, course: Course) -> Import:
    """The import with its phase, and with times that count from the spawn."""
    phase: Phase = "later calls"
    if one.start_ns < course.init_ns:
        phase = "init"
    elif one.start_ns < course.calls[0].answered_ns:
        phase = "first call"
    return dataclasses.replace(
        one,
        phase=phase,
        start_ns=one.start_ns - course.spawned_ns,
        end_ns=one.end_ns - course.spawned_ns,
    )
