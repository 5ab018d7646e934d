"""One thing that the audit before a fork found."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal

    Kind = Literal["socket", "event loop", "thread", "pool", "lock", "random state"]


class Finding:
    """Something that a forked child cannot use as it is.

    Attributes:
        kind: ``socket``, ``event loop``, ``thread``, ``pool``, ``lock`` or ``random state``.
        what: What it is, by name.
        since: What opened it, as far as known.
        advice: What would do, where it cannot be put right from here.
        repaired: Whether each child puts it right, or copes with it.
        by: Who does.
    """

    def __init__(self, kind: Kind, what: str, advice: str, *, since: str = "") -> None:
        self.kind = kind
        self.what = what
        self.since = since
        self.advice = advice
        self.repaired = False
        self.by = ""
        self.target: Any = None
        self.repair: Callable[[Any], None] | None = None

    def covered(self, by: str) -> None:
        """Note that nothing is left to do about it."""
        self.repaired, self.by = True, by

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        names = ("kind", "what", "since", "advice", "repaired", "by")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        since = f", since {self.since}" if self.since else ""
        end = f"repaired by {self.by}" if self.repaired else self.advice
        return f"{self.kind}: {self.what}{since}: {end}"

    def __repr__(self) -> str:
        return f"<{self}>"


class Names:
    """What module-level names stand for, so that a finding can be called by one."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}
        for name, module in list(sys.modules.items()):
            space = getattr(module, "__dict__", None)
            if type(space) is dict:
                for attribute, value in list(space.items()):
                    self._names.setdefault(id(value), f"{name}.{attribute}")

    def call(self, thing: object, otherwise: str) -> str:
        """The thing by its name and kind, or by its kind alone."""
        name = self._names.get(id(thing))
        return otherwise if name is None else f"{name}, {otherwise}"
