"""What a plan rests on: the distributions its modules come from, and the function's own code."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from importlib.metadata import Distribution
from pathlib import Path

from coldcache._lock import Lock
from coldcache.tools.lab.target import Target
from coldcache.tools.profile.installation import Installation

from .edges import Edge, by_importer

__all__ = ["Sources", "make_lock"]


class Sources:
    """Which distribution the modules of a function come from.

    Args:
        installation: Where the interpreter looks for modules.
        origins: File of each module.
    """

    def __init__(self, installation: Installation, origins: Mapping[str, str]) -> None:
        self._installation = installation
        self._origins = origins
        self._owners = _owners(installation.path)

    def own(self, modules: Iterable[str]) -> list[str]:
        """Those that belong to no distribution: the function's own ones."""
        return [name for name in modules if not self._folder(name) and self._is_file(name)]

    def requires(self, modules: Iterable[str]) -> frozenset[str]:
        """Names of the ``.dist-info`` folders of the distributions that they come from."""
        return frozenset(filter(None, map(self._folder, modules)))

    def _folder(self, module: str) -> str:
        origin = self._origins.get(module, "")
        return self._owners.get(os.path.normpath(origin), "") if origin else ""

    def _is_file(self, module: str) -> bool:
        """Whether it is a file that does not belong to the interpreter."""
        origin = self._origins.get(module, "")
        if not os.path.isabs(origin):
            return False
        holders = [path for path in self._installation.path if _is_below(origin, path)]
        return max(holders, key=len, default="") not in self._installation.stdlib


def make_lock(
    target: Target,
    minor: tuple[int, int],
    edges: Collection[Edge],
    sources: Sources,
    fingerprints: Mapping[str, int],
) -> Lock:
    """The lock of a verified plan.

    Args:
        target: The function.
        minor: Of the Python it was verified on.
        edges: What is deferred.
        sources: Where modules come from.
        fingerprints: Of the function's own modules that import something deferred.
    """
    touched = {edge.importer for edge in edges}.union(*(edge.targets for edge in edges))
    return Lock(
        target=target.handler,
        python=f"{minor[0]}.{minor[1]}",
        requires=sources.requires(touched),
        edges=by_importer(edges),
        fingerprints=dict(fingerprints),
    )


def _owners(path: Iterable[str]) -> dict[str, str]:
    """Files of all distributions, with the folder of their metadata; the first found counts."""
    owners: dict[str, str] = {}
    for entry in path:
        for folder in sorted(Path(entry).glob("*.dist-info")):
            found = Distribution.at(folder)
            for file in found.files or ():
                owners.setdefault(os.path.normpath(str(found.locate_file(file))), folder.name)
    return owners


def _is_below(path: str, folder: str) -> bool:
    return bool(folder) and path.startswith(folder.rstrip(os.sep) + os.sep)
