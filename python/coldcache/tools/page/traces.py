"""The document of ``coldcache profile``, read: for each event the imports and their sums."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, get_args

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.profile.distributions import Share
from coldcache.tools.profile.record import Import, Phase
from coldcache.tools.profile.tree import Tree

from .fields import Fields

__all__ = ["IMPORT_LIMIT", "PHASES", "SCHEMA", "Run", "Trace", "read_run"]

SCHEMA = "coldcache-profile"
PHASES: tuple[Phase, ...] = get_args(Phase)

IMPORT_LIMIT = 12_000
"""Imports on one page. More would make it slow to open; those that took least are left out."""


@dataclass(frozen=True)
class Trace:
    """One process, or one text of ``-X importtime``.

    Attributes:
        event: Name of the event, empty without one.
        imports: In the order in which they began.
        left_out: How many more there were.
        init_ms: From spawn to the end of init; ``None`` in a text.
        start_ms: The part of it before the first import could be seen.
        call_ms: Time of each call.
        all_init_ms: ``init_ms`` of all processes.
        tracer_ms: What the tracer took itself.
        shares: Sums by distribution.
    """

    event: str
    imports: tuple[Import, ...]
    left_out: int = 0
    init_ms: float | None = None
    start_ms: float = 0.0
    call_ms: tuple[float, ...] = ()
    all_init_ms: tuple[float, ...] = ()
    tracer_ms: float = 0.0
    shares: tuple[Share, ...] = ()

    def during(self, phase: Phase) -> Tree:
        """The imports of one phase."""
        return Tree([one for one in self.imports if one.phase == phase])

    def loaded(self, phase: Phase) -> int:
        """How many modules a phase loaded."""
        unloaded = {"failed", "shared"}
        return sum(one.phase == phase and one.kind not in unloaded for one in self.imports)

    @property
    def resident_bytes(self) -> int | None:
        """Growth of the process during all imports."""
        grown = [
            one.resident_bytes
            for phase in PHASES
            for one in self.during(phase).roots
            if one.resident_bytes is not None
        ]
        return sum(grown) if grown else None


@dataclass(frozen=True)
class Run:
    """A profile's document.

    Attributes:
        target: ``FOLDER:module.handler``, empty where a text was read.
        machine: Facts on the place, by name.
        started_at: When, in ISO 8601.
        elapsed_s: How long it took, all in all.
        runs: Processes that count for each event.
        traces: One for each event.
        cached: Times that a module was asked for which was there, where a text tells that.
    """

    traces: tuple[Trace, ...]
    target: str = ""
    machine: dict[str, str] = field(default_factory=dict)
    started_at: str = ""
    elapsed_s: float = 0.0
    runs: int = 0
    cached: int = 0


def read_run(document: Fields) -> Run:
    """Read a profile's document.

    Raises:
        UsageError: Something is missing or is not what it should be; the message names it.
    """
    if document.text("source") == "importtime":
        cached = document.object("cached")
        imports, left_out = _imports(document, IMPORT_LIMIT)
        return Run((Trace("", imports, left_out),), cached=sum(map(cached.integer, cached.names())))
    profiles = document.objects("profiles")
    if not profiles:
        raise UsageError("no page can be made of this document: profiles is empty")
    options, limit = document.object("options"), IMPORT_LIMIT // len(profiles)
    return Run(
        traces=tuple(_trace(profile, limit) for profile in profiles),
        target=options.text("target"),
        machine=read_machine(document),
        started_at=document.text("started_at"),
        elapsed_s=document.number("elapsed_s"),
        runs=options.integer("runs"),
    )


def read_machine(document: Fields) -> dict[str, str]:
    """The facts on the machine; whichever there are."""
    machine = document.object("machine")
    known = ("cpu", "platform", "python", "awslambdaric", "coldcache")
    facts = {name: machine.text(name) for name in known if name in machine}
    if "cores" in machine:
        facts["cores"] = str(machine.integer("cores"))
    return facts


def _trace(profile: Fields, limit: int) -> Trace:
    imports, left_out = _imports(profile, limit)
    return Trace(
        event=profile.text("event"),
        imports=imports,
        left_out=left_out + profile.integer("dropped"),
        init_ms=profile.number("init_ms"),
        start_ms=profile.number("start_ms"),
        call_ms=profile.numbers("call_ms"),
        all_init_ms=profile.numbers("all_init_ms"),
        tracer_ms=profile.number("tracer_ms"),
        shares=tuple(_share(share) for share in profile.objects("distributions")),
    )


def _share(share: Fields) -> Share:
    self_ms = share.object("self_ms")
    by_phase: dict[Phase, float] = {
        phase: self_ms.number(phase) for phase in PHASES if phase in self_ms
    }
    return Share(
        name=share.text("name"),
        version=share.text("version"),
        modules=share.integer("modules"),
        self_ms=by_phase,
        resident_bytes=share.maybe_integer("resident_bytes"),
        disk_bytes=share.maybe_integer("disk_bytes"),
    )


def _imports(document: Fields, limit: int) -> tuple[tuple[Import, ...], int]:
    found = [_import(one) for one in document.objects("imports")]
    # Nothing outlasts what it is inside of, so those that are kept hang together.
    kept = sorted(found, key=lambda one: (-one.total_ns, one.id))[:limit]
    return tuple(sorted(kept, key=lambda one: one.id)), len(found) - len(kept)


def _import(one: Fields) -> Import:
    facts: dict[str, Any] = {
        **{name: one.integer(name) for name in ("id", "start_ns", "end_ns", "nested_ns")},
        **{name: one.maybe_integer(name) for name in ("parent", "asked_line", "resident_bytes")},
        **{name: one.maybe_text(name) for name in ("asked_by", "asked_file", "origin", "error")},
    }
    phase = one.text("phase")
    if phase not in PHASES:
        raise UsageError(f"no page can be made of this document: there is no phase {phase!r}")
    return Import(name=one.text("name"), kind=one.text("kind"), phase=phase, **facts)
