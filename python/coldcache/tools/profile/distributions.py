"""What each distribution costs: which import belongs to which, and their sums."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from .installation import Installation
from .record import Import, Phase
from .tree import Tree

__all__ = ["FUNCTION", "NOT_FOUND", "OTHER", "STDLIB", "Owners", "Share", "shares"]

FUNCTION = "(function)"
STDLIB = "(standard library)"
NOT_FOUND = "(not found)"
OTHER = "(other)"


@dataclass(frozen=True)
class Share:
    """The sum over one distribution's imports.

    Attributes:
        name: Name of the distribution, or one of the names in parentheses.
        version: Its version, empty where there is none.
        modules: How many of its modules were loaded.
        self_ms: Their own time, by phase.
        resident_bytes: Growth of the process during their own time, all phases.
        disk_bytes: Size of all its installed files, ``None`` where nothing tells which they are.
    """

    name: str
    version: str
    modules: int
    self_ms: dict[Phase, float]
    resident_bytes: int | None
    disk_bytes: int | None

    @property
    def total_ms(self) -> float:
        """Own time of all phases."""
        return sum(self.self_ms.values())


class Owners:
    """Which distribution a file belongs to, by the lists of files that installers leave."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._files: dict[str, str] = {}
        self._versions: dict[str, str] = {}
        self._disk: dict[str, int] = {}
        for found in distributions(path=list(installation.path)):
            self._note(found)

    def _note(self, found: Distribution) -> None:
        name = found.metadata["Name"]
        if not name or name in self._versions:
            return  # broken, or hidden by the one that was found first
        self._versions[name] = found.version
        for file in found.files or ():
            path = os.path.normpath(str(found.locate_file(file)))
            self._files.setdefault(path, name)

    def owner(self, one: Import) -> str:
        """The name of the distribution, or what stands in its place."""
        if one.kind in {"builtin", "frozen"}:
            return STDLIB
        if one.origin is None or not os.path.isabs(one.origin):
            return NOT_FOUND if one.kind == "failed" else OTHER
        owner = self._files.get(one.origin) or self._files.get(os.path.realpath(one.origin))
        return owner or self._place(one.origin)

    def _place(self, file: str) -> str:
        """What a file belongs to that no installer has noted."""
        places = (path for path in self._installation.path if _is_below(file, path))
        if max(places, key=len, default="") in self._installation.stdlib:
            return STDLIB
        return FUNCTION if _is_below(file, self._installation.folder) else OTHER

    def version(self, name: str) -> str:
        """The version of a distribution, empty for what is none."""
        return self._versions.get(name, "")

    def disk_bytes(self, name: str) -> int | None:
        """The size of the files of a distribution, or of the function's own ones."""
        if name == FUNCTION:
            return sum(map(_size, self._own_files()))
        if name not in self._versions:
            return None
        files = [path for path, owner in self._files.items() if owner == name]
        return sum(map(_size, files)) if files else None

    def _own_files(self) -> Iterable[str]:
        for folder, _, names in os.walk(self._installation.folder):
            paths = (os.path.join(folder, name) for name in names)
            yield from (path for path in paths if path not in self._files)


def shares(tree: Tree, owners: Owners) -> tuple[Share, ...]:
    """The sums, the most expensive distribution first."""
    grouped: defaultdict[str, list[Import]] = defaultdict(list)
    for one in tree.imports:
        grouped[owners.owner(one)].append(one)
    found = [_share(name, own, tree, owners) for name, own in grouped.items()]
    return tuple(sorted(found, key=lambda share: -share.total_ms))


def _share(name: str, own: Sequence[Import], tree: Tree, owners: Owners) -> Share:
    self_ms: dict[Phase, float] = {}
    for one in own:
        self_ms[one.phase] = self_ms.get(one.phase, 0.0) + one.self_ns / 1e6
    grown = [size for one in own if (size := tree.self_resident_bytes(one)) is not None]
    return Share(
        name=name,
        version=owners.version(name),
        modules=len({one.name for one in own if one.kind not in {"failed", "shared"}}),
        self_ms=self_ms,
        resident_bytes=sum(grown) if grown else None,
        disk_bytes=owners.disk_bytes(name),
    )


def _is_below(path: str, folder: str) -> bool:
    return bool(folder) and path.startswith(folder.rstrip(os.sep) + os.sep)


def _size(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
