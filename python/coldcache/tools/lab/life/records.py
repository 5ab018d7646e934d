"""What is seen of an execution environment from outside. All times are of the monotonic clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["CallRecord", "EndRecord", "Outcome", "StartClass", "StartRecord"]

Outcome = Literal[
    "ok", "error", "timeout", "crash", "init_error", "init_timeout", "too_large", "throttled"
]
StartClass = Literal[
    "on-demand", "proactive", "provisioned", "restored", "managed-instance", "re-init", "warm"
]


@dataclass(frozen=True)
class StartRecord:
    """How the first start of an environment went.

    Attributes:
        environment: Number of the environment.
        spawned_ns: Just before its process was spawned, or its restore asked for.
        init_done_ns: Its first ``next``; of several workers, the last one's. ``None`` if none came.
        init_ms: The time between the two.
        start_class: What kind of start it was.
        outcome: ``ok``, ``init_error``, ``init_timeout`` or ``crash``.
        error: What went wrong, in words.
        notes: Parts of the life that this machine could not imitate, in words.
        snapshot_init_ms: Under SnapStart, the init before the snapshot; ``init_ms`` is the restore.
    """

    environment: int
    spawned_ns: int
    init_done_ns: int | None
    init_ms: float | None
    start_class: StartClass
    outcome: Outcome
    error: str | None
    notes: tuple[str, ...] = ()
    snapshot_init_ms: float | None = None


@dataclass(frozen=True)
class CallRecord:
    """How one call went.

    Attributes:
        environment: Number of the environment.
        handed_ns: Just before the event was sent; where an init ran inside the call, just before
            its process was spawned.
        first_byte_ns: When the first byte of the answer was there.
        answered_ns: When its last byte was there, or the failure was certain.
        is_cold: Whether the request waited for an init or a restore.
        start_class: What kind of start came before it; ``warm`` if none did since the last call.
        init_ms: The init or restore that ran inside or before this call; ``None`` when warm.
        outcome: How it ended.
        error: What went wrong, in words.
        answer_sha256: Fingerprint of the answer.
        answer_bytes: Its length.
        peak_memory_bytes: Largest resident set of the process so far.
    """

    environment: int
    handed_ns: int
    first_byte_ns: int | None
    answered_ns: int
    is_cold: bool
    start_class: StartClass
    init_ms: float | None
    outcome: Outcome
    error: str | None
    answer_sha256: str | None
    answer_bytes: int
    peak_memory_bytes: int | None

    @property
    def handler_ms(self) -> float:
        """The call without an init that ran inside it."""
        inside = self.init_ms or 0.0 if self.start_class == "re-init" else 0.0
        return max(0.0, (self.answered_ns - self.handed_ns) / 1e6 - inside)


@dataclass(frozen=True)
class EndRecord:
    """How an environment ended.

    Attributes:
        environment: Number of the environment.
        asked_ns: When it was asked to end.
        ended_ns: When nothing of it was left.
        ended_by: ``exit``: its process ended within the time given; ``SIGKILL``: it was killed;
            ``gone``: it had ended before, or was never there.
        exit_status: How its last process ended, in words; ``None`` if there was none.
        strays: Processes the function had left running, all killed.
    """

    environment: int
    asked_ns: int
    ended_ns: int
    ended_by: Literal["exit", "SIGKILL", "gone"]
    exit_status: str | None
    strays: int = 0
