"""The document of a load experiment, read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .fields import Fields
from .lab import Series, read_estimates
from .traces import read_machine

__all__ = ["SCHEMA", "Life", "Load", "Part", "Variant", "read_load"]

SCHEMA = "coldcache-load"

_GB_SECONDS = ("gb_seconds", "provisioned_duration_gb_seconds", "ping_gb_seconds")
_STYLES = ("planned", "plain", "p1", "p4", "p2", "p3", "p5")


@dataclass(frozen=True)
class Part:
    """A share of something, with its interval."""

    count: int
    of: int
    value: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Against:
    """How a variant differs from the first one in something.

    Attributes:
        baseline: The name of the first one.
        difference: A call, in the mean.
        low: Lower end of its interval.
        high: Upper end.
        verdict: In words.
    """

    baseline: str
    difference: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True)
class Life:
    """One environment.

    Attributes:
        number: Within its variant.
        began_s: Its start.
        ready_s: End of init, where it came.
        ended_s: Its end.
        calls: How many it took.
        end_reason: Why it ended.
        answers: From when to when it worked, each with whether the answer was good.
    """

    number: int
    began_s: float
    ready_s: float | None
    ended_s: float
    calls: int
    end_reason: str
    answers: tuple[tuple[float, float, bool], ...]


@dataclass(frozen=True)
class Variant:
    """One variant of the experiment.

    Attributes:
        name: Its name.
        style: The name of its colour.
        calls: By kind: cold, warm, throttled.
        simulated: How many of them were.
        pings: Calls of the strategy itself.
        shares: Shares by name, with their intervals.
        times: Times by name.
        used: Environments that took a call.
        most_at_once: Environments at the same time, at most.
        gb_s: GB-seconds of calls and pings.
        kept_gb_s: GB-seconds of environments that were kept provisioned.
        money: For the whole workload.
        money_a_month: If it went on like this.
        lives: Its environments.
        versus: Differences from the first variant: ``cold``, ``latency_ms``; empty for that one.
    """

    name: str
    style: str
    calls: Mapping[str, int]
    simulated: int
    pings: int
    shares: Mapping[str, Part]
    times: Mapping[str, Series]
    used: int
    most_at_once: int
    gb_s: float
    kept_gb_s: float
    money: float
    money_a_month: float
    lives: tuple[Life, ...]
    versus: Mapping[str, Against]


@dataclass(frozen=True)
class Load:
    """A load experiment."""

    variants: tuple[Variant, ...]
    options: Mapping[str, str]
    machine: Mapping[str, str]
    started_at: str
    elapsed_s: float
    is_partial: bool
    seed: int
    memory_mb: int
    prices: str
    currency: str


def read_load(document: Fields) -> Load:
    """Read the document of an experiment.

    Raises:
        UsageError: Something is missing or is not what it should be; the message names it.
    """
    rows, spans = document.objects("rows"), document.objects("environments")
    prices, options = document.object("prices"), document.object("options")
    return Load(
        variants=tuple(
            _variant(one, _STYLES[place % len(_STYLES)], rows, spans)
            for place, one in enumerate(document.objects("variants"))
        ),
        options={name: options.shown(name) for name in options.names()},
        machine=read_machine(document),
        started_at=document.text("started_at"),
        elapsed_s=document.number("elapsed_s"),
        is_partial=bool(document.maybe_flag("is_partial")),
        seed=document.integer("seed"),
        memory_mb=document.integer("memory_mb"),
        prices=f"{prices.text('region')} {prices.text('name')}, "
        f"list prices of {prices.text('as_of')}",
        currency=prices.text("currency"),
    )


def _variant(
    variant: Fields, style: str, all_rows: list[Fields], all_spans: list[Fields]
) -> Variant:
    name = variant.text("variant")
    rows = [row for row in all_rows if row.text("variant") == name]
    cost, calls, figures = (variant.object(it) for it in ("cost", "kinds", "figures"))
    times = figures.object("times_ms")
    return Variant(
        name=name,
        style=style,
        calls={kind: calls.integer(kind) for kind in calls.names()},
        simulated=variant.object("sources").integer("simulated"),
        pings=variant.integer("pings"),
        shares={
            share: _part(figures.object(share))
            for share in ("cold_share", "startup_errors", "errors", "throttled")
        },
        times={
            time: Series(
                name,
                style,
                times.object(time).integer("n"),
                _values(rows, time),
                read_estimates(times.object(time).object("quantiles")),
            )
            for time in times.names()
        },
        used=figures.integer("environments_used"),
        most_at_once=variant.integer("most_environments"),
        gb_s=sum(map(cost.number, _GB_SECONDS)),
        kept_gb_s=cost.number("provisioned_gb_seconds"),
        money=cost.number("money"),
        money_a_month=cost.number("money_a_month"),
        lives=tuple(_lives(name, rows, all_spans)),
        versus=_versus(variant.object("versus")) if "versus" in variant else {},
    )


def _versus(versus: Fields) -> dict[str, Against]:
    def against(effect: Fields) -> Against:
        difference, low, high = map(effect.number, ("difference", "low", "high"))
        return Against(versus.text("baseline"), difference, low, high, effect.text("verdict"))

    return {name: against(versus.object(name)) for name in ("cold", "latency_ms")}


def _part(share: Fields) -> Part:
    return Part(
        share.integer("count"),
        share.integer("of"),
        share.maybe_number("value"),
        share.number("low"),
        share.number("high"),
    )


def _values(rows: list[Fields], time: str) -> tuple[float, ...]:
    """The latencies that are drawn; the other times are there as quantiles only."""
    kinds = {"latency": ("cold", "warm"), "cold latency": ("cold",), "warm latency": ("warm",)}
    return tuple(
        value
        for row in rows
        if row.text("kind") in kinds.get(time, ())
        and (value := row.maybe_number("latency_ms")) is not None
    )


def _lives(name: str, rows: list[Fields], spans: list[Fields]) -> list[Life]:
    answers: dict[int, list[tuple[float, float, bool]]] = {}
    for row in rows:
        if "environment" in row and "handed_s" in row and "answered_s" in row:
            answers.setdefault(row.integer("environment"), []).append(
                (row.number("handed_s"), row.number("answered_s"), row.text("outcome") == "ok")
            )
    return [
        Life(
            number=span.integer("number"),
            began_s=span.number("began_s"),
            ready_s=span.maybe_number("ready_s"),
            ended_s=span.number("ended_s"),
            calls=span.integer("calls"),
            end_reason=span.text("end_reason"),
            answers=tuple(sorted(answers.get(span.integer("number"), ()))),
        )
        for span in spans
        if span.text("variant") == name
    ]
