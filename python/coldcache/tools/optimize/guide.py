"""From what failing trials say to the edges that may be behind it, few ones first.

An import that came too late or not at all leaves traces: the edges through whose resolution the
exception passed, the modules its traceback goes through, the names and words of its message.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain

from .edges import Edge, by_imported_module, lineage, top_package
from .oracle import Finding
from .outcome import Raised

__all__ = ["Guide"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")
_WORD = re.compile(r"[a-z]{3,}|[A-Z][a-z]{2,}")
_STEM = 5  # letters of a word that count: `events` speaks of `event`
_MACHINERY = frozenset({"importlib", "coldcache", "coldcache_trial", "awslambdaric", "runpy"})
_DEFERRED = frozenset({"pending", "resolved", "failed"})


class Guide:
    """Learns from every failure that the search meets.

    Args:
        candidates: All edges that can be deferred, in the order in which they ran.
        modules: Names of all modules that the function loads without a plan.
    """

    def __init__(self, candidates: Sequence[Edge], modules: Collection[str]) -> None:
        self._candidates = candidates
        self._modules = frozenset(modules)
        self._failures: set[Edge] = set()
        self._named: dict[str, None] = {}
        self._words: set[str] = set()

    def learn(self, finding: Finding) -> None:
        """Take the traces of a failure."""
        self._failures.update(finding.outcomes[-1].failures)
        for raised in _raised(finding):
            self._named.update(dict.fromkeys(self._names(raised)))
            self._words |= _words([raised.message, *raised.names, *raised.notes])

    def suspects(self, finding: Finding) -> Iterator[tuple[Edge, ...]]:
        """Sets of edges to make eager, each holding the one before; the last has all.

        Args:
            finding: A trial that differed.
        """
        deferred = self._deferred(finding)
        named = {name for raised in _raised(finding) for name in self._names(raised)}
        packages = {package for name in named for package in lineage(name)}
        tops = {top_package(name) for name in named}
        failures = frozenset(finding.outcomes[-1].failures)
        levels: tuple[Callable[[Edge], bool], ...] = (
            lambda edge: edge in failures,
            lambda edge: edge.importer in packages or not named.isdisjoint(edge.targets),
            lambda edge: top_package(edge.importer) in tops,
            lambda _edge: True,
        )
        taken: set[Edge] = set()
        for suspicious in levels:
            more = {edge for edge in deferred if suspicious(edge)}
            if not more <= taken:
                taken |= more
                yield tuple(edge for edge in deferred if edge in taken)

    def ranked(self, edges: Iterable[Edge]) -> list[tuple[Edge, ...]]:
        """Edges to the same module together, the most likely first by all that was learnt."""
        named = frozenset(self._named)
        packages = {package for name in named for package in lineage(name)}
        tops = {top_package(name) for name in named}

        def score(group: tuple[Edge, ...]) -> float:
            edge = group[0]
            words = _words([edge.text.replace("_", " ").replace(".", " ")])
            return (
                8.0 * any(one in self._failures for one in group)
                + 3.0 * min(len(self._words & words), 3)
                + 3.0 * any(name in named for name in edge.targets)
                + 2.0 * (edge.importer in named)
                + 1.0 * (edge.importer in packages)
                + 1.0 * (top_package(edge.importer) in tops)
            )

        return sorted(by_imported_module(edges, self._modules), key=score, reverse=True)

    def _deferred(self, finding: Finding) -> list[Edge]:
        """What was deferred when it failed; everything where the process told nothing."""
        deferred = [edge for edge in self._candidates if edge not in finding.eager]
        seen = {row.edge for row in finding.outcomes[-1].rows if row.state in _DEFERRED}
        return [edge for edge in deferred if edge in seen] if seen else deferred

    def _names(self, raised: Raised) -> Iterator[str]:
        """The modules that an exception went through or speaks of."""
        for module, _, _ in raised.frames:
            if module and top_package(module) not in _MACHINERY:
                yield module
        texts = (raised.message, *raised.names, *raised.notes)
        for name in chain.from_iterable(map(_NAME.findall, texts)):
            # `pkg.mod.attribute` speaks of `pkg.mod`.
            module = next((one for one in lineage(name) if one in self._modules), "")
            if module and top_package(module) not in _MACHINERY:
                yield module


def _raised(finding: Finding) -> Iterator[Raised]:
    found = finding.difference
    for fault in (found.fault if found is not None else None, finding.outcomes[-1].error):
        yield from fault.chain if fault is not None else ()


def _words(texts: Iterable[str]) -> set[str]:
    return {word.lower()[:_STEM] for text in texts for word in _WORD.findall(text)}
