"""What a budget limits, and how such limits are written."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from coldcache.tools.lab.environment import parse_settings
from coldcache.tools.lab.errors import UsageError

__all__ = ["COUNTED", "LIMITS", "Budget", "nearest"]

COUNTED = ("modules", "new_modules", "extension_modules", "files", "bytes", "memory")
"""Limits on whole numbers that need nothing but the function; memory and bytes take units too."""

LIMITS = ("forbid", *COUNTED, "instructions", "time_ratio")
"""All limits, in the order of a report."""

_UNITS = {"": 1, "B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9}
_UNITS |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_PATTERN = re.compile(r"[\w.*?\[\]!-]+")
_FEWEST_RUNS = 5


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The budget of one function. A limit that is `None` is none.

    All counts are what the function adds to a runtime client whose handler does nothing, until the
    end of init, or until the first answer where there is an event.

    Attributes:
        name: What it is called in reports and in the baseline.
        function: ``FOLDER:module.handler``; the folder as seen from the project's.
        event: JSON file with an event, as seen from the project's folder.
        env: Environment variables of the function.
        forbid: Modules that must not be loaded at the end of init: ``pandas`` for it and all that
            is in it, or a pattern with ``*``, ``?``, ``[...]``.
        modules: Most modules.
        new_modules: Most modules that are not in the baseline.
        extension_modules: Most extension modules.
        files: Most files opened to read.
        bytes: Largest sum of their sizes.
        memory: Largest peak memory, in bytes.
        instructions: Most instructions.
        time_ratio: Longest time, by that of the runtime client with an empty handler.
        runs: Pairs of processes that are timed.
    """

    name: str
    function: str
    event: str | None = None
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    forbid: tuple[str, ...] = ()
    modules: int | None = None
    new_modules: int | None = None
    extension_modules: int | None = None
    files: int | None = None
    bytes: int | None = None
    memory: int | None = None
    instructions: int | None = None
    time_ratio: float | None = None
    runs: int = 20

    @property
    def has_limits(self) -> bool:
        """Whether it can be exceeded at all."""
        return bool(self.forbid) or any(getattr(self, one) is not None for one in LIMITS[1:])

    @classmethod
    def read(cls, name: str, table: Mapping[str, Any], *, where: str) -> Budget:
        """Check the keys and values of a table.

        Args:
            name: Name of the budget.
            table: What the user wrote.
            where: Where it is written, for messages.

        Raises:
            UsageError: A key is unknown or a value is of another kind; the message names it.
        """
        known = [one.name for one in fields(cls) if one.name != "name"]
        for key in table:
            if key not in known:
                raise UsageError(f"{where}: there is no key {key!r}{nearest(key, known)}")
        if "function" not in table:
            raise UsageError(f'{where}: function is missing; for example "src:app.handler"')
        read: dict[str, Any] = {}
        for key, value in table.items():
            try:
                read[key] = _READ.get(key, _count)(value)
            except ValueError as error:
                raise UsageError(f"{where}: {key} {error}; got {_shown(key, value)}") from None
        return cls(name=name, **read)


def nearest(key: str, known: Iterable[str]) -> str:
    """What to say of a name that is none: the one it resembles, or all that there are."""
    names = list(known)
    close = difflib.get_close_matches(key, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(names)}"


def _shown(key: str, value: object) -> str:
    # Values of variables may be secrets.
    return f"a {type(value).__name__}" if key == "env" else repr(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text")
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("must be a whole number from 0 on")
    return value


def _runs(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < _FEWEST_RUNS:
        raise ValueError(f"must be a whole number from {_FEWEST_RUNS} on")
    return value


def _size(value: object) -> int:
    if isinstance(value, str):
        found = _QUANTITY.fullmatch(value.strip())
        if found is not None and found[2] in _UNITS:
            return round(float(found[1]) * _UNITS[found[2]])
    elif not isinstance(value, bool) and isinstance(value, int) and value >= 0:
        return value
    raise ValueError('must be a number of bytes or a text such as "12 MB" or "12 MiB"')


def _factor(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError("must be a number")
    if not (math.isfinite(value) and value > 0):
        raise ValueError("must be a number above 0")
    return float(value)


def _patterns(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError("must be a list of module names or patterns")
    for one in value:
        if not isinstance(one, str) or not _PATTERN.fullmatch(one):
            raise ValueError("must be a list of module names or patterns")
    return tuple(value)


def _variables(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise ValueError("must be a table of variables")
    for name, text in value.items():
        if not isinstance(text, str):
            raise ValueError(f"must be a table of texts; {name} is none")
    return parse_settings(f"{name}={text}" for name, text in value.items())


_READ = {
    "function": _text,
    "event": _text,
    "env": _variables,
    "forbid": _patterns,
    "bytes": _size,
    "memory": _size,
    "time_ratio": _factor,
    "runs": _runs,
}
"""How the value of a key is read; it is a count where nothing else is said."""
