"""What a run found: every sample, and for each event the figures drawn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from .answers import Comparison, Fingerprint
from .figures.verdict import FALSE_ALARM_RATE, Effect, Verdict, compare, least_rounds, worst
from .machine import Machine
from .plan import LabPlan, Role
from .sampler import ModuleCount
from .summary import Ratio, Summary, ratio_of_medians, summarise

__all__ = [
    "LEAST_DIFFERENCE",
    "METRICS",
    "EventResult",
    "LabResult",
    "Metric",
    "MetricResult",
    "Sample",
    "alarm_rate",
    "least_runs",
]

Metric = Literal[
    "init_ms", "first_call_ms", "first_answer_ms", "warm_answer_ms", "peak_memory_bytes"
]
METRICS: tuple[Metric, ...] = get_args(Metric)

LEAST_DIFFERENCE: Mapping[Metric, float] = {
    "init_ms": 0.2,
    "first_call_ms": 0.2,
    "first_answer_ms": 0.2,
    "warm_answer_ms": 0.2,
    "peak_memory_bytes": 256 * 1024,
}
"""No difference below this counts, however small the figure is: it is as large as what a call of
an empty function and the pages of an empty process vary by."""


_MAIN: Metric = "first_answer_ms"
_SHARE_OF_MAIN = 0.5


def alarm_rate(plan: LabPlan, metric: Metric) -> float:
    """The part of a run's rate of false alarms that the verdict on a metric of one event has.

    Init and first answer together are what a user waits for: they have half of it.
    """
    share = _SHARE_OF_MAIN if metric == _MAIN else (1 - _SHARE_OF_MAIN) / (len(METRICS) - 1)
    return FALSE_ALARM_RATE * share / len(plan.events)


def least_runs(plan: LabPlan) -> int:
    """How many rounds a run needs for a verdict on every metric."""
    return max(least_rounds(alarm_rate(plan, metric)) for metric in METRICS)


@dataclass(frozen=True)
class Sample:
    """One process, in the place of the schedule where it ran.

    Attributes:
        round: From zero, warm-up rounds included.
        position: Place within the round.
        is_warmup: Whether it is left out of the figures.
        variant: Role of the function.
        event: Name of the event.
        init_ms: From spawn to the first ``next``.
        first_byte_ms: From spawn to the first byte of the first answer.
        first_answer_ms: From spawn to the end of the first answer.
        warm_answer_ms: From handing out the event again to the end of its answer.
        peak_memory_bytes: Largest resident set.
        memory_source: ``VmHWM`` or ``ru_maxrss``.
        first_answer: Fingerprint of the first answer.
        warm_answer: Fingerprint of the warm answer.
    """

    round: int
    position: int
    is_warmup: bool
    variant: Role
    event: str
    init_ms: float
    first_byte_ms: float
    first_answer_ms: float
    warm_answer_ms: float
    peak_memory_bytes: int
    memory_source: str
    first_answer: Fingerprint
    warm_answer: Fingerprint

    @property
    def first_call_ms(self) -> float:
        """From the first ``next`` to the end of the first answer: what init did not pay for."""
        return self.first_answer_ms - self.init_ms


@dataclass(frozen=True)
class MetricResult:
    """One metric on one event.

    Attributes:
        summaries: By role.
        ratio: Target by baseline; ``None`` without a baseline.
        effect: The difference and the verdict on it; ``None`` without a baseline.
    """

    summaries: Mapping[Role, Summary]
    ratio: Ratio | None
    effect: Effect | None

    @classmethod
    def of(
        cls,
        metric: Metric,
        values: Mapping[Role, Sequence[float]],
        *,
        seed: int,
        relevant_percent: float,
        rate: float,
    ) -> MetricResult:
        """Draw the figures of one metric.

        Args:
            metric: Which one.
            values: The counted samples of each role, in the order of the rounds.
            seed: Of the resampling.
            relevant_percent: The least difference that counts, in percent of the baseline's median.
            rate: Of false alarms.
        """
        summaries = {role: summarise(numbers) for role, numbers in values.items()}
        if "baseline" not in values:
            return cls(summaries, None, None)
        share = relevant_percent / 100 * summaries["baseline"].median
        return cls(
            summaries,
            ratio_of_medians(values["target"], values["baseline"], seed=seed),
            compare(
                values["target"],
                values["baseline"],
                relevant=max(share, LEAST_DIFFERENCE[metric]),
                rate=rate,
                seed=seed,
            ),
        )


@dataclass(frozen=True)
class EventResult:
    """Everything about one event.

    Attributes:
        event: Its name.
        metrics: By metric.
        modules: By role.
        answers: Whether the answers agree.
    """

    event: str
    metrics: Mapping[Metric, MetricResult]
    modules: Mapping[Role, ModuleCount]
    answers: Comparison

    @property
    def verdict(self) -> Verdict | None:
        """The verdicts on all metrics in one; ``None`` without a baseline."""
        effects = [it.effect for it in self.metrics.values() if it.effect is not None]
        return worst(effect.verdict for effect in effects) if effects else None


@dataclass(frozen=True)
class LabResult:
    """A finished or stopped run.

    Attributes:
        plan: What was asked for.
        machine: Where it ran.
        started_at: Wall clock at the start, ISO 8601 in UTC.
        elapsed_s: How long it took.
        samples: In the order in which they were taken, warm-ups included.
        events: In the order of the plan.
        is_partial: It was stopped: samples and figures are those of the rounds before that.
    """

    plan: LabPlan
    machine: Machine
    started_at: str
    elapsed_s: float
    samples: tuple[Sample, ...]
    events: tuple[EventResult, ...]
    is_partial: bool = False

    @property
    def rounds(self) -> int:
        """How many rounds the figures are drawn from."""
        return len({sample.round for sample in self.samples if not sample.is_warmup})

    @property
    def answers_agree(self) -> bool:
        """Whether the answers to every event were equal."""
        return all(result.answers.verdict == "equal" for result in self.events)

    @property
    def verdict(self) -> Verdict | None:
        """The verdicts on all events in one; ``None`` without a baseline."""
        found = [verdict for it in self.events if (verdict := it.verdict) is not None]
        return worst(found) if found else None
