"""What a trial showed, read from its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from coldcache.tools.profile.record import Import, Totals, read_records

from .edges import Edge

__all__ = ["Call", "Fault", "Outcome", "Raised", "Row", "State"]

State = Literal["eager", "fixed", "bound", "pending", "resolved", "failed"]


@dataclass(frozen=True)
class Raised:
    """One exception of a chain.

    Attributes:
        type: Name of its class.
        message: Its text.
        names: Names it tells: of a module, or an attribute.
        notes: What was added to it.
        frames: Module, file and line of its traceback, from the outermost in.
    """

    type: str
    message: str
    names: tuple[str, ...]
    notes: tuple[str, ...]
    frames: tuple[tuple[str, str, int], ...]

    @classmethod
    def read_chain(cls, data: Sequence[Mapping[str, Any]]) -> tuple[Raised, ...]:
        """Read what a trial wrote about an exception and those behind it."""
        return tuple(
            cls(
                one["type"],
                one["message"],
                tuple(one["names"]),
                tuple(one["notes"]),
                tuple((module, file, line or 0) for module, file, line in one["frames"]),
            )
            for one in data
        )


@dataclass(frozen=True)
class Fault:
    """An error as the runtime client reports it, and the exceptions behind it."""

    type: str
    message: str
    trace: tuple[str, ...] = ()
    chain: tuple[Raised, ...] = ()

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type

    @classmethod
    def read(cls, data: Mapping[str, Any] | None) -> Fault | None:
        """Read an error; `None` stays `None`."""
        if data is None:
            return None
        chain = Raised.read_chain(data["chain"])
        return cls(data["type"], data["message"], tuple(data["trace"]), chain)


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        answer: What the runtime client would have sent; empty when it failed.
        kind: ``json`` or ``bytes``.
        fault: The error, or `None`.
        logs: Logger, level and message of each record from WARNING upwards.
        chains: Exceptions that were logged with these.
        warnings: Category and text of each warning shown.
        warned_by: The file each of them is about.
        ms: From the event to the answer.
    """

    answer: str = field(repr=False)
    kind: str
    fault: Fault | None
    logs: tuple[tuple[str, str, str], ...] = field(repr=False)
    chains: tuple[Raised, ...] = field(repr=False)
    warnings: tuple[str, ...] = field(repr=False)
    warned_by: tuple[str, ...] = field(repr=False)
    handed_ns: int = 0
    answered_ns: int = 0

    @property
    def ms(self) -> float:
        """From the event to the answer."""
        return (self.answered_ns - self.handed_ns) / 1e6

    @classmethod
    def read(cls, data: Mapping[str, Any]) -> Call:
        """Read one finished call."""
        logs = data.get("logs", ())
        warnings = data.get("warnings", ())
        return cls(
            answer=data.get("answer") or "",
            kind=data.get("kind", ""),
            fault=Fault.read(data.get("error")),
            logs=tuple((name, level, text) for name, level, text, _ in logs),
            chains=tuple(one for log in logs for one in Raised.read_chain(log[3])),
            warnings=tuple(text for text, _ in warnings),
            warned_by=tuple(file for _, file in warnings),
            handed_ns=data["handed_ns"],
            answered_ns=data.get("answered_ns", data["handed_ns"]),
        )


@dataclass(frozen=True)
class Row:
    """What became of one edge.

    Attributes:
        edge: Which one.
        state: At the end of the trial.
        at_init: At the end of init, `None` where it had not run yet.
        at_first: At the first answer, likewise.
        line: Of the statement.
        used_by: File and line of the first use, where it was deferred and used.
    """

    edge: Edge
    state: State
    at_init: State | None
    at_first: State | None
    line: int
    used_by: str | None


@dataclass(frozen=True)
class Outcome:
    """A finished trial.

    Attributes:
        how: How the process ended before it could say anything; empty when it did.
        fault: Why the function could not be imported, or how it ended its process.
        calls: In order; the last may have failed.
        rows: Edges in the order in which they ran, those of the function only.
        failures: Edges through whose resolution an exception passed, innermost first.
        failed_imports: Edges whose import raised, deferred or not, innermost first, with what.
        registries: The interpreter's registries at the end.
        effects: Which module changed which entry, by category and key, where that was asked.
        modules_init: Names of the loaded modules when init was over.
        modules_first: The same at the first answer.
        modules: The same at the end.
        origins: Files of the modules, where asked.
        fingerprints: Fingerprints of modules, where asked.
        imports: What the tracer saw, where it was there.
        replaced: What somebody put in the place of ``builtins.__import__``, if anybody did.
        init_ms: From the spawn to the first request for an event.
        peak_bytes: Largest resident set.
        tail: The end of its output, where it ended without a word.
    """

    how: str = ""
    fault: Fault | None = None
    calls: tuple[Call, ...] = ()
    rows: tuple[Row, ...] = field(default=(), repr=False)
    failures: tuple[Edge, ...] = ()
    failed_imports: tuple[tuple[Edge, tuple[Raised, ...]], ...] = field(default=(), repr=False)
    registries: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    effects: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    modules_init: frozenset[str] = field(default=frozenset(), repr=False)
    modules_first: frozenset[str] = field(default=frozenset(), repr=False)
    modules: frozenset[str] = field(default=frozenset(), repr=False)
    origins: Mapping[str, str] = field(default_factory=dict, repr=False)
    fingerprints: Mapping[str, int] = field(default_factory=dict, repr=False)
    imports: tuple[Import, ...] = field(default=(), repr=False)
    totals: Totals = field(default=Totals(), repr=False)
    enabled: bool = True
    replaced: str = ""
    spawned_ns: int = 0
    init_ns: int = 0
    peak_bytes: int = 0
    tail: str = field(default="", repr=False)

    @property
    def init_ms(self) -> float:
        """From the spawn to the first request for an event."""
        return (self.init_ns - self.spawned_ns) / 1e6

    @property
    def first_ms(self) -> float:
        """From the spawn to the first answer, without what the trial itself took."""
        return self.init_ms + (self.calls[0].ms if self.calls else 0.0)

    @property
    def error(self) -> Fault | None:
        """What went wrong first, if anything did."""
        if self.fault is not None:
            return self.fault
        return next((call.fault for call in self.calls if call.fault is not None), None)

    @classmethod
    def read(
        cls, data: Mapping[str, Any], how: str, spawned_ns: int, lines: list[str], tail: str
    ) -> Outcome:
        """Read what a trial wrote.

        Args:
            data: Its result, empty where there is none.
            how: How the process ended in that case.
            spawned_ns: When it was started.
            lines: What the tracer wrote.
            tail: The end of its output.
        """
        imports, totals = read_records(lines)
        return cls(
            how=how,
            fault=Fault.read(data.get("init_error") or data.get("exit")),
            calls=tuple(Call.read(one) for one in data.get("calls", ()) if "answered_ns" in one),
            rows=_rows(data),
            failures=tuple(Edge(*pair) for pair in data.get("failures", ())),
            failed_imports=tuple(
                (Edge(importer, text), Raised.read_chain(chain))
                for importer, text, chain in data.get("failed_imports", ())
            ),
            registries=data.get("registries", {}),
            effects={(kind, key): by for kind, key, by in data.get("effects", ())},
            modules_init=frozenset(data.get("modules_init") or ()),
            modules_first=frozenset(data.get("modules_first") or ()),
            modules=frozenset(data.get("modules") or ()),
            origins=data.get("origins", {}),
            fingerprints=data.get("fingerprints", {}),
            imports=tuple(imports),
            totals=totals,
            enabled=data.get("enabled", True),
            replaced=data.get("replaced", ""),
            spawned_ns=spawned_ns,
            init_ns=data.get("init_ns", spawned_ns),
            peak_bytes=(data.get("peak_kb") or 0) * 1024,
            tail=tail,
        )


def _rows(data: Mapping[str, Any]) -> tuple[Row, ...]:
    """The rows that came after the runtime client had been loaded."""
    init, first = data.get("rows_init") or (), data.get("rows_first") or ()
    rows = []
    for place, (importer, text, state, line, use) in enumerate(data.get("rows", ())):
        if place < data["before"]:
            continue
        at_init = init[place] if place < len(init) else None
        at_first = first[place] if place < len(first) else None
        rows.append(Row(Edge(importer, text), state, at_init, at_first, line, use))
    return tuple(rows)
