"""The committed baseline: what was counted when somebody said that it was well.

A text that changes only where the counts do: sorted, a module a line, no paths of a machine, no
times, no memory. Each minor version of Python has an entry of its own, so that one file serves all
versions that a project is tested with.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.private_file import write_private

from .startup import Startup

__all__ = ["SCHEMA_VERSION", "Baseline", "Entry", "minor"]

SCHEMA = "coldcache-budget"
SCHEMA_VERSION = 1
_READABLE = 0o644


@dataclass(frozen=True)
class Entry:
    """What one start was counted to be with one minor version of Python.

    Attributes:
        python: The version in full.
        until: ``init`` or ``first answer``.
        counts: By name of the limit.
        packages: Versions of the distributions that modules came from.
        modules: Names of all modules.
    """

    python: str
    until: str
    counts: Mapping[str, int]
    packages: Mapping[str, str]
    modules: frozenset[str]

    @classmethod
    def of(cls, startup: Startup) -> Entry:
        """The entry that a start makes."""
        return cls(
            python=startup.counts.python,
            until=startup.until,
            counts={
                "modules": len(startup.modules),
                "extension_modules": len(startup.extension_modules),
                "files": len(startup.files),
                "bytes": startup.bytes_read,
            },
            packages=startup.counts.versions,
            modules=frozenset(startup.modules),
        )

    def to_document(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "python": self.python,
            "until": self.until,
            "counts": dict(self.counts),
            "packages": dict(sorted(self.packages.items())),
            "modules": sorted(self.modules),
        }

    def changed_packages(self, now: Entry) -> list[str]:
        """In words, which distributions have another version now, the interpreter included."""
        then_all = {"Python": self.python, **self.packages}
        now_all = {"Python": now.python, **now.packages}
        return [
            f"{name} {then_all[name]} -> {version}"
            for name, version in now_all.items()
            if then_all.get(name, version) != version
        ]


class Baseline:
    """The file.

    Args:
        budgets: Function and entries by name of the budget; entries by minor version.
    """

    def __init__(self, budgets: dict[str, dict[str, Any]] | None = None) -> None:
        self._budgets = budgets or {}

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """Read a file; one that is not there holds nothing.

        Raises:
            UsageError: It is not a baseline, or one of a later version of coldcache.
        """
        how = "write it anew with: coldcache budget --update"
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        except OSError as error:
            raise UsageError(
                f"the baseline {str(path)!r} cannot be read: {error.strerror}"
            ) from None
        except ValueError as error:
            raise UsageError(f"the baseline {str(path)!r} is not JSON ({error}); {how}") from None
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise UsageError(f"{str(path)!r} is not a baseline of startup budgets; {how}")
        if document.get("schema_version") != SCHEMA_VERSION:
            raise UsageError(
                f"the baseline {str(path)!r} has version {document.get('schema_version')}, this "
                f"coldcache reads {SCHEMA_VERSION}; {how}"
            )
        baseline = cls(document.get("budgets"))
        try:
            for name, python in baseline._places():
                baseline._entry(name, python)
        except (LookupError, TypeError, AttributeError, ValueError):
            raise UsageError(f"the baseline {str(path)!r} lacks fields; {how}") from None
        return baseline

    def write(self, path: Path) -> None:
        """Write the file, all of it or nothing.

        Raises:
            UsageError: It cannot be written.
        """
        document = {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "budgets": {name: self._budgets[name] for name in sorted(self._budgets)},
        }
        text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
        write_private(text, path, option="the baseline")
        os.chmod(path, _READABLE)  # it is meant to be committed and holds nothing private

    def entry(self, name: str, function: str, python: str) -> Entry | None:
        """The entry of a function under the minor version of *python*, if there is one."""
        found = self._budgets.get(name)
        if found is None or found["function"] != function:
            found = next((it for it in self._budgets.values() if it["function"] == function), None)
        if found is None or minor(python) not in found["pythons"]:
            return None
        [place] = [name for name, it in self._budgets.items() if it is found]
        return self._entry(place, minor(python))

    def versions(self, name: str) -> list[str]:
        """The minor versions of Python that a budget has entries for."""
        return sorted(self._budgets.get(name, {"pythons": {}})["pythons"])

    def put(self, name: str, startup: Startup) -> None:
        """Make a start the baseline of a budget, for its version of Python."""
        entry = Entry.of(startup)
        found = self._budgets.get(name)
        known = found["pythons"] if found and found["function"] == startup.function else {}
        pythons = {**known, minor(entry.python): entry.to_document()}
        self._budgets[name] = {
            "function": startup.function,
            "pythons": {version: pythons[version] for version in sorted(pythons)},
        }

    def keep(self, names: Mapping[str, Any]) -> None:
        """Drop the budgets that are no longer there."""
        self._budgets = {name: it for name, it in self._budgets.items() if name in names}

    def _places(self) -> list[tuple[str, str]]:
        return [
            (name, python)
            for name, found in self._budgets.items()
            if found["function"]
            for python in found["pythons"]
        ]

    def _entry(self, name: str, python: str) -> Entry:
        found = self._budgets[name]["pythons"][python]
        return Entry(
            python=str(found["python"]),
            until=str(found["until"]),
            counts=dict(found["counts"]),
            packages=dict(found["packages"]),
            modules=frozenset(found["modules"]),
        )


def minor(version: str) -> str:
    """``3.11`` of ``3.11.7``."""
    return ".".join(version.split(".")[:2])
