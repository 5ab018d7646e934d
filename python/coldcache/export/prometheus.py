"""Metrics for Prometheus to scrape from a service: the text exposition format, version 0.0.4.

Format: prometheus.io, "Exposition formats"; names: "Metric and label naming".
"""

from coldcache.export import names
from coldcache.export._tally import Histogram, Tally

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from coldcache._invocation import Invocation

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""What to serve `Prometheus.render` as."""

LONGEST_VALUE = 1024


class Prometheus:
    """Counts calls, and tells of them when it is asked.

    Nothing is sent, and no port is opened: serve `render` under a path of your own. Labels are
    ``start_class``, ``error_type`` (at most 32 and ``_OTHER``), and those given here. In a server
    of several processes each has its own numbers.

    Args:
        labels: Labels of all metrics, such as the name of the service.

    Raises:
        TypeError: A label is no text with a text.
        ValueError: Prometheus does not take the name of a label, or coldcache uses it.
    """

    def __init__(self, labels: "Mapping[str, str] | None" = None) -> None:
        self._tally = Tally()
        self._labels = ""
        for name, value in (labels or {}).items():
            if not isinstance(name, str) or not isinstance(value, str):
                message = f"a label must be a text with a text, got {name!r}: {value!r}"
                raise TypeError(message)
            is_name = name.isascii() and name.isidentifier() and not name.startswith("__")
            if not is_name or name in ("start_class", "error_type", "le"):
                message = (
                    f"a label must be named with letters, digits and underscores, and not as one "
                    f"of coldcache's own (start_class, error_type, le), got {name!r}"
                )
                raise ValueError(message)
            self._labels += f'{name}="{self._escape(value)}",'

    def _escape(self, value: str) -> str:
        fitted = names.encodable(value, LONGEST_VALUE)
        if fitted != value:
            self._tally.reading.count_cut()
        return fitted.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')

    def emit(self, invocation: "Invocation") -> None:
        """Count one call.

        Args:
            invocation: The facts of the call.
        """
        self._tally.add(invocation)

    def render(self) -> str:
        """Everything counted since the start of the process, as Prometheus reads it."""
        by_metric: dict[str, list[tuple[str | None, float | Histogram]]] = {}
        for (key, label), point in self._tally.points().items():
            by_metric.setdefault(key, []).append((label, point))
        lines: list[str] = []
        for metric in names.TABLE:
            points = by_metric.get(metric.key)
            if points is None:
                continue
            name = metric.prometheus
            kind = {"count": "counter", "duration": "histogram", "gauge": "gauge"}[metric.kind]
            lines += (f"# HELP {name} {metric.description}", f"# TYPE {name} {kind}")
            for label, point in points:
                labels = self._labels
                if label is not None:
                    labels += f'{metric.label}="{self._escape(label)}",'
                if isinstance(point, Histogram):
                    lines += _histogram(name, labels, point)
                else:
                    lines.append(_sample(name, labels, point))
        return "".join(f"{line}\n" for line in lines)


def _histogram(name: str, labels: str, histogram: Histogram) -> "Iterator[str]":
    so_far = 0
    for bound, count in zip((*names.BUCKETS, "+Inf"), histogram.counts, strict=True):
        so_far += count
        yield _sample(f"{name}_bucket", f'{labels}le="{bound}",', so_far)
    yield _sample(f"{name}_sum", labels, histogram.total)
    yield _sample(f"{name}_count", labels, so_far)


def _sample(name: str, labels: str, value: float) -> str:
    return f"{name}{{{labels[:-1]}}} {value!r}" if labels else f"{name} {value!r}"
