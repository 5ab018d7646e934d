"""Read a document field by field, so that what is wrong with it is named by its place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from coldcache.tools.lab.errors import UsageError

__all__ = ["Fields"]


class Fields:
    """An object of a JSON document and where it is.

    Args:
        value: The object.
        place: Its path in the document, for messages.

    Raises:
        UsageError: *value* is no object.
    """

    def __init__(self, value: object, place: str = "") -> None:
        if not isinstance(value, Mapping):
            raise _unfit(place or "the document", "an object", value)
        self._value: Mapping[str, Any] = value
        self._place = place

    def __contains__(self, name: str) -> bool:
        return self._value.get(name) is not None

    def names(self) -> list[str]:
        """The names of the fields."""
        return [str(name) for name in self._value]

    def number(self, name: str) -> float:
        """A finite number."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _unfit(self._at(name), "a number", value)
        if not math.isfinite(value):
            raise _unfit(self._at(name), "a finite number", value)
        return value

    def integer(self, name: str) -> int:
        """A whole number."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _unfit(self._at(name), "a whole number", value)
        return value

    def text(self, name: str) -> str:
        """A text."""
        value = self._get(name)
        if not isinstance(value, str):
            raise _unfit(self._at(name), "a text", value)
        return value

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of finite numbers."""
        indexed = self._indexed(name)
        return tuple(indexed.number(place) for place in indexed.names())

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts."""
        indexed = self._indexed(name)
        return tuple(indexed.text(place) for place in indexed.names())

    def object(self, name: str) -> Fields:
        """An object inside this one."""
        return Fields(self._get(name), self._at(name))

    def objects(self, name: str) -> list[Fields]:
        """A list of objects."""
        return [
            Fields(value, f"{self._at(name)}[{place}]")
            for place, value in enumerate(self._list(name))
        ]

    def maybe_number(self, name: str) -> float | None:
        """A finite number, or nothing."""
        return self.number(name) if name in self else None

    def maybe_integer(self, name: str) -> int | None:
        """A whole number, or nothing."""
        return self.integer(name) if name in self else None

    def maybe_text(self, name: str) -> str | None:
        """A text, or nothing."""
        return self.text(name) if name in self else None

    def maybe_flag(self, name: str) -> bool | None:
        """True or false, or nothing."""
        value = self._value.get(name)
        if value is not None and not isinstance(value, bool):
            raise _unfit(self._at(name), "true or false", value)
        return value

    def shown(self, name: str) -> str:
        """Whatever is there, as text for a reader."""
        value = self._get(name)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def _indexed(self, name: str) -> Fields:
        values = self._list(name)
        return Fields({f"[{place}]": value for place, value in enumerate(values)}, self._at(name))

    def _list(self, name: str) -> list[Any]:
        value = self._get(name)
        if not isinstance(value, list | tuple):
            raise _unfit(self._at(name), "a list", value)
        return list(value)

    def _get(self, name: str) -> Any:
        if name not in self._value:
            raise UsageError(f"no page can be made of this document: {self._at(name)} is missing")
        return self._value[name]

    def _at(self, name: str) -> str:
        if not self._place or name.startswith("["):
            return f"{self._place}{name}"
        return f"{self._place}.{name}"


def _unfit(place: str, wanted: str, given: object) -> UsageError:
    shown = repr(given)
    shown = shown if len(shown) <= 60 else shown[:60] + "…"
    return UsageError(
        f"no page can be made of this document: {place} is to be {wanted}, got {shown}"
    )
