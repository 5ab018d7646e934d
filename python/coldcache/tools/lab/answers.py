"""Do the answers agree? Compared as bytes: between variants, and between samples of one variant.

First answers are compared with first answers and warm ones with warm ones: a function that counts
its calls may well answer differently the second time, in both variants alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["AnswerBook", "Comparison", "Difference", "Fingerprint", "Verdict"]

Verdict = Literal["equal", "different", "unstable"]

_EXCERPT_BYTES = 24
_KEPT_BODIES = 2


@dataclass(frozen=True)
class Fingerprint:
    """What a report may say about an answer: enough to compare, nothing of its content."""

    sha256: str
    length: int

    @classmethod
    def of(cls, body: bytes) -> Fingerprint:
        """The fingerprint of an answer."""
        return cls(hashlib.sha256(body).hexdigest(), len(body))


@dataclass(frozen=True)
class Difference:
    """Where two answers part.

    Attributes:
        position: Offset in bytes of the first difference.
        left: A few bytes around it in the one answer. Not for files: answers may hold secrets.
        right: The same place in the other.
    """

    position: int
    left: bytes = field(repr=False)
    right: bytes = field(repr=False)

    @classmethod
    def between(cls, left: bytes, right: bytes) -> Difference:
        """The first difference of two unequal answers."""
        shorter = min(len(left), len(right))
        position = next((place for place in range(shorter) if left[place] != right[place]), shorter)
        start = max(0, position - _EXCERPT_BYTES // 2)
        end = start + _EXCERPT_BYTES
        return cls(position, left[start:end], right[start:end])


@dataclass(frozen=True)
class Comparison:
    """The outcome for one event.

    Attributes:
        verdict: ``equal``; ``different``: each variant is true to itself, but they disagree;
            ``unstable``: samples of one variant disagree, so nothing can be said about the other.
        which: ``first`` or ``warm``, the answers that disagree; empty when equal.
        left: Variant of the difference's left side; empty when equal.
        right: Variant of its right side; the same one when unstable.
        difference: Where they part, ``None`` when equal.
    """

    verdict: Verdict
    which: str = ""
    left: str = ""
    right: str = ""
    difference: Difference | None = None


class AnswerBook:
    """Takes every answer of one event, keeps only as many bodies as a comparison needs."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], dict[str, bytes]] = {}

    def note(self, variant: str, which: str, body: bytes) -> Fingerprint:
        """Take one answer.

        Args:
            variant: Who gave it.
            which: ``first`` or ``warm``.
            body: Its bytes.
        """
        fingerprint = Fingerprint.of(body)
        bodies = self._seen.setdefault((variant, which), {})
        if len(bodies) < _KEPT_BODIES:
            bodies.setdefault(fingerprint.sha256, body)
        return fingerprint

    def compare(self, variants: Sequence[str]) -> Comparison:
        """Compare what one or two variants have answered."""
        kinds = ("first", "warm")
        for which in kinds:
            for variant in variants:
                bodies = list(self._seen[variant, which].values())
                if len(bodies) > 1:
                    found = Difference.between(bodies[0], bodies[1])
                    return Comparison("unstable", which, variant, variant, found)
        for which in kinds:
            bodies = [next(iter(self._seen[variant, which].values())) for variant in variants]
            if bodies[0] != bodies[-1]:
                found = Difference.between(bodies[0], bodies[-1])
                return Comparison("different", which, variants[0], variants[-1], found)
        return Comparison("equal")
