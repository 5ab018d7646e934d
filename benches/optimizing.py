"""Runs `coldcache optimize` on a built function and reads what it found."""

from __future__ import annotations

import json
import math
import subprocess
from dataclasses import dataclass
from pathlib import Path
from statistics import geometric_mean
from typing import Any

from builds import Build, differences

# The search has a budget of its own; beyond this the command hangs.
OPTIMIZE_WITHIN_S = 900

BETTER = "better"


@dataclass(frozen=True)
class Measured:
    """A metric of one event: both medians, and how many times better planned is than plain."""

    plain: float
    planned: float
    ratio: float
    low: float
    high: float

    @classmethod
    def of(cls, metric: dict[str, Any]) -> Measured:
        """Read a metric of the document, which has planned / plain."""
        ratio = metric["ratio"]
        return cls(
            metric["plain"]["median"],
            metric["planned"]["median"],
            1 / ratio["median"],
            1 / ratio["high"],
            1 / ratio["low"],
        )


@dataclass(frozen=True)
class Event:
    """What the lab saw of one event."""

    name: str
    answers_equal: bool
    init: Measured
    first: Measured
    memory: Measured
    modules: tuple[int, int]


@dataclass(frozen=True)
class Optimized:
    """What `coldcache optimize` said about a function.

    Attributes:
        document: All it wrote.
        changed: Files of the function or of its packages that differ afterwards.
        lock: The plan, if one was written.
    """

    document: dict[str, Any]
    changed: list[str]
    lock: Path | None

    @property
    def is_better(self) -> bool:
        """Whether the plan is worth using; otherwise there is none and all stays as it was."""
        return self.document["verdict"] == BETTER

    @property
    def events(self) -> list[Event]:
        """The events in the order in which they were given."""
        found = []
        for event in self.document["events"]:
            metrics = event["metrics"]
            found.append(
                Event(
                    event["event"],
                    event["answers_equal"],
                    Measured.of(metrics["init_ms"]),
                    Measured.of(metrics["init_plus_first_ms"]),
                    Measured.of(metrics["peak_memory_mb"]),
                    (event["modules"]["plain"], event["modules"]["planned"]),
                )
            )
        return found

    def gain(self, metric: str) -> float:
        """How many times better *metric* is for who follows the verdict, over all events.

        Args:
            metric: ``init``, ``first`` (init + first answer) or ``memory``.
        """
        if not self.is_better:
            return 1.0
        return geometric_mean([getattr(event, metric).ratio for event in self.events])

    @property
    def equal(self) -> bool:
        """Whether every event got the same answer with and without the plan."""
        return all(event.answers_equal for event in self.events)

    def edges(self, state: str) -> list[dict[str, Any]]:
        """The edges in a state: ``deferred`` or ``eager``."""
        return [edge for edge in self.document["edges"] if edge["state"] == state]

    @property
    def search_s(self) -> float:
        """How long the search took."""
        seconds: float = self.document["search"]["seconds"]
        return seconds


class OptimizeError(Exception):
    """The command failed, with what it said."""


def optimize(build: Build, events: list[Path], arguments: list[str]) -> Optimized:
    """Optimize a built function.

    Args:
        build: The function and its environment.
        events: The events to call it with.
        arguments: Further arguments of the command.

    Raises:
        OptimizeError: The command failed, did not end or wrote no document.
    """
    out, lock = build.place / "optimize.json", build.place / "coldcache.lock"
    for old in (out, lock):
        old.unlink(missing_ok=True)
    command = [str(build.python), "-B", "-m", "coldcache", "optimize"]
    command.append(f"{build.function}:app.handler")
    for event in events:
        command += ["--event", str(event)]
    command += ["--json", str(out), "--out", str(lock), *arguments]
    before = build.checksums()
    log = build.place / "optimize.log"
    with log.open("w") as file:
        try:
            done = subprocess.run(
                command,
                cwd=build.place,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=OPTIMIZE_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise OptimizeError(f"did not end within {OPTIMIZE_WITHIN_S} s; see {log}") from error
    if not out.exists():
        end = "\n".join(log.read_text().splitlines()[-15:])
        raise OptimizeError(f"exit code {done.returncode}, no document:\n{end}")
    document = json.loads(out.read_text())
    changed = differences(before, build.checksums())
    return Optimized(document, changed, lock if lock.exists() else None)


def mean(gains: list[float]) -> float:
    """The geometric mean; not a number if there is nothing to take it of."""
    return geometric_mean(gains) if gains else math.nan
