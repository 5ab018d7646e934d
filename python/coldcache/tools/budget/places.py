"""Names of files that mean the same on every machine: without what stands before the installation.

A file of the function is named as its user names it, from the project on; one of a package from the
folder on in which packages lie.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["Places"]


class Places:
    """The folders that names begin in.

    Args:
        function: The function folder.
        project: The folder that its user names it from.
        search_path: Where the interpreter looks for modules.
        pycache: Folder of bytecode, in which all those folders are repeated.
    """

    def __init__(
        self, function: Path, *, project: Path, search_path: Iterable[str], pycache: Path
    ) -> None:
        own = Path(os.path.realpath(function))
        root = Path(os.path.realpath(project))
        prefix = f"{own.relative_to(root)}/" if own.is_relative_to(root) else f"{own.name}/"
        folders = {os.path.realpath(entry): "" for entry in search_path if entry}
        folders[str(own)] = "" if prefix == "./" else prefix
        cached = os.path.realpath(pycache)
        # The innermost folder names a file: packages may lie inside of the function.
        self._folders = sorted(
            {**folders, **{f"{cached}{at}": name for at, name in folders.items()}}.items(),
            key=lambda folder: -len(folder[0]),
        )

    def name(self, path: str) -> str:
        """The name of a file; an absolute path where it is in none of the folders."""
        path = os.path.realpath(path) if os.path.isabs(path) else path
        for folder, prefix in self._folders:
            if path.startswith(f"{folder}{os.sep}"):
                return prefix + path[len(folder) + 1 :]
        return path

    def holds(self, path: str) -> bool:
        """Whether a file is in one of the folders."""
        return not os.path.isabs(self.name(path))

    def names(self, sizes: Mapping[str, int]) -> dict[str, int]:
        """Sizes by name instead of path; where two would share a name, one keeps its path."""
        named: dict[str, int] = {}
        for path, size in sorted(sizes.items()):
            name = self.name(path)
            named[path if name in named else name] = size
        return named
