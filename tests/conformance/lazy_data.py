"""CPython 3.15's data files of lazy imports, prepared for interpreters that lack the syntax.

`lazy import x` becomes `import x`, and an edge of a plan says that the statement is deferred. Which
statements those are follows from the file itself: the keyword, `__lazy_modules__`, or a call of
`sys.set_lazy_imports`; a filter in it that says no takes them back. For each file there is an
importer besides, made here, that imports it in every form: many of them only make sense that way.
"""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "test.test_lazy_import.data"
IMPORTER = "importer_of_"
KEYWORD = re.compile(r"^(\s*)lazy (?=import |from )", re.MULTILINE)

# Files that need what only CPython 3.15 has, so that there is nothing to compare.
NOT_REPLAYED = {
    "badsyntax": "checks where the keyword is refused; here the keyword is no syntax at all",
    "dunder_lazy_import": "calls the builtin function __lazy_import__",
    "dunder_lazy_import_builtins": "calls the builtin function __lazy_import__",
    "dunder_lazy_import_used": "calls the builtin function __lazy_import__",
}
# What the modules with a `__getattr__` answer.
DYNAMIC = ["dynamic_attr", "raising_attr", "import_error_attr"]
NOT_READ = {"__lazy_modules__", "__getattr__"}


@dataclass(frozen=True)
class DataFile:
    """A file: the module it is, where it lies in the folder of data, its text."""

    module: str
    path: Path
    source: str

    @property
    def plain(self) -> str:
        """The text without the keyword."""
        return KEYWORD.sub(r"\1", self.source)

    @property
    def names(self) -> list[str]:
        """What the module binds, and one name that it does not."""
        names = []
        for node in ast.walk(ast.parse(self.plain)):
            match node:
                case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                    names += [alias.asname or alias.name.partition(".")[0] for alias in aliases]
                case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name):
                    names.append(name)
        dynamic = DYNAMIC if "def __getattr__" in self.source else []
        return [*sorted({*names} - NOT_READ), *dynamic, "no_such_name"]

    @property
    def questions(self) -> list[str]:
        """All that is asked of the module."""
        reads = [f"{how} {name}" for name in self.names for how in ("read", "reread")]
        calls = [
            f"call {node.name}"
            for node in ast.parse(self.plain).body
            if isinstance(node, ast.FunctionDef) and not ast.unparse(node.args)
        ]
        return ["import", "look", *reads, *calls]

    @property
    def importer(self) -> DataFile:
        """A module that imports this one lazily in every form."""
        above, _, leaf = self.module.rpartition(".")
        lines = [
            f"lazy import {self.module}",
            f"lazy import {self.module} as target",
            f"lazy from {above} import {leaf} as leaf",
            f"lazy from {self.module} import x as x_of_two, no_such_name as none_of_two",
            *(f"lazy from {self.module} import {name} as own_{name}" for name in self.names),
            "def use(): return target",
            "def use_leaf(): return leaf",
            f"def use_root(): return {self.module}",
        ]
        name = IMPORTER + self.module.removeprefix(PACKAGE).strip(".").replace(".", "_")
        return DataFile(f"{PACKAGE}.{name}", Path(f"{name}.py"), "\n".join([*lines, ""]))

    def edges(self, *, everything: bool) -> list[str]:
        """The statements that 3.15 may defer, as edges of a plan."""
        tree = ast.parse(self.plain)
        if self._refuses(tree):
            return []
        lines = self.source.splitlines()
        listed = self._listed(tree)
        everything = everything or 'set_lazy_imports("all")' in self.source
        found = []
        for node in ast.walk(tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            is_lazy = bool(KEYWORD.match(lines[node.lineno - 1]))
            found += [
                edge
                for target, edge in self._targets(node)
                if is_lazy or everything or target in listed
            ]
        return found

    def _targets(self, node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
        if isinstance(node, ast.Import):
            yield from ((alias.name, alias.name) for alias in node.names)
            return
        above = self.module.split(".")
        if self.path.name == "__init__.py":
            above.append("")
        base = above[: -node.level] if node.level else []
        target = ".".join([*base, *filter(None, [node.module])])
        yield target, f"{target}:{','.join(alias.name for alias in node.names)}"

    @staticmethod
    def _listed(tree: ast.Module) -> list[str]:
        for node in tree.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__lazy_modules__":
                return list(ast.literal_eval(node.value))
        return []

    @staticmethod
    def _refuses(tree: ast.Module) -> bool:
        return any(
            isinstance(node, ast.FunctionDef)
            and node.name == "filter"
            and ast.unparse(node.body[-1]) == "return False"
            for node in tree.body
        )


def data_files(suite: Path) -> list[DataFile]:
    """The data files that can be replayed."""
    files = []
    for path in sorted((suite / "data").rglob("*.py")):
        place = path.relative_to(suite / "data")
        parts = place.with_suffix("").parts
        if parts[0] in NOT_REPLAYED:
            continue
        module = ".".join([PACKAGE, *(part for part in parts if part != "__init__")])
        files.append(DataFile(module, place, path.read_text()))
    return files


def all_files(suite: Path) -> list[DataFile]:
    """The data files that can be replayed, and an importer for each of them."""
    files = data_files(suite)
    return [*files, *(file.importer for file in files)]


def stage(suite: Path, folder: Path, *, plain: bool) -> None:
    """Lay the package of the data files out in a folder, without the keyword if wanted."""
    shutil.rmtree(folder, ignore_errors=True)
    data = folder.joinpath(*PACKAGE.split("."))
    shutil.copytree(suite / "data", data)
    for package in data.parents[:2]:
        (package / "__init__.py").write_text("")
    for file in all_files(suite):
        (data / file.path).write_text(file.plain if plain else file.source)
