"""Small functions and packages written for one test, and what runs them."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from coldcache.tools.lab.environment import base_environment, sample_environment
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.interpreter import find_python, inspect_interpreter
from coldcache.tools.lab.target import Target
from coldcache.tools.optimize.baseline import Baseline, in_turn, measure_baseline
from coldcache.tools.optimize.case import Case
from coldcache.tools.optimize.edges import Edge
from coldcache.tools.optimize.effects import Effects
from coldcache.tools.optimize.oracle import Oracle
from coldcache.tools.optimize.outcome import Outcome
from coldcache.tools.optimize.pool import Pool
from coldcache.tools.optimize.same import read_same
from coldcache.tools.optimize.search import SearchResult, search
from coldcache.tools.optimize.trial import Laboratory, Trial

LIMIT_S = 20.0


@pytest.fixture
def write_files(workplace: Path) -> Callable[..., None]:
    """Write modules of a function folder, by their paths in it."""

    def write(files: Mapping[str, str], *, folder: str = "src") -> None:
        for name, source in files.items():
            path = workplace / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source))

    return write


@dataclass
class Bench:
    """A function, and everything the search needs to run it."""

    laboratory: Laboratory
    pool: Pool
    private: Path

    def run(self, *events: Any, limit_s: float = LIMIT_S, **options: Any) -> Outcome:
        """One trial."""
        bodies = tuple(json.dumps(event).encode() for event in events or ({},))
        trial = Trial(events=bodies, **options)
        return self.laboratory.run(trial, limit_s, threading.Event())

    def baseline(self, *events: Any, same: str | None = None) -> Baseline:
        """The function as it is."""
        return measure_baseline(
            self.laboratory,
            self.pool,
            self._events(events),
            read_same(same, self.private),
            limit_s=LIMIT_S,
            noted=lambda _: None,
        )

    def search(
        self, *events: Any, budget_s: float = 45.0, same: str | None = None
    ) -> tuple[SearchResult, Baseline]:
        """A whole search."""
        compare = read_same(same, self.private)
        baseline = self.baseline(*events, same=same)
        oracle = Oracle(self.laboratory, self.pool, baseline.cases, baseline.candidates, compare)
        effects = Effects(self.laboratory, self.pool, baseline)

        def extra() -> Case | None:
            return in_turn(self.laboratory, self.pool, baseline, compare, limit_s=LIMIT_S)

        found = search(
            oracle,
            baseline,
            effects,
            budget_s=budget_s,
            extra_case=extra,
            say=lambda _: None,
        )
        return found, baseline

    def _events(self, events: tuple[Any, ...]) -> tuple[Event, ...]:
        return tuple(
            Event(name=f"event-{number}.json", body=json.dumps(event).encode())
            for number, event in enumerate(events or ({},))
        )


@pytest.fixture
def bench(
    needs_runtime_client: None, workplace: Path, tmp_path: Path
) -> Iterator[Callable[..., Bench]]:
    """Set up a bench for ``src:app.handler``, once the files are written."""
    made: list[Pool] = []

    def make(spec: str = "src:app.handler") -> Bench:
        target = Target.parse(spec)
        private = tmp_path / "private"
        for name in ("home", "pycache"):
            (private / name).mkdir(parents=True, exist_ok=True)
        base = base_environment(private / "home", private / "pycache")
        python = find_python(sys.executable)
        interpreter = inspect_interpreter(python, target, base)
        environment = sample_environment(base, target, interpreter, {"COLDCACHE_AUTO": "off"})
        pool = Pool(2)
        pool.__enter__()
        made.append(pool)
        laboratory = Laboratory(
            target=target, python=python, environment=environment, folder=private, timeout_s=LIMIT_S
        )
        return Bench(laboratory, pool, private)

    yield make
    for pool in made:
        pool.__exit__(None, None, None)


@pytest.fixture
def run_optimize_command(
    needs_runtime_client: None, workplace: Path, command_environment: dict[str, str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``python -m coldcache optimize`` to its end, both streams piped."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "coldcache", "optimize", *arguments],
            cwd=workplace,
            env=command_environment,
            capture_output=True,
            text=True,
            timeout=55,
            check=False,
        )

    return run


def edges(*pairs: tuple[str, str]) -> frozenset[Edge]:
    """Edges from pairs."""
    return frozenset(Edge(*pair) for pair in pairs)
