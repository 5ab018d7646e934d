"""From the facts of calls to values of metrics, the same for every format."""

import _thread
import os

from coldcache.export import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from coldcache._invocation import Invocation

_MOST = 1e15  # seconds or events: more is a mistake of a clock or a counter

_FIRST_CALL = (
    ("init_duration", "init_seconds"),
    ("first_answer_duration", "first_answer_seconds"),
    ("visible_start_duration", "visible_start_seconds"),
    ("first_event_wait", "next_wait_seconds"),
)
_TOTALS = (
    ("cache", "cache_", ("hits", "misses", "loads", "load_errors", "stale", "evictions")),
    ("resources", "resource_", ("rebuilds", "check_failures")),
    ("pools", "pool_", ("saturated",)),
)


class Reading:
    """The values of each call for one exporter, which remembers what it has told already.

    Attributes:
        cut: Texts that the exporter had to change; told with the next call.
    """

    def __init__(self) -> None:
        self._error_types: set[str] = set()
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self.cut = 0
        self._refused = 0
        self._told: dict[str, int] = {}
        self._lock = _thread.allocate_lock()

    def of(self, invocation: "Invocation") -> "list[tuple[names.Metric, str | None, float]]":
        """What to tell of this call: metric, value of its label, value.

        Counts are differences since the call before; those of nothing are left out. Durations are
        in seconds.
        """
        if os.getpid() != self._pid:
            self._begin()  # totals begin anew after a fork, and the lock may be held by nobody
        with self._lock:
            values = []
            for key, label, value in self._values(invocation):
                if _is_sound(value):
                    values.append((names.BY_KEY[key], label, value))
                else:
                    self._refused += 1
            for key, count in (("export_cut", self.cut), ("export_refused", self._refused)):
                if count:
                    values.append((names.BY_KEY[key], None, count))
            self.cut = self._refused = 0
            return values

    def count_cut(self) -> None:
        """Note that a text had to be changed."""
        with self._lock:
            self.cut += 1

    def _values(self, call: "Invocation") -> "Iterator[tuple[str, str | None, float]]":
        if call.is_ping:
            yield "pings", None, 1
        else:
            yield "invocations", None, 1
            yield "invoke_duration", None, call.call_seconds
        if call.error is not None:
            yield "errors", self._error_type(call.error), 1
        yield "own_duration", None, call.own_seconds
        if call.is_first:
            yield from self._of_start(call)
        for attribute, prefix, keys in _TOTALS:
            totals: dict[str, int] = getattr(call, attribute)
            for name in keys:
                count = self._news(prefix + name, totals.get(name, 0))
                if count:
                    yield prefix + name, None, count
        waiting = call.pools.get("waiting", 0)
        if waiting or self._told.get("pool_waiting"):  # and once when nobody waits any more
            yield "pool_waiting", None, waiting
        self._told["pool_waiting"] = waiting

    def _of_start(self, call: "Invocation") -> "Iterator[tuple[str, str | None, float]]":
        yield "starts", call.start_class, 1
        if call.start_class in names.COLD and not call.is_ping:
            yield "cold_starts", call.start_class, 1
            if call.init_seconds is not None:
                yield "cold_start_duration", call.start_class, call.init_seconds
        for key, attribute in _FIRST_CALL:
            seconds = getattr(call, attribute)
            if seconds is not None:
                yield key, call.start_class, seconds
        for kind, count in call.startup_errors.items():
            yield "startup_errors", self._error_type(kind), count

    def _error_type(self, name: str) -> str:
        """A type's name, one of a bounded number."""
        if name not in self._error_types:
            if len(self._error_types) >= names.MOST_ERROR_TYPES:
                return names.OTHER_ERROR
            self._error_types.add(name)
        return name

    def _news(self, key: str, total: object) -> float:
        """How much was added since this was asked last.

        Calls that end side by side may come in another order than they were counted in; a total
        that is behind has been told.
        """
        if not isinstance(total, int):
            return float("nan")
        told = self._told.get(key, 0)
        if total <= told:
            return 0
        self._told[key] = total
        return total - told


def _is_sound(value: object) -> bool:
    # Neither NaN nor infinite, also after a change of unit.
    return isinstance(value, (int, float)) and 0 <= value <= _MOST
