"""Every import statement that a process ran, the ones that found their module loaded included.

The tracer inside importlib sees only what loads a module. To keep a module out, all the statements
that would load it count; so in a process of its own ``__import__`` is stood in for.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from coldcache.tools.optimize.edges import lineage

__all__ = ["WATCH_IMPORTS", "Edge", "ImportGraph", "read_edges"]

WATCH_IMPORTS = """
def watch(record):
    import builtins
    real, frame, modules = builtins.__import__, sys._getframe, sys.modules
    start, write, close, fsencode = os.open, os.write, os.close, os.fsencode
    append = os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC
    seen = set()
    def __import__(name, globals=None, locals=None, fromlist=(), level=0):
        found = real(name, globals, locals, fromlist, level)
        try:
            asker = frame(1)
            at = (asker.f_code.co_filename, asker.f_lineno, name, level, fromlist)
            if at not in seen:
                seen.add(at)
                module = found.__name__ if fromlist else name
                if level and not fromlist:
                    package = globals["__package__"].rsplit(".", level - 1)[0]
                    module = package + "." + name if name else package
                inner = [module + "." + one for one in fromlist or ()]
                names = [module, *[one for one in inner if one in modules]]
                importer = asker.f_globals.get("__name__") or ""
                fields = [importer, asker.f_code.co_filename, str(asker.f_lineno), *names]
                descriptor = start(record, append)
                try:
                    write(descriptor, fsencode("\\0".join(fields)) + b"\\0\\n")
                finally:
                    close(descriptor)
        except Exception:
            pass
        return found
    builtins.__import__ = __import__
watch(arguments[0])
del watch
"""
"""A program for `launch`: its argument is an existing file, to which it writes."""


@dataclass(frozen=True)
class Edge:
    """One module asked for another.

    Attributes:
        importer: The module that asked.
        module: What it asked for.
        file: Where the statement is.
        line: The line there.
    """

    importer: str
    module: str
    file: str
    line: int


def read_edges(record: Path) -> list[Edge]:
    """What the program noted, in the order in which the statements ended."""
    edges = []
    for entry in record.read_bytes().split(b"\0\n")[:-1]:
        importer, file, line, *modules = os.fsdecode(entry).split("\0")
        edges += [Edge(importer, module, file, int(line)) for module in modules]
    return edges


class ImportGraph:
    """Who imports whom, as seen from the handler's module.

    Args:
        edges: Any order; where two are equally short, the first one counts.
        root: The handler's module.
    """

    def __init__(self, edges: Iterable[Edge], root: str) -> None:
        self._root = root
        by_importer: dict[str, dict[str, Edge]] = {}
        for edge in edges:
            # A package runs before what is in it does, whoever asks for that.
            for name in lineage(edge.module):
                found = by_importer.setdefault(edge.importer, {})
                found.setdefault(name, Edge(edge.importer, name, edge.file, edge.line))
        self._from: dict[str, Edge] = {}
        pending = deque([root])
        while pending:
            for name, edge in by_importer.get(pending.popleft(), {}).items():
                if name not in self._from and name != root:
                    self._from[name] = edge
                    pending.append(name)

    def chain(self, module: str) -> tuple[Edge, ...]:
        """The shortest chain of imports from the handler's module down to *module*.

        Empty where there is none: then something else brought the module.
        """
        chain: list[Edge] = []
        while module != self._root:
            edge = self._from.get(module)
            if edge is None:
                return ()
            chain.append(edge)
            module = edge.importer
        return tuple(reversed(chain))

    def _place(self, module: str) -> tuple[str, str, int] | None:
        edge = self._from.get(module)
        return None if edge is None else (edge.importer, edge.file, edge.line)

    def grouped(self, modules: Collection[str]) -> dict[str, list[str]]:
        """Group modules by the first of them on the chain of each: its name, and whom it brought.

        The largest group comes first.
        """
        groups: dict[str, list[str]] = {}
        wanted = set(modules)
        for module in sorted(modules):
            path = [edge.module for edge in self.chain(module)]
            entry = next((name for name in path if name in wanted), module)
            # One statement brings a module and the packages around it.
            by = self._place(entry)
            outer = [name for name in lineage(entry) if name in wanted and self._place(name) == by]
            entry = outer[-1] if by and outer else entry
            groups.setdefault(entry, []).append(module)
        return dict(sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])))
