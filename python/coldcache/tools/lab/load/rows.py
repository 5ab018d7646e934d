"""What a load experiment leaves behind: a row a call, a span an environment, and the whole.

Plain data for reports and documents. Times are seconds from the begin of the experiment, as long as
they really took: where a workload was compressed, the options say by how much.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from coldcache.tools.lab.machine import Machine

__all__ = ["EnvironmentSpan", "Kind", "LoadResult", "Row", "Source"]

Kind = Literal["cold", "warm", "throttled"]
Source = Literal["process", "simulated"]


@dataclass(frozen=True)
class Row:
    """One call.

    Attributes:
        number: Its place in the order of arrivals, from 0; the same seed gives the same order.
        arrived_s: When it was due, whether or not the lab was on time.
        handed_s: When the process was given the event; `None` if it never was.
        first_byte_s: First byte of the answer.
        answered_s: Last byte of the answer.
        environment: Which environment took it; `None` for a throttled call.
        kind: `cold` when an init is part of the latency.
        start_class: How its environment was started; `warm` for a warm call.
        init_ms: Init that this call waited for; `None` when warm.
        queued_ms: From arrival until an environment took it, or until it was turned away.
        handler_ms: From handing out to the end of the answer, without init.
        latency_ms: From arrival to the end of the answer.
        outcome: `ok`, `error`, `timeout`, `crash`, `init_error`, `init_timeout`, `too_large` or
            `throttled`.
        error: Type of the failure; never what a payload said.
        source: Whether a real process answered, or the simulator drew from measured times.
        variant: Name of the strategy or function that is compared.
        function: Which function of the workload was called.
    """

    number: int
    arrived_s: float
    handed_s: float | None
    first_byte_s: float | None
    answered_s: float | None
    environment: int | None
    kind: Kind
    start_class: str
    init_ms: float | None
    queued_ms: float
    handler_ms: float | None
    latency_ms: float | None
    outcome: str
    error: str | None
    source: Source
    variant: str
    function: str


@dataclass(frozen=True)
class EnvironmentSpan:
    """The life of one environment.

    Attributes:
        number: Its number within the variant, in the order of the starts.
        variant: As in its rows.
        began_s: Its start; 0 or less when it was there before the first call.
        ready_s: End of its first init; `None` if that never came.
        ended_s: Its end, by keep-alive, schedule, or the end of the experiment.
        calls: How many calls it took.
        end_reason: `idle`, `scaled-in`, `experiment-end` or `stopped`.
        function: Which function it ran.
        is_provisioned: Whether it was kept by a strategy instead of started by a call.
        source: As in its rows.
    """

    number: int
    variant: str
    began_s: float
    ready_s: float | None
    ended_s: float
    calls: int
    end_reason: str
    function: str = ""
    is_provisioned: bool = False
    source: Source = "process"


@dataclass(frozen=True)
class LoadResult:
    """A finished or stopped experiment.

    Attributes:
        rows: The calls of the workload: variant by variant, in the order of arrival.
        environments: Variant by variant, in the order of the starts.
        seed: What all random draws came from.
        options: What was asked for, as plain data; values of variables are not in it.
        machine: Where it ran.
        started_at: Wall clock at the start, ISO 8601 in UTC.
        elapsed_s: How long everything took, measuring for the simulator included.
        memory_mb: Memory size that money is counted with.
        is_partial: It was stopped: rows of calls that had not been answered are missing.
        pings: Calls of warming strategies; not part of the workload, but of its cost.
    """

    rows: tuple[Row, ...]
    environments: tuple[EnvironmentSpan, ...]
    seed: int
    options: Mapping[str, Any]
    machine: Machine
    started_at: str
    elapsed_s: float
    memory_mb: int
    is_partial: bool
    pings: tuple[Row, ...] = field(default=())

    def by_variant(
        self,
    ) -> Iterator[tuple[str, tuple[Row, ...], tuple[EnvironmentSpan, ...]]]:
        """Yield each variant that has begun, in their order, with its rows and environments."""
        begun = [row.variant for row in self.rows] + [span.variant for span in self.environments]
        for name in dict.fromkeys(begun):
            yield (
                name,
                tuple(row for row in self.rows if row.variant == name),
                tuple(span for span in self.environments if span.variant == name),
            )
