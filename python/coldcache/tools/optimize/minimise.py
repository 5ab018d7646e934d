"""The smallest set that makes a test pass: QuickXplain, with its next questions asked ahead.

Junker, "QUICKXPLAIN: Preferred Explanations and Relaxations for Over-Constrained Problems", 2004.
For *k* needed items of *n* it asks about k log(n/k) questions. The test has to be monotonic, more
items never do harm; where it is not, the result still passes, but may not be the smallest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

__all__ = ["Test", "minimise"]

T = TypeVar("T")

Test = Callable[[tuple[T, ...], Sequence[tuple[T, ...]]], bool]
"""Whether some items are enough. Also told which sets may be asked for next, likely ones first."""


def minimise(items: Sequence[T], test: Test[T], *, background: tuple[T, ...] = ()) -> tuple[T, ...]:
    """A smallest part of *items* that, with *background*, passes.

    Args:
        items: Known to pass together with the background; the background alone is known to fail.
        test: Answers whether a set passes.
        background: Items that are in every set asked for.
    """
    return _Search(test).needed(background, tuple(items))


class _Search(Generic[T]):
    def __init__(self, test: Test[T]) -> None:
        self._test = test

    def needed(self, background: tuple[T, ...], items: tuple[T, ...]) -> tuple[T, ...]:
        """The needed part of *items*; with all of them it passes, with none it does not."""
        if len(items) == 1:
            return items
        left, right = _halves(items)
        present = background + left
        # If it fails, the next question is about a part of the right; if it passes, of the left.
        ahead = [present + _halves(right)[0]] if len(right) > 1 else [background + right]
        if len(left) > 1:
            ahead.append(background + _halves(left)[0])
        from_right = () if self._test(present, ahead) else self.needed(present, right)
        present = background + from_right
        if from_right:
            ahead = [present + _halves(left)[0]] if len(left) > 1 else []
            if self._test(present, ahead):
                return from_right
        return self.needed(present, left) + from_right


def _halves(items: tuple[T, ...]) -> tuple[tuple[T, ...], tuple[T, ...]]:
    middle = len(items) // 2
    return items[:middle], items[middle:]
