"""Whose an import is, in few enough groups that each can have a colour of its own."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from coldcache.tools.profile.record import Import

from .traces import Trace

__all__ = ["IDLE", "Group", "Packages", "shortened"]

IDLE = "idle"
"""Class of what is no import."""

_NAMED = 5
_SITE = re.compile(r".*/(?:site|dist)-packages/")
_STDLIB = re.compile(r".*/lib/python3\.\d+t?/")
_TAIL_PARTS = 3


@dataclass(frozen=True)
class Group:
    """Some packages.

    Attributes:
        label: What to call them.
        style: Class of their colour.
    """

    label: str
    style: str


_OWN = Group("the function's own modules", "fn")
_OTHERS = Group("other packages", "rest")
_STANDARD = Group("standard library", "std")


class Packages:
    """The groups of a page: the function, the packages that took longest, and two more.

    Args:
        traces: Where the imports are from.
        target: ``FOLDER:module.handler``; its module tells where the function's own files are.
    """

    def __init__(self, traces: Sequence[Trace], target: str) -> None:
        self._root = _own_root(traces, target)
        known = {_folded(share.name) for trace in traces for share in trace.shares}
        self._installed = known
        took: Counter[str] = Counter()
        for trace in traces:
            for one in trace.imports:
                top = self._package(one)
                if top is not None:
                    took[top] += one.self_ns
        self._named = {
            name: Group(name, f"p{place}")
            for place, (name, _) in enumerate(took.most_common(_NAMED), 1)
        }
        self.groups = (_OWN, *self._named.values(), _OTHERS, _STANDARD)

    def group(self, one: Import) -> Group:
        """The group of an import."""
        if self._is_own(one):
            return _OWN
        top = self._package(one)
        return _STANDARD if top is None else self._named.get(top, _OTHERS)

    def place(self, file: str | None, line: int | None) -> str:
        """A file and a line as a reader knows them: without the folders everything is in."""
        if not file:
            return ""
        if self._root and file.startswith(self._root) and not _SITE.match(file):
            short = file[len(self._root) :]
        else:
            short = shortened(file)
        return short if line is None else f"{short}:{line}"

    def _package(self, one: Import) -> str | None:
        """Name of the package of an import; ``None`` for the function and for Python's own."""
        top = one.name.partition(".")[0]
        is_standard = one.kind in {"builtin", "frozen"} or top in sys.stdlib_module_names
        return None if is_standard or self._is_own(one) else top

    def _is_own(self, one: Import) -> bool:
        if not self._root or not one.origin or not one.origin.startswith(self._root):
            return False
        # What is installed into the function's folder lies there side by side with its own files.
        top = _folded(one.name.partition(".")[0])
        return top not in self._installed and not _SITE.match(one.origin)


def shortened(file: str) -> str:
    """A path without the folder of packages it is in, or the end of it."""
    short = _STDLIB.sub("", _SITE.sub("", file))
    if short == file and file.count("/") > _TAIL_PARTS:
        short = "…/" + "/".join(file.split("/")[-_TAIL_PARTS:])
    return short


def _own_root(traces: Sequence[Trace], target: str) -> str:
    """The folder that the handler's module was imported from, with a slash at its end."""
    module = target.rpartition(":")[2].rpartition(".")[0].replace("/", ".")
    for trace in traces:
        for one in trace.imports:
            if one.name == module and one.origin:
                inner = module.count(".") + one.origin.endswith(f"{os.sep}__init__.py")
                return os.path.join(one.origin.rsplit(os.sep, inner + 1)[0], "")
    return ""


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "_", name).lower()
