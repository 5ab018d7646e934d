"""What a use costs while nothing is wrong: time, and statements that reach the server."""

from __future__ import annotations

import contextlib
import gc
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from interleaved import Spread

from faults.coldcache_subjects import OURS
from faults.place import Place
from faults.subjects import PEERS

if TYPE_CHECKING:
    from faults.stage import Stage

LOOP_S = 0.02
ROUNDS = 21
COUNTED_USES = 1000
LIMIT_US = 1.0

Use = Callable[[int], None]


@dataclass(frozen=True)
class Cost:
    """Of one use, by one subject."""

    subject: str
    microseconds: Spread
    statements: float


def block(enter: Callable[[], Any]) -> Use:
    """Give a loop over `with enter() as connection: pass`."""

    def use(times: int) -> None:
        for _ in range(times):
            with enter():
                pass

    return use


@contextlib.contextmanager
def uses(place: Place) -> Iterator[dict[str, Use]]:
    """Give for each subject a loop that takes its connection and gives it back."""
    subjects = [
        *(OURS[name](place) for name in ("coldcache.resource", "coldcache.pool")),
        *(PEERS[name](place) for name in ("SQLAlchemy", "SQLAlchemy, pre-ping")),
        *(PEERS[name](place) for name in ("psycopg_pool", "psycopg_pool, check")),
        PEERS["global connection"](place),
    ]
    resource, pool, engine, pinging, plain, checking, held = subjects

    def look(times: int) -> None:
        for _ in range(times):
            held.connection  # noqa: B018 - what a global costs

    try:
        yield {
            "coldcache.resource": block(resource.database),
            "coldcache.pool": block(pool.database),
            "global connection": look,
            "SQLAlchemy": block(engine.engine.connect),
            "SQLAlchemy, pre-ping": block(pinging.engine.connect),
            "psycopg_pool": block(plain.pool.connection),
            "psycopg_pool, check": block(checking.pool.connection),
            "contextlib.nullcontext": block(contextlib.nullcontext),
        }
    finally:
        for subject in subjects:
            subject.leave()


def timed(use: Use, times: int) -> float:
    """Take the microseconds of one use, by the wall."""
    gc.disable()
    try:
        start = time.perf_counter()
        use(times)
        return (time.perf_counter() - start) / times * 1e6
    finally:
        gc.enable()


def measure(stage: Stage, rounds: int = ROUNDS) -> list[Cost]:
    """Measure all subjects in one interleaved run, then count what they send."""
    if not stage.secrets:
        stage.rotate()
    counts = {}
    order = random.Random(0)
    with uses(Place(**stage.place("healthy"))) as subjects:
        samples: dict[str, list[float]] = {name: [] for name in subjects}
        for name, use in subjects.items():
            use(10)
            counts[name] = max(20, int(LOOP_S * 1e6 / timed(use, 50)))
        for _ in range(rounds):
            for name in order.sample(sorted(subjects), len(subjects)):
                samples[name].append(min(timed(subjects[name], counts[name]) for _ in range(2)))
    statements = count(stage)
    return [Cost(name, Spread.of(samples[name]), statements[name]) for name in samples]


def count(stage: Stage) -> dict[str, float]:
    """Count the statements of one use, by the server's own log."""
    server = stage.postgresql
    server.execute("ALTER ROLE app SET log_statement = 'all'")
    try:
        counted = {}
        with uses(Place(**stage.place("healthy"))) as subjects:
            for name, use in subjects.items():
                use(10)
                before = server.count_statements()
                use(COUNTED_USES)
                counted[name] = (server.count_statements() - before) / COUNTED_USES
        return counted
    finally:
        server.execute("ALTER ROLE app RESET log_statement")
        server.end_sessions()
