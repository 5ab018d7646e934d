"""Is one function better than another, or worse? A verdict that seldom cries wolf.

Both were measured once in every round, right after each other, and which goes first alternates. So
where the functions are the same, the two values of a round might as well be exchanged: that is all
the tests assume. What slows a round slows both; what slows one process now and then, and can only
add to a time, is met by looking at the fastest quarter of each function first.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from .quantiles import LEVEL
from .rounds import Difference, fold, of_fastest_quarters, of_signed_ranks

__all__ = ["FALSE_ALARM_RATE", "Basis", "Effect", "Verdict", "compare", "least_rounds", "worst"]

Verdict = Literal["better", "no difference", "worse", "too few rounds"]

Basis = Literal["fastest quarter", "all rounds", "all calls"]
"""What a difference is of: the means of the fastest quarters, the differences of all rounds, or,
under a load, the mean over all calls."""

FALSE_ALARM_RATE = 0.01
"""The chance that a run in which nothing differs says that something does, all its tests taken
together."""

_SHARE_OF_QUARTERS = 0.75
"""What the first test has of the rate; the second one is for rarer cases."""


@dataclass(frozen=True)
class Effect:
    """How the target differs from the baseline.

    Attributes:
        difference: Target minus baseline, in the unit of the samples.
        low: Lower end of its interval.
        high: Upper end.
        level: How often such an interval holds the true difference.
        basis: What the difference is of, and which test the verdict rests on.
        p_value: Of that test: the chance of so large a difference where there is none.
        threshold: What it must not exceed for a verdict.
        relevant: The least difference that counts, either way.
        verdict: ``worse`` or ``better`` where the test leaves no room for chance and the
            difference is relevant.
    """

    difference: float
    low: float
    high: float
    level: float
    basis: Basis
    p_value: float
    threshold: float
    relevant: float
    verdict: Verdict

    @classmethod
    def of(
        cls,
        found: Difference,
        basis: Basis,
        *,
        threshold: float,
        relevant: float,
        has_enough: bool,
    ) -> Effect:
        """Judge a difference.

        Args:
            found: The difference and its test.
            basis: What it is of.
            threshold: What the test's p-value must not exceed for a verdict.
            relevant: The least difference that counts, either way.
            has_enough: Whether there were rounds enough for any verdict.
        """
        verdict: Verdict = "no difference"
        if not has_enough:
            verdict = "too few rounds"
        elif found.p_value <= threshold and abs(found.value) >= relevant:
            verdict = "worse" if found.value > 0 else "better"
        ends = (found.low, found.high, LEVEL)
        return cls(found.value, *ends, basis, found.p_value, threshold, relevant, verdict)


def compare(
    target: Sequence[float],
    baseline: Sequence[float],
    *,
    relevant: float,
    rate: float = FALSE_ALARM_RATE,
    seed: int = 0,
) -> Effect:
    """Compare two functions by rounds; less is better.

    Two tests share the rate. The first compares the means of the fastest quarters and sees through
    noise that only ever adds. The second, of signed ranks, finds what touches only some starts.

    Args:
        target: One value a round, at least one.
        baseline: As many, in the same order of rounds.
        relevant: The least difference that counts, in the unit of the values, 0 or more.
        rate: The chance of an alarm where nothing differs, at most. The comparisons of a run share
            its rate (Bonferroni).
        seed: The same seed gives the same result.

    Raises:
        ValueError: The two have different lengths.
    """
    if len(target) != len(baseline):
        raise ValueError(f"{len(target)} values of the target, {len(baseline)} of the baseline")
    has_enough = len(target) >= least_rounds(rate)
    target, baseline = fold(target), fold(baseline)

    def judged(basis: Basis, found: Difference, threshold: float) -> Effect:
        return Effect.of(
            found, basis, threshold=threshold, relevant=relevant, has_enough=has_enough
        )

    first, second = rate * _SHARE_OF_QUARTERS, rate * (1 - _SHARE_OF_QUARTERS)
    quarters = of_fastest_quarters(target, baseline, rate=first, seed=seed)
    effects = (
        judged("fastest quarter", quarters, first),
        judged("all rounds", of_signed_ranks(target, baseline), second),
    )
    # A function that is mostly faster, and far slower often enough to be seen, is no better one.
    told = worst(effect.verdict for effect in effects)
    return next(effect for effect in effects if effect.verdict == told)


def least_rounds(rate: float = FALSE_ALARM_RATE) -> int:
    """How many rounds a verdict needs: in fewer, chance alone may put all on one side.

    Args:
        rate: As for `compare`.
    """
    return math.ceil(math.log2(2 / (rate * _SHARE_OF_QUARTERS)))


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict for all: ``worse`` wins over ``better``, and both over no difference."""
    found = set(verdicts)
    order: tuple[Verdict, ...] = ("worse", "better", "too few rounds", "no difference")
    return next((verdict for verdict in order if verdict in found), "no difference")
