"""Timing of many statements in one interleaved run, so that noise of the machine cancels in ratios.

Each round visits the cases in a new order, and within a case its subjects in a new order, right
after each other. A sample is the best of `TRIES` loops like timeit's: compiled per statement, names
bound to locals, garbage collection off, of a length calibrated to about `LOOP_SECONDS`. The
statement is written out `UNROLLED` times in the loop, as otherwise the loop would be half of what
is timed. What is timed is the processor time of the thread, so that a busy machine costs precision
and no more; with two threads it is the wall. The first rounds are discarded. Ratios are taken per
round, between neighbours in time.
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import repeat
from time import perf_counter_ns, thread_time_ns
from typing import Any

LOOP_SECONDS = 0.004
TRIES = 3
DISCARDED_ROUNDS = 2
UNROLLED = 10

Loop = Callable[[int], int]
"""Runs the statement that many times `UNROLLED`; nanoseconds it took."""


@dataclass(frozen=True)
class Subject:
    """One implementation under test: its statement, and what makes the names in it."""

    name: str
    statement: str
    make: Callable[[], dict[str, Any]]
    in_globals: bool = False  # names stay globals, where that is what is timed
    fresh: bool = False  # made anew for each sample, where a sample uses it up (a miss)
    kind: str = "plain"  # or "async", "threads"


@dataclass
class Case:
    """The same work done by several subjects; the first is the one the others are compared with."""

    name: str
    subjects: list[Subject]
    samples: dict[str, list[float]] = field(default_factory=dict)
    """Nanoseconds per statement by subject, one a round."""

    def ratios(self, peer: str) -> Spread:
        """Ours divided by the peer's, round by round."""
        ours = self.samples[self.subjects[0].name]
        return Spread.of([a / b for a, b in zip(ours, self.samples[peer], strict=True)])


@dataclass(frozen=True)
class Spread:
    """Median and quartiles."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """The spread of at least two values."""
        return cls(*statistics.quantiles(values, n=4))


TEMPLATE = """
{define} inner(rounds, timer, {locals}):
    start = timer()
    for _ in rounds:
        {statements}
    return timer() - start
"""


def compiled(subject: Subject, namespace: dict[str, Any]) -> Callable[..., Any]:
    """The loop around the statement, as a function of rounds and timer."""
    source = TEMPLATE.format(
        define="async def" if subject.kind == "async" else "def",
        locals="" if subject.in_globals else ", ".join(f"{name}={name}" for name in namespace),
        statements="; ".join([subject.statement] * UNROLLED),
    )
    made: dict[str, Any] = {}
    exec(compile(source, f"<{subject.name}>", "exec"), namespace, made)
    inner: Callable[..., Any] = made["inner"]
    return inner


def loop_of(
    subject: Subject, namespace: dict[str, Any], asyncio_loop: asyncio.AbstractEventLoop
) -> Loop:
    """The timed loop of a subject, run once so that caches are filled and bytecode is warm."""
    inner = compiled(subject, namespace)

    def plain(count: int) -> int:
        took: int = inner(repeat(None, count), thread_time_ns)
        return took

    def coroutine(count: int) -> int:
        return int(asyncio_loop.run_until_complete(inner(repeat(None, count), thread_time_ns)))

    def threads(count: int) -> int:
        start = threading.Barrier(3)
        workers = [
            threading.Thread(target=lambda: (start.wait(), plain(count // 2))) for _ in range(2)
        ]
        for worker in workers:
            worker.start()
        start.wait()
        began = perf_counter_ns()
        for worker in workers:
            worker.join()
        return perf_counter_ns() - began

    loop = {"plain": plain, "async": coroutine, "threads": threads}[subject.kind]
    loop(2)
    return loop


def calibrated(loop: Loop, seconds: float) -> int:
    """A length of the loop that takes about so many seconds."""
    count = 10
    while (took := loop(count)) < seconds * 1e9 / 4:
        count = max(count * 2, int(count * seconds * 1e9 / 2 / max(took, 1)))
    return max(2, int(count * seconds * 1e9 / took))


def sample(loop: Loop, count: int) -> float:
    """Nanoseconds per statement of one timed loop."""
    gc.disable()
    try:
        return loop(count) / count / UNROLLED
    finally:
        gc.enable()


def run(cases: list[Case], rounds: int, seed: int = 0) -> None:
    """Fill the samples of all cases, in one interleaved run."""
    events = asyncio.new_event_loop()
    try:
        measure(cases, rounds, random.Random(seed), events)
    finally:
        events.close()


def measure(
    cases: list[Case], rounds: int, order: random.Random, events: asyncio.AbstractEventLoop
) -> None:
    namespaces: dict[tuple[str, str], dict[str, Any]] = {}
    counts: dict[tuple[str, str], int] = {}
    for case in cases:
        for subject in case.subjects:
            key = (case.name, subject.name)
            namespaces[key] = subject.make()
            seconds = LOOP_SECONDS * (5 if subject.kind == "threads" else 1)
            counts[key] = calibrated(loop_of(subject, namespaces[key], events), seconds)
            case.samples[subject.name] = []
    for number in range(rounds + DISCARDED_ROUNDS):
        for case in order.sample(cases, len(cases)):
            gc.collect()
            for subject in order.sample(case.subjects, len(case.subjects)):
                key = (case.name, subject.name)
                samples = []
                for _ in range(1 if subject.kind == "threads" else TRIES):
                    # Compiled anew: where the code comes to lie is luck, and belongs to the spread.
                    namespace = subject.make() if subject.fresh else namespaces[key]
                    samples.append(sample(loop_of(subject, namespace, events), counts[key]))
                if number >= DISCARDED_ROUNDS:
                    case.samples[subject.name].append(min(samples))
