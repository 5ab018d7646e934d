"""A workload in one text: ``poisson:5/s``, ``bursts:20@30s``, ``trace:calls.csv.gz#3,17``."""

from __future__ import annotations

from pathlib import Path

from coldcache.tools.lab.errors import UsageError

from .arrivals import Arrivals, Bursts, Constant, OnOff, Poisson, Ramp
from .quantity import parse_count, parse_rate, parse_seconds
from .traces import read_trace

__all__ = ["LOAD_FORMS", "parse_load"]

LOAD_FORMS = (
    "constant:RATE, poisson:RATE, bursts:COUNT@TIME, ramp:RATE-RATE, onoff:RATE,TIME,TIME or "
    "trace:FILE[#FUNCTION,...], where a rate is like 5/s and a time like 30s"
)


def parse_load(text: str, *, seed: int) -> tuple[tuple[str, Arrivals], ...]:
    """Read a workload.

    Args:
        text: See :data:`LOAD_FORMS`.
        seed: Decides what a trace leaves open.

    Returns:
        Names and arrivals of its functions; patterns have one, with an empty name.

    Raises:
        UsageError: The text has another form, or the trace cannot be read.
    """
    kind, colon, rest = text.partition(":")
    if not colon or not rest:
        raise UsageError(f"a load is {LOAD_FORMS}; got {text!r}")
    if kind == "trace":
        file, _, selectors = rest.partition("#")
        chosen = [one.strip() for one in selectors.split(",") if one.strip()]
        return tuple((one.name, one.arrivals) for one in read_trace(Path(file), chosen, seed=seed))
    return (("", _pattern(kind, rest, text)),)


def _pattern(kind: str, rest: str, text: str) -> Arrivals:
    what = f"the rate of {text!r}"
    match kind:
        case "constant":
            return Constant(parse_rate(rest, what))
        case "poisson":
            return Poisson(parse_rate(rest, what))
        case "bursts":
            count, _, every = rest.partition("@")
            return Bursts(
                parse_count(count, f"the size of a burst in {text!r}"),
                parse_seconds(every, f"the time between bursts in {text!r}"),
            )
        case "ramp":
            first, _, last = rest.partition("-")
            return Ramp(
                parse_rate(first, what, allow_zero=True), parse_rate(last, what, allow_zero=True)
            )
        case "onoff":
            parts = rest.split(",")
            if len(parts) == 3:
                return OnOff(
                    parse_rate(parts[0], what),
                    parse_seconds(parts[1], f"the time on in {text!r}"),
                    parse_seconds(parts[2], f"the time off in {text!r}"),
                )
    raise UsageError(f"a load is {LOAD_FORMS}; got {text!r}")
