"""Who did it: the registries before and after the body of each module, in a run of its own."""

from __future__ import annotations

import _thread
import sys

from . import registries
from .tables import tables

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded in every function
    from typing import Any

__all__ = ["Watch"]


class Watch:
    """Puts changes of some keys down to the module whose body was running.

    Args:
        wanted: Keys to watch, by category.
    """

    def __init__(self, wanted: dict[str, list[str]]) -> None:
        self._wanted = {category: frozenset(keys) for category, keys in wanted.items()}
        self._only = frozenset(wanted) - {"tables"}
        # All tables of all modules are too many to look at around every module.
        self._holders = frozenset(key.partition("|")[0] for key in wanted.get("tables", ()))
        self._base: registries.Base | None = None
        self._stacks: dict[int, list[str]] = {}
        self._last: dict[tuple[str, str], str] = {}
        self._effects: dict[tuple[str, str], str] = {}

    def begin(self, base: registries.Base) -> None:
        """Watch from now on: every module that is loaded goes through this function."""
        self._base = base
        bootstrap: Any = sys.modules["_frozen_importlib"]
        load = bootstrap._load_unlocked  # noqa: SLF001 - every module goes through it

        def load_unlocked(spec: Any) -> Any:
            stack = self._stacks.setdefault(_thread.get_ident(), [])
            self._look(stack[-1] if stack else "")
            stack.append(spec.name)
            try:
                return load(spec)
            finally:
                self._look(stack.pop())

        self._last = self._state()
        bootstrap._load_unlocked = load_unlocked  # noqa: SLF001

    def end(self) -> list[list[str]]:
        """Category, key and module of each change; the first module that made it counts.

        A change outside all modules, by the handler itself for example, has an empty name.
        """
        self._look("")
        return [[category, key, by] for (category, key), by in self._effects.items()]

    def _look(self, module: str) -> None:
        now = self._state()
        for place in now.keys() | self._last.keys():
            if now.get(place) != self._last.get(place):
                self._effects.setdefault(place, module)
        self._last = now

    def _state(self) -> dict[tuple[str, str], str]:
        found = registries.snapshot(self._base, self._only)
        if self._holders:
            found["tables"] = tables(self._holders)
        return {
            (category, key): text
            for category, entries in found.items()
            for key, text in entries.items()
            if key in self._wanted[category]
        }
