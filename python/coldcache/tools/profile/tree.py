"""Imports as a tree: who is inside whom, and what is left of a sum without the inner ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .record import STEPS, Import, Step

__all__ = ["Tree", "TreeRow", "step_sums"]


@dataclass(frozen=True)
class TreeRow:
    """A line of a tree that was cut to its most expensive imports.

    Attributes:
        one: The import, or ``None`` for the line that stands for those left out.
        depth: Level, from 0.
        left_out: How many imports that line stands for, those inside them included.
        left_out_ns: Their time.
    """

    one: Import | None
    depth: int
    left_out: int = 0
    left_out_ns: int = 0


class Tree:
    """Some imports of one process.

    Args:
        imports: Any of them; one whose parent is missing is a root.
    """

    def __init__(self, imports: Sequence[Import]) -> None:
        self.imports = tuple(imports)
        by_id = {one.id: one for one in imports}
        self._inside: defaultdict[int | None, list[Import]] = defaultdict(list)
        for one in imports:
            self._inside[one.parent if one.parent in by_id else None].append(one)

    @property
    def roots(self) -> list[Import]:
        """The imports that no other of these is around."""
        return self._inside.get(None, [])

    def inside(self, one: Import) -> list[Import]:
        """The imports directly inside an import."""
        return self._inside.get(one.id, [])

    def walk(self) -> Iterator[Import]:
        """All imports, each before those inside it."""
        pending = self.roots[::-1]
        while pending:
            one = pending.pop()
            yield one
            pending += self.inside(one)[::-1]

    def self_resident_bytes(self, one: Import) -> int | None:
        """Growth of the process during the import's own time."""
        if one.resident_bytes is None:
            return None
        return one.resident_bytes - sum(it.resident_bytes or 0 for it in self.inside(one))

    def top(self, count: int) -> list[TreeRow]:
        """The tree with only the *count* imports that took longest, and lines for the others."""
        # Nothing outlasts what it is inside of, so those that are kept hang together.
        ranked = sorted(self.imports, key=lambda one: (-one.total_ns, one.id))
        kept = {one.id for one in ranked[:count]}
        rows: list[TreeRow] = []
        pending: list[tuple[int, Import | TreeRow]] = []

        def add(imports: list[Import], depth: int) -> None:
            inner = [one for one in imports if one.id in kept]
            left = [one for one in imports if one.id not in kept]
            items: list[tuple[int, Import | TreeRow]] = [(depth, one) for one in inner]
            if left:
                many = sum(self._count(one) for one in left)
                items.append((depth, TreeRow(None, depth, many, sum(it.total_ns for it in left))))
            pending.extend(reversed(items))

        add(self.roots, 0)
        while pending:
            depth, item = pending.pop()
            if isinstance(item, TreeRow):
                rows.append(item)
            else:
                rows.append(TreeRow(item, depth))
                add(self.inside(item), depth + 1)
        return rows

    def _count(self, one: Import) -> int:
        count, pending = 0, [one]
        while pending:
            count += 1
            pending += self.inside(pending.pop())
        return count


def step_sums(imports: Sequence[Import]) -> dict[Step, int]:
    """Nanoseconds of each step over some imports; nothing where no steps are known."""
    if not any(one.steps_ns for one in imports):
        return {}
    return {step: sum(one.steps_ns.get(step, 0) for one in imports) for step in STEPS}
