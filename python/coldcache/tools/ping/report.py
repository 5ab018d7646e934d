"""A round of pings for a reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from statistics import median

from rich.console import Console
from rich.text import Text

from .outcome import Round

__all__ = ["print_round"]


def print_round(result: Round, console: Console) -> None:
    """Print what was reached, and what it says.

    Args:
        result: A finished round.
        console: Where to.
    """
    for line in _lines(result):
        console.print(Text(line), soft_wrap=True)


def _lines(result: Round) -> Iterator[str]:
    reached, count = result.environments, result.plan.count
    pings = "1 ping" if count == 1 else f"{count} pings"
    found = "1 environment" if len(reached) == 1 else f"{len(reached)} environments"
    yield f"{pings} reached {found} of {result.plan.function}, {result.started} of them new"
    if reached:
        classes = Counter(one.start_class or "unknown" for one in reached.values())
        yield "start classes: " + ", ".join(f"{name} {n}" for name, n in classes.most_common())
        times = sorted(one.seconds for one in result.outcomes if one.kind == "pong")
        yield f"answers: median {median(times):.3f} s, slowest {times[-1]:.3f} s"
    unwell = sum(one.warm_up_ok is False for one in reached.values())
    if unwell:
        yield f"warm-up: not complete in {unwell} of {found}; the function's log says why"
    for kind, number in result.kinds.items():
        if kind != "pong":
            details = {one.detail for one in result.outcomes if one.kind == kind and one.detail}
            yield f"{kind}: {number}" + (f" ({', '.join(sorted(details))})" if details else "")
    if result.kinds["no pong"]:
        yield "no pong: the handler does not recognise pings; put @coldcache.handler on it"
    again = result.kinds["pong"] - len(reached)
    if again:
        yield f"{again} came to an environment that had answered already: hold longer, with --hold"
