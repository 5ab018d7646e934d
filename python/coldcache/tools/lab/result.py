"""What a run found: every sample, and for each event the figures drawn from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from .answers import Comparison, Fingerprint
from .machine import Machine
from .plan import LabPlan, Role
from .sampler import ModuleCount
from .summary import Ratio, Summary, ratio_of_medians, summarise

__all__ = ["METRICS", "EventResult", "LabResult", "Metric", "MetricResult", "Sample"]

Metric = Literal["init_ms", "first_answer_ms", "warm_answer_ms", "peak_memory_bytes"]
METRICS: tuple[Metric, ...] = get_args(Metric)


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
    first_answer_ms: float
    warm_answer_ms: float
    peak_memory_bytes: int
    memory_source: str
    first_answer: Fingerprint
    warm_answer: Fingerprint


@dataclass(frozen=True)
class MetricResult:
    """One metric on one event.

    Attributes:
        summaries: By role.
        ratio: Target by baseline; ``None`` without a baseline.
    """

    summaries: Mapping[Role, Summary]
    ratio: Ratio | None

    @classmethod
    def of(cls, values: Mapping[Role, Sequence[float]], *, seed: int) -> MetricResult:
        """Draw the figures from the counted samples of each role, in the order of the rounds."""
        ratio = None
        if "baseline" in values:
            ratio = ratio_of_medians(values["target"], values["baseline"], seed=seed)
        return cls({role: summarise(numbers) for role, numbers in values.items()}, ratio)


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


@dataclass(frozen=True)
class LabResult:
    """A finished run.

    Attributes:
        plan: What was asked for.
        machine: Where it ran.
        started_at: Wall clock at the start, ISO 8601 in UTC.
        elapsed_s: How long it took.
        samples: In the order in which they were taken, warm-ups included.
        events: In the order of the plan.
    """

    plan: LabPlan
    machine: Machine
    started_at: str
    elapsed_s: float
    samples: tuple[Sample, ...]
    events: tuple[EventResult, ...]

    @property
    def answers_agree(self) -> bool:
        """Whether the answers to every event were equal."""
        return all(result.answers.verdict == "equal" for result in self.events)
