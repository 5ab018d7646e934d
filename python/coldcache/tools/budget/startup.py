"""What the start of a function was counted to be: what it adds to a bare runtime client."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coldcache.tools.lab.summary import Ratio

__all__ = ["Counts", "Module", "Startup"]


@dataclass(frozen=True)
class Module:
    """A module that the function added.

    Attributes:
        name: Its full name.
        kind: ``python``, ``extension``, ``builtin``, ``frozen``, ``namespace``, ``shared`` or
            ``other``.
        is_at_init: Whether it was there at the end of init, or came with the first call.
        package: Name of the distribution, or ``(function)``, ``(standard library)``, ``(other)``.
        asked_by: Module that asked for it first, or ``None`` where that is not known.
        asked_file: File of that statement.
        asked_line: Its line.
    """

    name: str
    kind: str
    is_at_init: bool
    package: str
    asked_by: str | None
    asked_file: str | None
    asked_line: int | None


@dataclass(frozen=True)
class Counts:
    """What does not depend on the machine's mood.

    Attributes:
        python: Version of the interpreter, for example ``3.11.7``.
        modules: What was added, by name.
        client_modules: Names of what the interpreter and the bare client load themselves.
        files: Size in bytes of the files that were opened on top, by name.
        versions: Version of the distributions that modules were added from, by name.
    """

    python: str
    modules: Mapping[str, Module]
    client_modules: frozenset[str]
    files: Mapping[str, int]
    versions: Mapping[str, str]

    def to_document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "python": self.python,
            "modules": [dataclasses.asdict(one) for one in self.modules.values()],
            "client_modules": sorted(self.client_modules),
            "files": dict(self.files),
            "versions": dict(self.versions),
        }

    @classmethod
    def of_document(cls, document: Mapping[str, Any]) -> Counts:
        """What :meth:`to_document` made."""
        modules = [Module(**one) for one in document["modules"]]
        return cls(
            python=document["python"],
            modules={one.name: one for one in modules},
            client_modules=frozenset(document["client_modules"]),
            files=document["files"],
            versions=document["versions"],
        )

    def both(self, other: Counts) -> Counts:
        """What is in two counts of one function: what came by chance in one of them is left out."""
        return dataclasses.replace(
            self,
            modules={name: one for name, one in self.modules.items() if name in other.modules},
            files={
                name: min(size, other.files[name])
                for name, size in self.files.items()
                if name in other.files
            },
        )


@dataclass(frozen=True)
class Startup:
    """The start of one function, from spawn to the end of init, or to the first answer.

    All counts are what the function adds to a runtime client whose handler does nothing.

    Attributes:
        function: As the user wrote it.
        until: ``init``, or ``first answer`` where an event is given.
        counts: The exact part.
        memory_bytes: Peak resident memory, the lowest of some processes; ``None`` if not counted.
        instructions: Instructions of the process; ``None`` if not counted.
        time_ratio: Time by that of the bare client, with an interval of 95 %; ``None`` if not
            measured.
        not_counted: Why a figure is missing although it was asked for, by the name of its limit.
    """

    function: str
    until: str
    counts: Counts
    memory_bytes: int | None = None
    instructions: int | None = None
    time_ratio: Ratio | None = None
    not_counted: Mapping[str, str] = field(default_factory=dict)

    @property
    def modules(self) -> Mapping[str, Module]:
        """The added modules, by name."""
        return self.counts.modules

    @property
    def modules_at_init(self) -> frozenset[str]:
        """Names of those that were there at the end of init."""
        return frozenset(name for name, one in self.modules.items() if one.is_at_init)

    @property
    def extension_modules(self) -> tuple[str, ...]:
        """Names of those that are shared libraries."""
        return tuple(name for name, one in self.modules.items() if one.kind == "extension")

    @property
    def files(self) -> Mapping[str, int]:
        """Size in bytes of the files that were opened on top, by name."""
        return self.counts.files

    @property
    def bytes_read(self) -> int:
        """Their sum: what had to be fetched from a cold disk at most."""
        return sum(self.files.values())
