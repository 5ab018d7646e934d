"""From two observed processes to what one of them adds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coldcache.tools.profile.distributions import FUNCTION, NOT_FOUND, OTHER, STDLIB, Owners
from coldcache.tools.profile.record import Import

from .places import Places
from .startup import Counts, Module

__all__ = ["Process", "added"]


@dataclass(frozen=True)
class Process:
    """What one case did until its start had ended, seen in two processes.

    Attributes:
        imports: What the tracer saw, in the order in which imports began.
        init_ns: When init ended in the traced process.
        names: What was asked for in the one without a tracer, in vain or not.
        names_at_init: Those of them at the end of init.
        files: Size in bytes of the files it opened, by path.
        mapped: The same of those that are mapped into it.
    """

    imports: Sequence[Import]
    init_ns: int
    names: frozenset[str]
    names_at_init: frozenset[str]
    files: Mapping[str, int]
    mapped: Mapping[str, int]

    @property
    def loaded(self) -> dict[str, Import]:
        """The first import of each module that was loaded."""
        found: dict[str, Import] = {}
        for one in self.imports:
            if one.kind != "failed":
                found.setdefault(one.name, one)
        return found

    @property
    def unseen(self) -> frozenset[str]:
        """Modules that were there before the tracer was: the interpreter's, and its own."""
        return self.names - {one.name for one in self.imports}


def added(own: Process, bare: Process, *, python: str, owners: Owners, places: Places) -> Counts:
    """What a function adds to the empty one.

    Args:
        own: The function.
        bare: The empty one, under the same conditions.
        python: Version of the interpreter.
        owners: Which distribution a file belongs to.
        places: Names of files.
    """
    theirs = bare.names | set(bare.loaded)
    modules: dict[str, Module] = {}
    versions: dict[str, str] = {}
    for name, one in own.loaded.items():
        if name in theirs:
            continue
        package = owners.owner(one)
        if package not in {FUNCTION, NOT_FOUND, OTHER, STDLIB}:
            versions[package] = owners.version(package)
        modules[name] = Module(
            name=name,
            # Which of the two it was depends on the bytecode cache.
            kind="python" if one.kind in {"source", "bytecode"} else one.kind,
            is_at_init=one.start_ns < own.init_ns,
            package=package,
            asked_by=one.asked_by,
            asked_file=places.name(one.asked_file) if one.asked_file else None,
            asked_line=one.asked_line,
        )
    for name in own.unseen - theirs:
        is_at_init = name in own.names_at_init
        modules[name] = Module(name, _kind(name, own.mapped), is_at_init, OTHER, None, None, None)
    # The system's shared libraries are other ones on every machine, and nobody's to choose.
    mapped = {path: size for path, size in own.mapped.items() if places.holds(path)}
    files = {
        path: size
        for path, size in {**mapped, **own.files}.items()
        if path not in bare.files and path not in bare.mapped
    }
    return Counts(
        python=python,
        modules=dict(sorted(modules.items())),
        client_modules=frozenset(theirs),
        files=places.names(files),
        versions=dict(sorted(versions.items())),
    )


def _kind(module: str, mapped: Mapping[str, int]) -> str:
    """The kind of a module that the tracer did not see, by the shared libraries that are mapped."""
    library = re.compile(rf"/{module.replace('.', '/')}\.[^/]*so$")
    return "extension" if any(library.search(path) for path in mapped) else "python"
