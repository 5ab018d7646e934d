"""The plan under the real runtime client: the lock applied by the bootstrap, events over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from coldcache.tools.lab.errors import FunctionError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.sampler import Course, Limits, Sampler
from coldcache.tools.lab.target import Target

from .same import Same

__all__ = ["prove_in_client"]

_PROOFS = 2
_CALLS = 2


def prove_in_client(
    target: Target,
    events: Sequence[Event],
    same: Same,
    *,
    python: Path,
    plain: Mapping[str, str],
    planned: Mapping[str, str],
    limits: Limits,
) -> str:
    """Compare first and warm answers with and without the plan.

    Args:
        target: The function.
        events: What to call it with, a process each.
        same: Compares answers.
        python: Its interpreter.
        plain: Environment without the plan.
        planned: Environment that applies it.
        limits: How long a process may take.

    Returns:
        What is wrong with the plan; empty when nothing is.

    Raises:
        FunctionError: The function fails without the plan.
    """

    def follow(environment: Mapping[str, str], event: Event) -> Course:
        sampler = Sampler(target, python=python, environment=environment, limits=limits)
        return sampler.follow(event, calls=_CALLS)

    for event in events:
        before = follow(plain, event)
        for _ in range(_PROOFS):
            try:
                after = follow(planned, event)
            except FunctionError as error:
                return str(error)
            for which, one, other in zip(("first", "warm"), before.calls, after.calls, strict=True):
                if not same(
                    one.body.decode("utf-8", "replace"), other.body.decode("utf-8", "replace")
                ):
                    return f"the {which} answer to event {event.name!r} is another one"
    return ""
