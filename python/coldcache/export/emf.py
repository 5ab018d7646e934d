"""CloudWatch metrics as lines on standard output: the Embedded Metric Format, one line a call.

Limits and shape: AWS, "Specification: Embedded metric format" (CloudWatch user guide). Imports
nothing that the interpreter and the handler have not loaded: this is part of a cold start.
"""

import sys

from coldcache.export import names
from coldcache.export._quoting import quote
from coldcache.export._reading import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from coldcache._invocation import Invocation

    class Stream(Protocol):
        """What lines are written to."""

        def write(self, text: str, /) -> object: ...  # noqa: D102 - as of every stream
        def flush(self) -> object: ...  # noqa: D102 - likewise


# Of the specification: dimensions of one set, characters of the name and the value of one, and of a
# namespace. Of our own: characters of a member that is no dimension.
MOST_DIMENSIONS = 30
LONGEST_DIMENSION = 250
LONGEST_VALUE = 1024
LONGEST_NAMESPACE = 255
LONGEST_MEMBER = 1024

_FUNCTION = "function_name"
_CLASS = "start_class"
_OF_A_CALL = ("function_version", "platform", "init_id", "request_id", "trace_id", "error")
_RESERVED = frozenset(
    {_FUNCTION, _CLASS, "_aws", "start_rule", "startup_errors", "is_ping", *_OF_A_CALL}
).union(metric.emf for metric in names.TABLE)


class Emf:
    """Writes one line of CloudWatch's Embedded Metric Format for each call.

    Metrics of calls have the dimension ``function_name``, metrics of starts ``start_class`` as
    well. Each set of different values is a metric that CloudWatch bills: request, trace and
    environment are members of the line that Logs Insights finds, never dimensions. Characters that
    CloudWatch does not take become underscores, and what is too long is cut off; both are counted
    in ``ExportCut``.

    Args:
        namespace: Namespace of the metrics in CloudWatch, up to 255 characters.
        dimensions: More dimensions, the same for all calls, such as the name of a service.
        starts_only: Whether a line is written only for the first call of an initialisation, which
            saves the price of the other lines.
        stream: Where to write; by default what ``sys.stdout`` is at the time of each call.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The namespace is blank, there are more than 28 more dimensions, or one of them
            has the name of something else in the line.
    """

    def __init__(
        self,
        namespace: str = "coldcache",
        *,
        dimensions: "Mapping[str, str] | None" = None,
        starts_only: bool = False,
        stream: "Stream | None" = None,
    ) -> None:
        self._reading = Reading()
        if not isinstance(namespace, str):
            message = f"namespace must be a text, got {namespace!r}"
            raise TypeError(message)
        if not namespace.strip():
            message = f"namespace must not be blank, got {namespace!r}"
            raise ValueError(message)
        self._namespace = quote(self._fit(namespace, LONGEST_NAMESPACE))
        self._starts_only = bool(starts_only)
        self._stream = stream
        self._more = self._dimensions(dimensions or {})

    def _dimensions(self, given: "Mapping[str, str]") -> "dict[str, str]":
        most = MOST_DIMENSIONS - 2
        if len(given) > most:
            message = f"there can be {most} dimensions beside coldcache's own two, got {len(given)}"
            raise ValueError(message)
        more: dict[str, str] = {}
        for name, value in given.items():
            if not isinstance(name, str) or not isinstance(value, str):
                message = f"a dimension must be a text with a text, got {name!r}: {value!r}"
                raise TypeError(message)
            fitted = self._fit(name, LONGEST_DIMENSION)
            if fitted in _RESERVED or fitted in more or fitted.startswith(":"):
                message = f"a dimension cannot be named {name!r}: coldcache or CloudWatch uses that"
                raise ValueError(message)
            more[fitted] = quote(self._fit(value, LONGEST_VALUE))
        return more

    def _fit(self, text: object, longest: int) -> str:
        fitted = names.printable(text, longest)
        if fitted != text:
            self._reading.count_cut()
        return fitted

    def emit(self, invocation: "Invocation") -> None:
        """Write the line of one call.

        Args:
            invocation: The facts of the call.

        Raises:
            OSError: The stream cannot be written to.
        """
        if self._starts_only and not invocation.is_first:
            return
        # One write with its newline: a second writer's line must not get between.
        stream = sys.stdout if self._stream is None else self._stream
        stream.write(self.line(invocation) + "\n")
        stream.flush()

    def line(self, invocation: "Invocation") -> str:
        """The line of one call, without a newline: one JSON object in ASCII.

        Args:
            invocation: The facts of the call.
        """
        members = dict(self._more)
        per_call = [quote(name) for name in members]
        if invocation.function_name is not None:
            members[_FUNCTION] = quote(self._fit(invocation.function_name, LONGEST_VALUE))
            per_call.append(quote(_FUNCTION))
        members[_CLASS] = quote(self._fit(invocation.start_class, LONGEST_VALUE))
        per_start = [*per_call, quote(_CLASS)]
        self._describe(invocation, members)
        of_calls: dict[names.Metric, float] = {}
        of_starts: dict[names.Metric, float] = {}
        for metric, _, value in self._reading.of(invocation):
            group = of_starts if metric.label == _CLASS else of_calls
            group[metric] = group.get(metric, 0) + value  # types of errors together
        directives = []
        for dimensions, group in ((per_call, of_calls), (per_start, of_starts)):
            if not group:
                continue
            listed = []
            for metric, value in group.items():
                listed.append(f'{{"Name":"{metric.emf}","Unit":"{metric.emf_unit}"}}')
                members[metric.emf] = _number(metric, value)
            directives.append(
                f'{{"Namespace":{self._namespace},"Dimensions":[[{",".join(dimensions)}]],'
                f'"Metrics":[{",".join(listed)}]}}'
            )
        stamp = _milliseconds(invocation.began_at)
        rest = "".join(f",{quote(name)}:{value}" for name, value in members.items())
        return (
            f'{{"_aws":{{"Timestamp":{stamp},"CloudWatchMetrics":[{",".join(directives)}]}}{rest}}}'
        )

    def _describe(self, invocation: "Invocation", members: "dict[str, str]") -> None:
        """Members that are no metrics: what to look for in the logs."""
        for name in _OF_A_CALL:
            value = getattr(invocation, name)
            if value is not None:
                members[name] = quote(self._fit(value, LONGEST_MEMBER))
        if invocation.is_ping:
            members["is_ping"] = "true"
        if invocation.is_first:
            members["start_rule"] = quote(self._fit(invocation.start_rule, LONGEST_MEMBER))
            listed: list[str] = []
            for kind, count in invocation.startup_errors.items():
                if len(listed) < names.MOST_ERROR_TYPES and isinstance(count, int):
                    listed.append(f"{quote(self._fit(kind, LONGEST_DIMENSION))}:{int(count)}")
            if listed:
                members["startup_errors"] = f"{{{','.join(listed)}}}"


def _number(metric: names.Metric, value: float) -> str:
    if metric.kind == "duration":
        return repr(round(value * 1000, 3))
    return repr(int(value))


def _milliseconds(seconds: float) -> int:
    """A point in time as CloudWatch takes it; one that is no such time is 1970's first moment."""
    return int(seconds * 1000) if 0 <= seconds < 1e12 else 0
