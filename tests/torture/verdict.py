"""What a scenario found out about its subject."""

from __future__ import annotations

from typing import NamedTuple


class Verdict(NamedTuple):
    """Whether the subject stood it, and the word for what it did."""

    is_ok: bool
    word: str


def loads(number: int, is_ok: bool = True) -> Verdict:
    """The verdict where one load is what is wanted."""
    return Verdict(is_ok and number == 1, "1 load" if number == 1 else f"{number} loads")
