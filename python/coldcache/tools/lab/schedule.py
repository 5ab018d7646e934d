"""The order of the samples: variants and events interleaved, so that drift hits all of them alike.

A machine warms up, other programs come and go. Measured one after the other, the variants would
each get other weather; measured side by side in every round, they share it, and their ratio is
fair.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

__all__ = ["Slot", "interleave"]

V = TypeVar("V")
E = TypeVar("E")


@dataclass(frozen=True)
class Slot(Generic[V, E]):
    """One sample to take.

    Attributes:
        round: Counted from zero, discarded rounds included.
        position: Place within the round, from zero.
        is_warmup: Taken but not counted.
    """

    round: int
    position: int
    is_warmup: bool
    variant: V
    event: E


def interleave(
    variants: Sequence[V], events: Sequence[E], *, runs: int, warmups: int, seed: int
) -> Iterator[list[Slot[V, E]]]:
    """Yield the rounds, each with every variant on every event once.

    Within a round the events come in a shuffled order, and the variants of one event come right
    after each other; which of them goes first alternates from round to round.

    Args:
        variants: What to compare.
        events: What to run each of them on.
        runs: Counted rounds.
        warmups: Rounds before them that are not counted.
        seed: The same seed gives the same order.
    """
    shuffler = random.Random(seed)  # noqa: S311 - an order, not a secret
    for number in range(warmups + runs):
        shuffled = shuffler.sample(events, len(events))
        turned = list(variants) if number % 2 == 0 else list(reversed(variants))
        pairs = [(variant, event) for event in shuffled for variant in turned]
        yield [
            Slot(number, position, number < warmups, variant, event)
            for position, (variant, event) in enumerate(pairs)
        ]
