"""A whole run: know the function, search, prove, make the lock, measure, judge."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from coldcache._lock import Lock
from coldcache.tools.lab.environment import base_environment, sample_environment
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.interpreter import Interpreter, find_python, inspect_interpreter
from coldcache.tools.lab.plan import LabPlan
from coldcache.tools.lab.private_file import write_private
from coldcache.tools.lab.result import LabResult
from coldcache.tools.lab.run import Observer, private_folder, run_lab
from coldcache.tools.lab.sampler import Limits
from coldcache.tools.profile.distributions import Owners
from coldcache.tools.profile.installation import Installation, inspect_installation
from coldcache.tools.profile.plan import ProfilePlan
from coldcache.tools.profile.result import ProfileResult

from .account import bill, profile_of
from .advance import without_moved
from .baseline import Baseline, in_turn, measure_baseline, trace
from .edges import Edge
from .effects import Effects
from .engine import Engine, find_engine
from .fates import fates, packages
from .judge import Judgement, judge
from .oracle import Finding, Oracle
from .outcome import Outcome
from .plan import OptimizePlan
from .pool import Pool
from .proof import prove_in_client
from .requirements import Sources, make_lock
from .result import OptimizeResult
from .same import Same, read_same
from .search import SearchResult, search
from .trial import Laboratory, Trial
from .unchanged import Files

__all__ = ["Reporter", "run_optimize"]

_TRACES = 3
# Trials run on all cores side by side: a thread that OpenBLAS starts in each of them, and that
# spins while numpy is imported, takes time from the others. Proof and lab leave it alone.
_ONE_THREAD_EACH = {"OPENBLAS_NUM_THREADS": "1"}
_LONGER = 3  # times as many rounds where noise has hidden what looks like a gain


class Reporter:
    """Hears how a run goes on; this one keeps quiet."""

    def stage(self, text: str) -> None:
        """Something that a reader wants to know."""

    def finding(self, finding: Finding) -> None:
        """A set of edges was tried."""

    def lab(self, plan: LabPlan) -> AbstractContextManager[Observer | None]:  # noqa: ARG002
        """An observer for the lab."""
        return nullcontext()


@dataclass(frozen=True)
class _Place:
    """Everything about where the function runs."""

    plan: OptimizePlan
    private: Path
    python: Path
    interpreter: Interpreter
    installation: Installation
    engine: Engine
    base: Mapping[str, str]
    plain: Mapping[str, str]

    @property
    def limit_s(self) -> float:
        return self.plan.init_timeout_s + self.plan.timeout_s

    def environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        plan = self.plan
        own = {**plan.settings, **settings}
        return sample_environment(self.base, plan.target, self.interpreter, own)


def run_optimize(plan: OptimizePlan, reporter: Reporter | None = None) -> OptimizeResult:
    """Find, prove and measure a plan for a function. Writes nothing.

    Whatever ends the run early, an exception or a signal turned into one, no process is left
    behind.

    Args:
        plan: What to optimise.
        reporter: Hears of the progress.

    Raises:
        UsageError: Interpreter, runtime client, coldcache, or handler are missing; answers vary.
        FunctionError: The function fails without any plan.
    """
    reporter = reporter or Reporter()
    started_at = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
    start_s = time.monotonic()
    with private_folder() as private:
        place = _prepare(plan, private)
        same = read_same(plan.same, private)
        files = Files(str(plan.target.folder), place.installation.path)
        with Pool(plan.workers) as pool:
            laboratory = Laboratory(
                target=plan.target,
                python=place.python,
                # A plan that lies in the folder already must not join in.
                environment={**_ONE_THREAD_EACH, **place.plain, "COLDCACHE_AUTO": "off"},
                folder=private,
                timeout_s=plan.timeout_s,
            )
            baseline, found, oracle, effects = _search(place, laboratory, pool, same, reporter)
            sources = Sources(place.installation, _origins(baseline))
            numbers = _fingerprints(laboratory, pool, baseline, found.deferred, sources)
            traces = _traces(laboratory, pool, baseline, plan, place.limit_s)
        lock = make_lock(plan.target, place.interpreter.minor, found.deferred, sources, numbers)
        lock_path = private / "coldcache.lock"
        planned = _apply(place, lock, lock_path)
        problem = _prove(place, same, planned, reporter) if found.deferred else ""
        lab = _measure(place, lock_path, reporter, runs=plan.runs)
        judgement = _judge(lab, found, problem, plan)
        if judgement.is_unclear:
            runs = _LONGER * plan.runs
            reporter.stage(f"{judgement.reason}; measuring anew, {runs} rounds")
            # Judged by the new rounds alone: to add to the others until one likes the result would
            # be no test.
            lab = _measure(place, lock_path, reporter, runs=runs)
            judgement = _judge(lab, found, problem, plan)
        profile = _profile(place, traces, lab, started_at, start_s)
        changed = files.changed()
    outcomes = found.finding.outcomes if found.finding is not None else ()
    outcomes = outcomes[: len(plan.events)] or tuple(case.plain[1] for case in baseline.cases)
    account = bill(profile.profiles, outcomes, found.deferred, baseline.lines)
    return OptimizeResult(
        plan=plan,
        started_at=started_at,
        elapsed_s=time.monotonic() - start_s,
        candidates=len(oracle.candidates),
        search=found,
        edges=fates(found, baseline, account),
        profile=profile,
        bill=account,
        packages=packages(profile.profiles, outcomes, Owners(place.installation)),
        lab=lab,
        judgement=judgement,
        problem=problem,
        lock=lock if judgement.verdict == "better" else None,
        files=len(files),
        changed=tuple(changed),
        harmless=effects.harmless,
    )


def _prepare(plan: OptimizePlan, private: Path) -> _Place:
    """Check the interpreter and what is installed for it; nothing of the function runs yet."""
    python = find_python(plan.python)
    home, pycache = private / "home", private / "pycache"
    home.mkdir()
    pycache.mkdir()
    base = base_environment(home, pycache)
    asked = {**base, **plan.settings}
    interpreter = inspect_interpreter(python, plan.target, asked)
    engine = find_engine(python, plan.target, asked)
    return _Place(
        plan=plan,
        private=private,
        python=python,
        interpreter=interpreter,
        installation=inspect_installation(python, plan.target, asked),
        engine=engine,
        base=base,
        plain=sample_environment(base, plan.target, interpreter, plan.settings),
    )


def _search(
    place: _Place, laboratory: Laboratory, pool: Pool, same: Same, reporter: Reporter
) -> tuple[Baseline, SearchResult, Oracle, Effects]:
    plan = place.plan
    started = time.monotonic()
    baseline = measure_baseline(
        laboratory,
        pool,
        plan.events,
        same,
        limit_s=place.limit_s,
        noted=reporter.stage,
    )
    reporter.stage(
        f"{len(baseline.candidates)} imports could be deferred; searching for those that may be, "
        f"for at most {plan.budget_s:g} s"
    )
    oracle = Oracle(laboratory, pool, baseline.cases, baseline.candidates, same, reporter.finding)
    effects = Effects(laboratory, pool, baseline)
    # What was needed to know the function counts too.
    left_s = max(1.0, plan.budget_s - (time.monotonic() - started))
    found = search(
        oracle,
        baseline,
        effects,
        budget_s=left_s,
        extra_case=lambda: in_turn(laboratory, pool, baseline, same, limit_s=place.limit_s),
        say=reporter.stage,
    )
    found = without_moved(found, oracle, effects, reporter.stage)
    reporter.stage(
        f"search: {len(found.deferred)} imports deferred, {len(found.reasons)} have to stay, "
        f"{found.runs} processes, {found.seconds:.0f} s" + (f"; {found.note}" if found.note else "")
    )
    return baseline, found, oracle, effects


def _origins(baseline: Baseline) -> dict[str, str]:
    found: dict[str, str] = {}
    for case in baseline.cases:
        found.update(case.plain[1].origins)
    return found


def _fingerprints(
    laboratory: Laboratory,
    pool: Pool,
    baseline: Baseline,
    deferred: tuple[Edge, ...],
    sources: Sources,
) -> dict[str, int]:
    """Ask the interpreter of the function for the numbers of its own modules."""
    own = sources.own(sorted({edge.importer for edge in deferred}))
    found: dict[str, int] = {}
    for case in baseline.cases if own else ():
        trial = Trial(events=case.events, fingerprints=own)
        job = pool.submit(laboratory.job(trial, 4 * case.limit_s))
        found.update(job.wait().fingerprints)
    return found


def _traces(
    laboratory: Laboratory, pool: Pool, baseline: Baseline, plan: OptimizePlan, limit_s: float
) -> dict[str, list[Outcome]]:
    """What was traced already, and a little more, so that a median can be shown."""
    found = {case.name: [case.plain[1]] for case in baseline.cases}
    for _ in range(_TRACES - 1):
        for name, outcome in trace(laboratory, pool, plan.events, limit_s=limit_s).items():
            if not outcome.how and outcome.error is None:
                found[name].append(outcome)
    return found


def _apply(place: _Place, lock: Lock, path: Path) -> dict[str, str]:
    """Write the lock where the bootstrap finds it, and see that it takes effect."""
    write_private(lock.text(), path, option="the lock")
    planned = place.environment(place.engine.settings(path, place.plan.settings))
    status = place.engine.status(place.python, place.plan.target, planned)
    if status != "applied":
        raise UsageError(
            f"{str(place.python)!r} does not apply the plan that was made for it: {status}"
        )
    return planned


def _prove(place: _Place, same: Same, planned: Mapping[str, str], reporter: Reporter) -> str:
    plan = place.plan
    problem = prove_in_client(
        plan.target,
        plan.events,
        same,
        python=place.python,
        plain=place.plain,
        planned=planned,
        limits=Limits(init_s=plan.init_timeout_s, call_s=plan.timeout_s),
    )
    reporter.stage(problem or "answers under the real runtime client are as before")
    return problem


def _measure(place: _Place, lock: Path, reporter: Reporter, *, runs: int) -> LabResult:
    plan = place.plan
    lab = LabPlan(
        target=plan.target,
        baseline=plan.target,
        events=plan.events,
        runs=runs,
        python=plan.python,
        settings=plan.settings,
        own_settings={
            "target": place.engine.settings(lock, plan.settings),
            "baseline": {"COLDCACHE_AUTO": "off"},
        },
        names={"target": "planned", "baseline": "plain"},
        init_timeout_s=plan.init_timeout_s,
        timeout_s=plan.timeout_s,
    )
    with reporter.lab(lab) as observer:
        return run_lab(lab, observer, pycache=place.private / "pycache")


def _judge(lab: LabResult, found: SearchResult, problem: str, plan: OptimizePlan) -> Judgement:
    judged = judge(lab)
    differs = plan.same is None and not lab.answers_agree
    if not found.deferred and found.moved:
        why = (
            f"every first call uses the {len(found.moved)} imports that could be deferred, so "
            "their cost would only move"
        )
        return Judgement("only moved", why, judged.init, judged.first)
    if not found.deferred:
        why = found.note or "no import can be deferred to any gain"
        return Judgement("no gain", why, judged.init, judged.first)
    if problem or differs:
        why = problem or "answers differ under the real runtime client"
        return Judgement("no gain", why, judged.init, judged.first)
    return judged


def _profile(
    place: _Place,
    traces: Mapping[str, Sequence[Outcome]],
    lab: LabResult,
    started_at: str,
    start_s: float,
) -> ProfileResult:
    """The function without the plan, as `coldcache profile` would show it."""
    plan = place.plan
    owners = Owners(place.installation)
    return ProfileResult(
        plan=ProfilePlan(
            target=plan.target,
            events=plan.events,
            runs=_TRACES,
            calls=1,
            python=plan.python,
            settings=plan.settings,
            init_timeout_s=plan.init_timeout_s,
            timeout_s=plan.timeout_s,
        ),
        machine=lab.machine,
        started_at=started_at,
        elapsed_s=time.monotonic() - start_s,
        profiles=tuple(profile_of(name, seen, owners) for name, seen in traces.items()),
    )
