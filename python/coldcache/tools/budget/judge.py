"""Limits against counts: what is within, what is not, and what could not be counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from coldcache.tools.lab.errors import UsageError

from .baseline import Entry
from .limits import Budget
from .startup import Startup

__all__ = ["COUNTS", "Finding", "Status", "judge", "matching"]

Status = Literal["within", "exceeded", "not counted"]

_MEMORY_TOLERANCE = 0.02
_MEMORY_TOLERANCE_BYTES = 512 * 1024
"""Where the kernel places things moves the lowest peak of some processes by less than this."""
_INSTRUCTIONS_TOLERANCE = 0.001
_INSTRUCTIONS_TOLERANCE_COUNT = 100_000
"""Addresses are keys of some dictionaries, and they differ from process to process."""
COUNTS = ("forbid", "modules", "new_modules", "extension_modules", "files", "bytes")
"""Limits on what is the same in every process, unless the function itself is not."""
_NAMED = 5


@dataclass(frozen=True)
class Finding:
    """One limit.

    Attributes:
        limit: Its key, for `forbid` the pattern too.
        allowed: What is allowed, in the unit of the key.
        found: What was counted; ``None`` if that could not be.
        status: Whether that is within the limit.
        note: What else there is to say.
        modules: Modules that must not be there.
    """

    limit: str
    allowed: float
    found: float | None
    status: Status
    note: str = ""
    modules: tuple[str, ...] = ()


def judge(budget: Budget, startup: Startup, entry: Entry | None) -> list[Finding]:
    """Compare a start with its budget.

    Args:
        budget: The limits.
        startup: What was counted.
        entry: The baseline, if there is one; `new_modules` needs it.

    Raises:
        UsageError: A forbidden module is one that the runtime client loads itself.
    """
    found = list(_forbidden(budget, startup))
    new = None if entry is None else set(startup.modules) - entry.modules
    largest = sorted(startup.files.items(), key=lambda file: (-file[1], file[0]))
    extensions = startup.extension_modules
    counts: dict[str, tuple[int | None, str]] = {
        "modules": (len(startup.modules), ""),
        "new_modules": (None if new is None else len(new), ""),
        "extension_modules": (len(extensions), _listed(extensions)),
        "files": (len(startup.files), ""),
        "bytes": (startup.bytes_read, _listed(f"{name} {size:,}" for name, size in largest)),
    }
    for limit, (count, note) in counts.items():
        allowed = getattr(budget, limit)
        if allowed is not None and count is not None:
            exceeded = count > allowed
            found.append(
                Finding(limit, allowed, count, _status(exceeded), note if exceeded else "")
            )
    if budget.memory is not None:
        slack = max(budget.memory * _MEMORY_TOLERANCE, _MEMORY_TOLERANCE_BYTES)
        found.append(_measured(startup, "memory", startup.memory_bytes, budget.memory, slack))
    if budget.instructions is not None:
        slack = budget.instructions * _INSTRUCTIONS_TOLERANCE
        slack = max(slack, _INSTRUCTIONS_TOLERANCE_COUNT)
        count = startup.instructions
        found.append(_measured(startup, "instructions", count, budget.instructions, slack))
    if budget.time_ratio is not None:
        found.append(_timed(startup, budget.time_ratio))
    return found


def matching(pattern: str, modules: Iterable[str]) -> list[str]:
    """The modules that a pattern of `forbid` means: those of the name, or in the package of it."""
    if any(mark in pattern for mark in "*?["):
        return [name for name in modules if fnmatchcase(name, pattern)]
    return [name for name in modules if name == pattern or name.startswith(f"{pattern}.")]


def _forbidden(budget: Budget, startup: Startup) -> Iterator[Finding]:
    for pattern in budget.forbid:
        if pattern in startup.counts.client_modules:
            raise UsageError(
                f"budget {budget.name!r}: forbid {pattern!r} cannot be kept: the interpreter or "
                "the runtime client loads it itself, whatever the function does"
            )
        hits = matching(pattern, sorted(startup.modules_at_init))
        status = _status(bool(hits))
        yield Finding(f"forbid {pattern}", 0, len(hits), status, modules=tuple(hits))


def _measured(
    startup: Startup, limit: str, count: int | None, allowed: int, slack: float
) -> Finding:
    if count is None:
        return Finding(limit, allowed, None, "not counted", startup.not_counted.get(limit, ""))
    note = ""
    if allowed < count <= allowed + slack:
        note = f"above the limit by no more than the tolerance of {slack:,.0f}"
    return Finding(limit, allowed, count, _status(count > allowed + slack), note)


def _timed(startup: Startup, allowed: float) -> Finding:
    ratio = startup.time_ratio
    if ratio is None:
        reason = startup.not_counted.get("time_ratio", "")
        return Finding("time_ratio", allowed, None, "not counted", reason)
    exceeded = ratio.low > allowed
    note = f"95 % interval {ratio.low:.2f} to {ratio.high:.2f}"
    if ratio.value > allowed and not exceeded:
        note += "; it is not all above the limit, so this may be chance"
    return Finding("time_ratio", allowed, ratio.value, _status(exceeded), note)


def _status(exceeded: bool) -> Status:
    return "exceeded" if exceeded else "within"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    left = len(every) - _NAMED
    return ", ".join(every[:_NAMED]) + (f" and {left} more" if left > 0 else "")


def changes(then: Mapping[str, int], now: Mapping[str, int]) -> dict[str, int]:
    """By how much counts have changed, where they have."""
    return {name: now[name] - then[name] for name in now if now[name] != then.get(name, now[name])}
