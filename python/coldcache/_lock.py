"""``coldcache.lock``: which imports are deferred, and for which code that was verified.

A text file, one fact a line, that reads well in a diff. The last line tells how many imports there
are and a number made of all lines before it, so that a file that was cut off or edited is noticed.
"""

from __future__ import annotations

import os
import stat
import sys

from coldcache._core import _digest
from coldcache.exceptions import PlanError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["Lock"]

_FIRST = "coldcache.lock 1"
_COMMENT = "# Imports that wait until they are used. Verified and written by: coldcache optimize"
_LARGEST = 16 * 2**20


class Lock:
    """A verified set of deferred imports.

    Args:
        target: The handler it was verified for, as ``module.function``.
        python: The CPython it was verified on, as ``3.11``.
        requires: Names of the ``.dist-info`` folders of the distributions it rests on.
        edges: For each importing module what it imports: ``a.b``, or ``m:x,y`` for names of ``m``.
        fingerprints: Numbers of the bytecode of importing modules that belong to no distribution.
    """

    __slots__ = ("edges", "fingerprints", "python", "requires", "target")

    def __init__(
        self,
        *,
        target: str,
        python: str,
        requires: Iterable[str],
        edges: Mapping[str, Iterable[str]],
        fingerprints: Mapping[str, int],
    ) -> None:
        self.target = target
        self.python = python
        self.requires = tuple(sorted(requires))
        self.edges = {module: tuple(sorted(edges[module])) for module in sorted(edges)}
        self.fingerprints = dict(sorted(fingerprints.items()))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Lock:
        """The lock in a file.

        Args:
            path: Where the file is.

        Raises:
            PlanError: There is no such file, it cannot be read, or it is no whole lock. The
                message names the file and what would do.
        """
        try:
            # A pipe would be waited for.
            with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
                is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
                data = file.read(_LARGEST + 1) if is_file else b""
        except OSError as error:
            message = f"cannot read {os.fspath(path)!r}: {error.strerror}"
            raise PlanError(message) from None
        if not is_file:
            message = f"{os.fspath(path)!r} is no coldcache.lock: it is no regular file"
            raise PlanError(message)
        if len(data) > _LARGEST:
            message = f"{os.fspath(path)!r} is no coldcache.lock: it is larger than 16 MiB"
            raise PlanError(message)
        try:
            return cls.parse(data.decode())
        except UnicodeDecodeError:
            message = f"{os.fspath(path)!r} is no coldcache.lock: it is not text"
            raise PlanError(message) from None
        except PlanError as error:
            message = f"{os.fspath(path)!r}: {error}"
            raise PlanError(message) from None

    @classmethod
    def parse(cls, text: str) -> Lock:
        """The lock that a text holds.

        Args:
            text: What `text()` returned.

        Raises:
            PlanError: The text is no whole lock.
        """
        body, _, last = text.rstrip("\n").rpartition("\n")
        lines = body.split("\n")
        if not text.startswith(_FIRST + "\n"):
            message = f"no coldcache.lock of this version: the first line is not {_FIRST!r}"
            raise PlanError(message)
        facts: dict[str, str] = {}
        requires: list[str] = []
        edges: dict[str, list[str]] = {}
        fingerprints: dict[str, int] = {}
        imports: list[str] | None = None
        for line in lines[1:]:
            if line[:1] == " " and imports is not None:
                imports.append(line[1:])
                continue
            kind, _, value = line.partition(" ")
            if kind == "module":
                module, _, number = value.partition(" ")
                imports = edges.setdefault(module, [])
                if number:
                    fingerprints[module] = _number(number, line)
            elif kind == "requires":
                requires.append(value)
            elif kind in ("target", "python"):
                facts[kind] = value
            elif kind != "#":
                raise PlanError(_damaged(line))
        count = sum(map(len, edges.values()))
        if last != _end(body, count) or len(facts) != 2:
            message = (
                "coldcache.lock is cut off or was edited: its last line does not fit the rest; "
                "run coldcache optimize again"
            )
            raise PlanError(message)
        # In order already: a lock is read at every cold start, and written once.
        lock = cls.__new__(cls)
        lock.target, lock.python = facts["target"], facts["python"]
        lock.requires = tuple(requires)
        lock.edges = {module: tuple(imports) for module, imports in edges.items()}
        lock.fingerprints = fingerprints
        return lock

    def text(self) -> str:
        """The file's text."""
        lines = [_FIRST, _COMMENT, f"target {self.target}", f"python {self.python}"]
        lines += [f"requires {name}" for name in self.requires]
        for module, imports in self.edges.items():
            number = self.fingerprints.get(module)
            lines.append(f"module {module}" + ("" if number is None else f" {number:016x}"))
            lines += [f" {edge}" for edge in imports]
        body = "\n".join(lines)
        return f"{body}\n{_end(body, sum(map(len, self.edges.values())))}\n"

    def misfit(self, path: Iterable[str] | None = None) -> str | None:
        """Why the lock does not fit this interpreter and what is installed; ``None`` if it does.

        Args:
            path: Folders in which distributions are looked for; `sys.path` by default.
        """
        here = f"{sys.version_info[0]}.{sys.version_info[1]}"
        if sys.implementation.name != "cpython" or here != self.python:
            this = f"{sys.implementation.name} {here}"
            return f"it was made for CPython {self.python}, and this is {this}"
        folders = [folder or "." for folder in (sys.path if path is None else path)]
        for name in self.requires:
            if not any(os.path.exists(f"{folder}/{name}") for folder in folders):
                distribution = name.removesuffix(".dist-info")
                return f"it was made with {distribution}, which is not installed here"
        return None


def _end(body: str, count: int) -> str:
    return f"end {count} {_digest(body.encode()):016x}"


def _number(text: str, line: str) -> int:
    try:
        return int(text, 16)
    except ValueError:
        raise PlanError(_damaged(line)) from None


def _damaged(line: str) -> str:
    return f"coldcache.lock is damaged: {line[:80]!r} has no meaning; run coldcache optimize again"
