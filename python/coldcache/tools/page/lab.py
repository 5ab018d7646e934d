"""The document of ``coldcache lab``, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .fields import Fields
from .outcome import Judged, Measured, Metric, Spread
from .traces import read_machine

__all__ = ["SCHEMA", "Estimate", "Lab", "LabEvent", "Series", "read_estimates", "read_lab"]

SCHEMA = "coldcache-lab"

_MEGABYTE = 1_000_000
_METRICS = {
    "init_ms": ("init_ms", 1.0),
    "first_call_ms": ("first_answer_ms", 1.0),
    "first_answer_ms": ("init_plus_first_ms", 1.0),
    "warm_answer_ms": ("warm_answer_ms", 1.0),
    "peak_memory_bytes": ("peak_memory_mb", 1 / _MEGABYTE),
}
"""What a page calls a figure of the lab, and the factor to its unit."""

_ROLES = {"target": "planned", "baseline": "plain"}
"""The colours of a page, by role: the baseline looks like what an optimisation starts from."""


@dataclass(frozen=True)
class Estimate:
    """A figure and its interval, as far as there is one."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Series:
    """One sample of one figure.

    Attributes:
        label: Whose it is.
        style: The name of its colour.
        n: How many values it has.
        values: In the order in which they were taken; may be left out where none is drawn.
        quantiles: By name.
    """

    label: str
    style: str
    n: int
    values: tuple[float, ...]
    quantiles: Mapping[str, Estimate]


@dataclass(frozen=True)
class LabEvent:
    """Everything about one event.

    Attributes:
        event: Its name.
        answers: ``equal``, ``different`` or ``unstable``.
        series: By figure, target first.
        measured: The comparison, where there is a baseline.
        judged: Verdicts by figure, likewise.
        modules: Modules by label, at the first answer.
    """

    event: str
    answers: str
    series: Mapping[str, tuple[Series, ...]]
    measured: Measured | None
    judged: Mapping[str, Judged]
    modules: Mapping[str, int]


@dataclass(frozen=True)
class Lab:
    """A run of the lab."""

    target: str
    baseline: str | None
    labels: Mapping[str, str]
    machine: Mapping[str, str]
    started_at: str
    elapsed_s: float
    runs: int
    warmups: int
    relevant_percent: float
    false_alarm_rate: float
    verdict: str | None
    events: tuple[LabEvent, ...]


def read_lab(document: Fields) -> Lab:
    """Read the document of a run.

    Raises:
        UsageError: Something is missing or is not what it should be; the message names it.
    """
    options = document.object("options")
    baseline = options.maybe_text("baseline")
    roles = ["target"] if baseline is None else ["target", "baseline"]
    named = options.object("labels")
    labels = {role: named.text(role) for role in roles}
    taken = [one for one in document.objects("samples") if not one.maybe_flag("is_warmup")]
    return Lab(
        target=options.text("target"),
        baseline=baseline,
        labels=labels,
        machine=read_machine(document),
        started_at=document.text("started_at"),
        elapsed_s=document.number("elapsed_s"),
        runs=options.integer("runs"),
        warmups=options.integer("warmups"),
        relevant_percent=options.number("relevant_percent"),
        false_alarm_rate=document.number("false_alarm_rate"),
        verdict=document.maybe_text("verdict"),
        events=tuple(_event(one, taken, labels) for one in document.objects("results")),
    )


def read_estimates(quantiles: Fields, factor: float = 1.0) -> dict[str, Estimate]:
    """Quantiles with their intervals, by name."""
    found = {}
    for name in quantiles.names():
        one = quantiles.object(name)
        low, high = one.maybe_number("low"), one.maybe_number("high")
        found[name] = Estimate(
            one.number("value") * factor,
            None if low is None else low * factor,
            None if high is None else high * factor,
        )
    return found


def _event(result: Fields, taken: list[Fields], labels: Mapping[str, str]) -> LabEvent:
    event, metrics = result.text("event"), result.object("metrics")
    mine = [one for one in taken if one.text("event") == event]
    series = {}
    judged = {}
    for name, (title, factor) in _METRICS.items():
        metric = metrics.object(name)
        series[title] = tuple(
            Series(
                label=label,
                style=_ROLES[role],
                n=metric.object(role).integer("n"),
                values=tuple(
                    _value(one, name) * factor for one in mine if one.text("variant") == role
                ),
                quantiles=read_estimates(metric.object(role).object("quantiles"), factor),
            )
            for role, label in labels.items()
        )
        if "effect" in metric:
            effect = metric.object("effect")
            ends = (effect.number(end) * factor for end in ("difference", "low", "high"))
            judged[title] = Judged(Spread(*ends), effect.text("verdict"))
    counts = result.object("modules")
    modules = {role: counts.object(role).integer("at_first_answer") for role in labels}
    answers = result.object("answers").text("verdict")
    ratios = {title: _ratio(metrics.object(name)) for name, (title, _) in _METRICS.items()}
    return LabEvent(
        event=event,
        answers=answers,
        series=series,
        measured=_measured(event, answers, series, ratios, modules) if judged else None,
        judged=judged,
        modules={labels[role]: number for role, number in modules.items()},
    )


def _value(sample: Fields, metric: str) -> float:
    if metric == "first_call_ms":
        return sample.number("first_answer_ms") - sample.number("init_ms")
    return sample.number(metric)


def _ratio(metric: Fields) -> Spread | None:
    if "ratio" not in metric:
        return None
    ratio = metric.object("ratio")
    return Spread(*(ratio.number(name) for name in ("value", "low", "high")))


def _measured(
    event: str,
    answers: str,
    series: Mapping[str, tuple[Series, ...]],
    ratios: Mapping[str, Spread | None],
    modules: Mapping[str, int],
) -> Measured:
    return Measured(
        event=event,
        answers_equal=answers == "equal",
        metrics=tuple(
            Metric(
                name=title,
                spreads={one.style: _spread(one) for one in found},
                samples={one.style: one.values for one in found},
                ratio=ratios[title],
            )
            for title, found in series.items()
        ),
        modules={_ROLES[role]: number for role, number in modules.items()},
    )


def _spread(one: Series) -> Spread:
    """The median with its interval; the whole range where there are too few for one."""
    middle = one.quantiles["p50"]
    low = min(one.values) if middle.low is None else middle.low
    high = max(one.values) if middle.high is None else middle.high
    return Spread(middle.value, low, high)
