"""The document of ``coldcache optimize``, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from coldcache.tools.lab.errors import UsageError

from .fields import Fields
from .traces import SCHEMA as PROFILE_SCHEMA
from .traces import Run, read_machine, read_run

__all__ = [
    "ROLES",
    "SCHEMA",
    "Distribution",
    "Edge",
    "Judged",
    "Measured",
    "Metric",
    "Outcome",
    "Spread",
    "read_outcome",
]

SCHEMA = "coldcache.optimize/1"
ROLES = ("plain", "planned")


@dataclass(frozen=True)
class Spread:
    """A median and its interval."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Metric:
    """One figure of both roles.

    Attributes:
        name: With its unit at the end, ``init_ms``.
        spreads: By role.
        samples: By role, in the order in which they were taken; may be empty.
        ratio: Planned by plain.
    """

    name: str
    spreads: Mapping[str, Spread]
    samples: Mapping[str, tuple[float, ...]]
    ratio: Spread | None


@dataclass(frozen=True)
class Judged:
    """A difference and the verdict on it, in the unit of its figure."""

    difference: Spread
    verdict: str


@dataclass(frozen=True)
class Measured:
    """Everything about one event."""

    event: str
    answers_equal: bool
    metrics: tuple[Metric, ...]
    modules: Mapping[str, int]


@dataclass(frozen=True)
class Edge:
    """One import statement and what became of it."""

    importer: str
    edge: str
    line: int | None
    state: str
    reason: str
    used: str
    used_by: str
    ms: float | None

    @property
    def statement(self) -> str:
        """The edge as Python says it."""
        module, colon, names = self.edge.partition(":")
        if not colon:
            return f"import {module}"
        return f"from {module} import {', '.join(names.split(','))}"


@dataclass(frozen=True)
class Distribution:
    """One row of the roll-up; times in milliseconds, sizes in megabytes."""

    name: str
    version: str
    ms: float | None
    mb: float | None
    disk_mb: float | None
    modules: int | None
    modules_planned: int | None


@dataclass(frozen=True)
class Outcome:
    """A finished search. Names are those of the document."""

    verdict: str
    reason: str
    target: str
    made_by: str
    started_at: str
    elapsed_s: float
    machine: Mapping[str, str]
    search_runs: int
    search_s: float
    workers: int
    is_complete: bool
    note: str
    files: int
    edges: tuple[Edge, ...]
    removed_ms: float
    moved_ms: float
    events: tuple[Measured, ...]
    init_ratio: float | None
    init_plus_first_ratio: float | None
    distributions: tuple[Distribution, ...]
    profile: Run | None
    lock: str | None


def read_outcome(document: Fields) -> Outcome:
    """Read the document of an optimisation.

    Raises:
        UsageError: Something is missing or is not what it should be; the message names it.
    """
    target, search, overall = (document.object(it) for it in ("target", "search", "overall"))
    return Outcome(
        verdict=document.text("verdict"),
        reason=document.maybe_text("reason") or "",
        target=f"{target.text('folder')}:{target.text('handler')}",
        made_by=document.text("made_by"),
        started_at=document.text("started_at"),
        elapsed_s=document.number("elapsed_s"),
        machine=read_machine(document),
        search_runs=search.integer("runs"),
        search_s=search.number("seconds"),
        workers=search.integer("workers"),
        is_complete=bool(search.maybe_flag("complete")),
        note=search.maybe_text("note") or "",
        files=_unchanged_files(document),
        edges=tuple(_edge(edge) for edge in document.objects("edges")),
        removed_ms=document.number("removed_ms"),
        moved_ms=document.number("moved_ms"),
        events=tuple(_measured(event) for event in document.objects("events")),
        init_ratio=overall.maybe_number("init_ratio"),
        init_plus_first_ratio=overall.maybe_number("init_plus_first_ratio"),
        distributions=tuple(_distribution(it) for it in document.objects("distributions")),
        profile=_profile(document),
        lock=document.maybe_text("lock"),
    )


def _unchanged_files(document: Fields) -> int:
    """How many files were compared and found as they were; 0 where one was not, or none was."""
    if "files" not in document:
        return 0
    files = document.object("files")
    return 0 if files.texts("changed") else files.integer("checked")


def _profile(document: Fields) -> Run | None:
    if "profile" not in document:
        return None
    profile = document.object("profile")
    if profile.text("schema") != PROFILE_SCHEMA:
        raise UsageError(
            f"no page can be made of this document: profile.schema is {profile.text('schema')!r}, "
            f"not {PROFILE_SCHEMA!r}"
        )
    return read_run(profile)


def _edge(edge: Fields) -> Edge:
    return Edge(
        importer=edge.text("importer"),
        edge=edge.text("edge"),
        line=edge.maybe_integer("line"),
        state=edge.text("state"),
        reason=edge.maybe_text("reason") or "",
        used=edge.maybe_text("used") or "",
        used_by=edge.maybe_text("used_by") or "",
        ms=edge.maybe_number("ms"),
    )


def _measured(event: Fields) -> Measured:
    metrics, samples = event.object("metrics"), event.object("samples")
    taken = {role: samples.objects(role) for role in ROLES}
    modules = event.object("modules")
    return Measured(
        event=event.text("event"),
        answers_equal=bool(event.maybe_flag("answers_equal")),
        metrics=tuple(
            _metric(name, metrics.object(name), taken)
            for name in metrics.names()
            if name in metrics
        ),
        modules={role: modules.integer(role) for role in ROLES},
    )


def _metric(name: str, metric: Fields, taken: Mapping[str, list[Fields]]) -> Metric:
    return Metric(
        name=name,
        spreads={role: _spread(metric.object(role)) for role in ROLES},
        samples={
            role: tuple(
                value for one in taken[role] if (value := one.maybe_number(name)) is not None
            )
            for role in ROLES
        },
        ratio=_spread(metric.object("ratio")) if "ratio" in metric else None,
    )


def _spread(spread: Fields) -> Spread:
    return Spread(*(spread.number(name) for name in ("median", "low", "high")))


def _distribution(it: Fields) -> Distribution:
    return Distribution(
        name=it.text("name"),
        version=it.maybe_text("version") or "",
        ms=it.maybe_number("ms"),
        mb=it.maybe_number("mb"),
        disk_mb=it.maybe_number("disk_mb"),
        modules=it.maybe_integer("modules"),
        modules_planned=it.maybe_integer("modules_planned"),
    )
