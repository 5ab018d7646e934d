"""Where the facts of a call go: exporters, made from a name, a variable, or given."""

from __future__ import annotations

import atexit

from coldcache._core import _log_warning

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from coldcache._invocation import Invocation

    class Exporter(Protocol):
        """What takes the facts of a call; `flush(timeout_seconds)` is optional."""

        def emit(self, invocation: Invocation, /) -> None: ...


# Seconds that the end of the interpreter waits for what exporters hold back.
_LAST_SECONDS = 1.0


class Exporters:
    """The exporters of one handler; none of them can harm a call.

    They are made when there is something to hand over: what they import is no part of the start.

    Args:
        wanted: Names, which are good, and exporters.

    Attributes:
        failures: How often each exporter raised, by the name of its type.
    """

    def __init__(self, wanted: tuple[Any, ...]) -> None:
        self.failures: dict[str, int] = {}
        self._wanted = wanted
        self._made: list[Any] | None = None

    def emit(self, invocation: Invocation) -> None:
        """Hand the facts of a call to each exporter."""
        for exporter in self._exporters():
            try:
                exporter.emit(invocation)
            except Exception as error:  # noqa: BLE001 - the request was answered
                self._failed(type(exporter).__name__, error)

    def flush(self, timeout_seconds: float) -> None:
        """Have each exporter send what it holds back, together within so many seconds."""
        exporters = self._exporters()
        for exporter in exporters:
            flush = getattr(exporter, "flush", None)
            if flush is None:
                continue
            try:
                flush(timeout_seconds / len(exporters))
            except Exception as error:  # noqa: BLE001 - nobody waits for it
                self._failed(type(exporter).__name__, error)

    def _exporters(self) -> list[Any]:
        if self._made is None:
            self._made = []
            for one in self._wanted:
                try:
                    self._made.append(_make(one) if isinstance(one, str) else one)
                except Exception as error:  # noqa: BLE001 - the request was answered
                    self._failed(str(one).partition(":")[0], error)
            if any(hasattr(one, "flush") for one in self._made):
                atexit.register(self.flush, _LAST_SECONDS)
        return self._made

    def _failed(self, name: str, error: Exception) -> None:
        count = self.failures[name] = self.failures.get(name, 0) + 1
        if count == 1:
            _log_warning(
                f"exporter {name} failed ({type(error).__name__}); said once, counted from now on"
            )


def _make(given: str) -> Any:
    kind, _, where = given.partition(":")
    if kind == "jsonl":
        from coldcache.export.jsonl import JsonLines  # noqa: PLC0415 - where it is asked for

        return JsonLines(where)
    if kind == "otlp":
        from coldcache.export.otlp import Otlp  # noqa: PLC0415 - likewise

        return Otlp(where)
    from coldcache.export.emf import Emf  # noqa: PLC0415 - likewise

    return Emf()
