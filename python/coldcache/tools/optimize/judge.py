"""The verdict: is the function better off, beyond noise, on init and first answer together?"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from coldcache.tools.lab.figures.quantiles import quantile
from coldcache.tools.lab.plan import Role
from coldcache.tools.lab.result import LabResult, Metric
from coldcache.tools.lab.summary import Ratio

__all__ = ["Judgement", "Verdict", "judge", "overall"]

Verdict = Literal["better", "no gain", "only moved"]

_RESAMPLES = 2000
# A gain of this share is worth measuring again where noise does not rule it out.
_WORTH_A_LOOK = 0.02


@dataclass(frozen=True)
class Judgement:
    """A verdict and what it rests on.

    Attributes:
        verdict: Only ``better`` is worth a lock.
        reason: For a reader.
        init: Planned by plain, over all events.
        first: Init and first answer likewise.
        is_unclear: The noise rules out neither a gain nor none: more rounds may show which it is.
    """

    verdict: Verdict
    reason: str
    init: Ratio
    first: Ratio
    is_unclear: bool = False


def judge(result: LabResult) -> Judgement:
    """Judge what the lab measured; the target has the plan, the baseline has not."""
    init, first = overall(result, "init_ms"), overall(result, "first_answer_ms")
    worse = [
        event.event
        for event in result.events
        if (ratio := event.metrics["first_answer_ms"].ratio) is not None and ratio.low > 1
    ]
    told = f"init + first answer {_range(first)}, init {_range(init)} of what they were"
    if first.high < 1 and not worse:
        return Judgement("better", told, init, first)
    if worse:
        reason = f"init + first answer got slower on {', '.join(worse)}: {told}"
        return Judgement("only moved" if init.high < 1 else "no gain", reason, init, first)
    if init.high < 1:
        reason = f"init is shorter, but its cost only moved into the first call: {told}"
        return Judgement("only moved", reason, init, first)
    reason = f"no difference beyond noise: {told}"
    return Judgement("no gain", reason, init, first, is_unclear=first.low <= 1 - _WORTH_A_LOOK)


def overall(result: LabResult, metric: Metric) -> Ratio:
    """Geometric mean over the events of planned by plain, with an interval of 95 %.

    Rounds are drawn again, whole ones, the same for all events.
    """
    names = [event.event for event in result.events]
    planned = {name: _values(result, name, "target", metric) for name in names}
    plain = {name: _values(result, name, "baseline", metric) for name in names}
    rounds = range(result.plan.runs)

    def mean(places: Sequence[int]) -> float:
        return statistics.geometric_mean(
            statistics.median([planned[name][place] for place in places])
            / statistics.median([plain[name][place] for place in places])
            for name in names
        )

    draw = random.Random(result.plan.seed)  # noqa: S311 - resampling, not a secret
    means = [mean(draw.choices(rounds, k=len(rounds))) for _ in range(_RESAMPLES)]
    return Ratio(mean(rounds), quantile(means, 0.025), quantile(means, 0.975))


def _values(result: LabResult, event: str, role: Role, metric: Metric) -> list[float]:
    return [
        float(getattr(sample, metric))
        for sample in result.samples
        if sample.event == event and sample.variant == role and not sample.is_warmup
    ]


def _range(ratio: Ratio) -> str:
    return f"{ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]"
