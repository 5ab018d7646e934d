"""What the caches, resources and pools of the process have counted together, for metrics."""

import os
import sys

from coldcache._core import _totals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What a parent of a fork had counted: not this process's.
_before: dict[str, int] = {}


def of_caches() -> dict[str, int]:
    """What all caches have counted since the start of this process; `_core._totals` says what."""
    return _totals()


def of_holdings() -> tuple[dict[str, int], dict[str, int]]:
    """What resources and pools have counted.

    Returns:
        Of both, ``rebuilds`` and ``check_failures``; of pools, ``saturated``, and how many callers
        are ``waiting`` now. All but the last since the start of this process.
    """
    registry: Any = sys.modules.get("coldcache._registry")
    if registry is None:
        return {"rebuilds": 0, "check_failures": 0}, {"saturated": 0, "waiting": 0}
    counted = _count(registry)
    waiting = counted.pop("waiting")
    counted = {key: max(0, count - _before.get(key, 0)) for key, count in counted.items()}
    saturated = counted.pop("saturated")
    return counted, {"saturated": saturated, "waiting": waiting}


def _count(registry: "Any") -> dict[str, int]:
    counted = {"rebuilds": 0, "check_failures": 0, "saturated": 0, "waiting": 0}
    for member in registry.registered():
        stats = member.stats()
        counted["rebuilds"] += sum(stats["replaced"].values())
        for key in ("check_failures", "saturated", "waiting"):
            counted[key] += stats.get(key, 0)
    return counted


def _after_fork() -> None:
    _before.clear()
    registry = sys.modules.get("coldcache._registry")
    if registry is not None:
        _before.update(_count(registry))


os.register_at_fork(after_in_child=_after_fork)
