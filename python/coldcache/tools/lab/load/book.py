"""What happened, written down while it happens: rows of calls, spans of environments."""

from __future__ import annotations

from .measured import ServiceTime
from .pool import Slot
from .rows import EnvironmentSpan, Row, Source
from .workload import Call

__all__ = ["Book"]


class Book:
    """The rows and spans of one variant.

    Args:
        variant: Its name.
    """

    def __init__(self, variant: str) -> None:
        self._variant = variant
        self._rows: list[Row] = []
        self._pings: list[Row] = []
        self._spans: list[EnvironmentSpan] = []
        self._ready_s: dict[int, float | None] = {}
        self._sources: dict[int, Source] = {}

    @property
    def answered(self) -> int:
        """How many calls of the workload have a row."""
        return len(self._rows)

    def rows(self) -> tuple[Row, ...]:
        """The calls of the workload, in the order of arrival."""
        return tuple(sorted(self._rows, key=lambda row: row.number))

    def pings(self) -> tuple[Row, ...]:
        """The calls of the strategy, in the order of arrival."""
        return tuple(sorted(self._pings, key=lambda row: row.number))

    def spans(self) -> tuple[EnvironmentSpan, ...]:
        """The environments that have ended, in the order of their starts."""
        return tuple(sorted(self._spans, key=lambda span: span.number))

    def began(self, slot: Slot, source: Source) -> None:
        """An environment is being started."""
        self._ready_s[slot.number] = None
        self._sources[slot.number] = source

    def ready(self, slot: Slot, at_s: float) -> None:
        """Its first init has ended."""
        self._ready_s[slot.number] = at_s

    def ended(self, slot: Slot, at_s: float, reason: str) -> None:
        """An environment has ended."""
        self._spans.append(
            EnvironmentSpan(
                number=slot.number,
                variant=self._variant,
                began_s=slot.began_s,
                ready_s=self._ready_s.pop(slot.number, None),
                ended_s=at_s,
                calls=slot.calls,
                end_reason=reason,
                function=slot.function,
                is_provisioned=slot.is_provisioned,
                source=self._sources.pop(slot.number, "simulated"),
            )
        )

    def called(
        self, slot: Slot, call: Call, taken_s: float, took: ServiceTime, source: Source
    ) -> None:
        """A call has been answered, or has failed in an environment.

        Args:
            slot: The environment.
            call: The call.
            taken_s: When the environment began with it.
            took: How it went from there.
            source: Where that comes from.
        """
        answered_s = taken_s + took.total_s
        self._add(
            call,
            Row(
                number=call.number,
                arrived_s=call.arrived_s,
                handed_s=taken_s + took.handed_s,
                first_byte_s=None if took.first_byte_s is None else taken_s + took.first_byte_s,
                answered_s=answered_s,
                environment=slot.number,
                kind="cold" if took.is_cold else "warm",
                start_class=took.start_class,
                init_ms=None if took.init_s is None else took.init_s * 1e3,
                queued_ms=max(0.0, taken_s - call.arrived_s) * 1e3,
                handler_ms=took.handler_s * 1e3,
                latency_ms=(answered_s - call.arrived_s) * 1e3,
                outcome=took.outcome,
                error=took.error,
                source=source,
                variant=self._variant,
                function=call.function,
            ),
        )

    def throttled(self, call: Call, at_s: float, source: Source) -> None:
        """A call has been turned away."""
        self._add(
            call,
            Row(
                number=call.number,
                arrived_s=call.arrived_s,
                handed_s=None,
                first_byte_s=None,
                answered_s=None,
                environment=None,
                kind="throttled",
                start_class="throttled",
                init_ms=None,
                queued_ms=max(0.0, at_s - call.arrived_s) * 1e3,
                handler_ms=None,
                latency_ms=None,
                outcome="throttled",
                error=None,
                source=source,
                variant=self._variant,
                function=call.function,
            ),
        )

    def cut(self, now_s: float) -> None:
        """Forget calls that have an answer only later: simulated ones, when a run is stopped."""
        for rows in (self._rows, self._pings):
            rows[:] = [row for row in rows if (row.answered_s or 0.0) <= now_s]

    def _add(self, call: Call, row: Row) -> None:
        (self._pings if call.is_ping else self._rows).append(row)
