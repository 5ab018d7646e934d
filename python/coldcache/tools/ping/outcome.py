"""What became of each ping, and of all of them together."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .plan import PingPlan

__all__ = ["Outcome", "Round", "read_answer"]

Kind = Literal["pong", "throttled", "function error", "no pong", "failed"]

SCHEMA_VERSION = 1
"""Raised when a field is removed or changes its meaning; new fields do not raise it."""

_MOST_ANSWER_BYTES = 64 * 1024  # a pong has a few hundred


@dataclass(frozen=True)
class Outcome:
    """One ping.

    Attributes:
        kind: ``pong``: an environment answered; ``throttled``: the platform had no concurrency
            left; ``function error``: the function raised, ended or ran out of time; ``no pong``:
            the user's handler answered, as it does not recognise pings; ``failed``: no answer.
        seconds: From sending to the answer.
        init_id: Which environment answered, or ``None``.
        start_class: Its start class, as it said.
        is_first: Whether it was the environment's first call, so that the ping has started it.
        warm_up_ok: Whether everything required was warmed up; ``None``: there was nothing to do.
        detail: Type of the error, or ``None``.
    """

    kind: Kind
    seconds: float
    init_id: str | None = None
    start_class: str | None = None
    is_first: bool | None = None
    warm_up_ok: bool | None = None
    detail: str | None = None


@dataclass(frozen=True)
class Round:
    """All pings of one round.

    Attributes:
        plan: What was asked for.
        outcomes: One for each ping.
    """

    plan: PingPlan
    outcomes: tuple[Outcome, ...]

    @property
    def environments(self) -> dict[str, Outcome]:
        """The environments that were reached, each with its first answer."""
        reached: dict[str, Outcome] = {}
        for one in self.outcomes:
            if one.kind == "pong" and one.init_id is not None:
                reached.setdefault(one.init_id, one)
        return reached

    @property
    def kinds(self) -> Counter[Kind]:
        """How often each kind of outcome came."""
        return Counter(one.kind for one in self.outcomes)

    @property
    def started(self) -> int:
        """How many environments the pings have started."""
        return len({one.init_id for one in self.outcomes if one.kind == "pong" and one.is_first})

    def to_document(self) -> dict[str, Any]:
        """The round as plain JSON values."""
        return {
            "schema": "coldcache-ping",
            "schema_version": SCHEMA_VERSION,
            "options": asdict(self.plan),
            "environments": len(self.environments),
            "started": self.started,
            "outcomes": [asdict(one) for one in self.outcomes],
        }


def read_answer(body: bytes, seconds: float) -> Outcome:
    """The outcome of a call that the function answered.

    Args:
        body: What it answered; anything, as it may be the user's handler that did.
        seconds: How long that took.
    """
    pong = None
    if len(body) <= _MOST_ANSWER_BYTES:
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and isinstance(answer.get("coldcache"), dict):
            pong = answer["coldcache"].get("pong")
    if not isinstance(pong, dict) or not isinstance(pong.get("init_id"), str):
        return Outcome("no pong", seconds)
    start_class, is_first = pong.get("start_class"), pong.get("is_first")
    return Outcome(
        "pong",
        seconds,
        init_id=pong["init_id"],
        start_class=start_class if isinstance(start_class, str) else None,
        is_first=is_first if isinstance(is_first, bool) else None,
        warm_up_ok=_warm_up_of(pong.get("warm_up")),
    )


def _warm_up_of(told: object) -> bool | None:
    return bool(told.get("ok")) if isinstance(told, Mapping) else None
