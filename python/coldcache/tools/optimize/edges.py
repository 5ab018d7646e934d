"""Edges: import statements at module level, and the groups they fall into."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import NamedTuple

__all__ = [
    "Edge",
    "by_imported_module",
    "by_importer",
    "lineage",
    "one_by_one",
    "top_package",
]


class Edge(NamedTuple):
    """One import statement.

    Attributes:
        importer: Name of the module whose body holds the statement.
        text: ``a.b`` for ``import a.b``, ``m:x,y`` for ``from m import x, y``.
    """

    importer: str
    text: str

    @property
    def module(self) -> str:
        """The module that the statement names."""
        return self.text.partition(":")[0]

    @property
    def targets(self) -> tuple[str, ...]:
        """What the statement may load: the module, its parents, and names that may be submodules.

        The innermost come first.
        """
        module, _, names = self.text.partition(":")
        inner = tuple(f"{module}.{name}" for name in names.split(",")) if names else ()
        return (*inner, *lineage(module))


def lineage(module: str) -> Iterator[str]:
    """A module and the packages around it, from the inside out."""
    while module:
        yield module
        module = module.rpartition(".")[0]


def top_package(module: str) -> str:
    """The first part of a dotted name."""
    return module.partition(".")[0]


def by_importer(edges: Iterable[Edge]) -> Mapping[str, list[str]]:
    """The edges as a plan takes them: the texts of each importer."""
    grouped: defaultdict[str, list[str]] = defaultdict(list)
    for edge in edges:
        grouped[edge.importer].append(edge.text)
    return dict(grouped)


def by_imported_module(edges: Iterable[Edge], modules: Collection[str]) -> list[tuple[Edge, ...]]:
    """Groups of edges with the same importer that load the same.

    Args:
        edges: In order; groups come in the order of first sight.
        modules: Names of all modules: `from m import x` loads `m.x` if that is one.
    """
    grouped: defaultdict[tuple[str, frozenset[str]], list[Edge]] = defaultdict(list)
    for edge in edges:
        loaded = frozenset(name for name in edge.targets if name in modules)
        grouped[edge.importer, loaded or frozenset({edge.module})].append(edge)
    return [tuple(group) for group in grouped.values()]


def one_by_one(edges: Iterable[Edge]) -> list[tuple[Edge, ...]]:
    """Each edge alone."""
    return [(edge,) for edge in edges]
