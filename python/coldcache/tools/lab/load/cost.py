"""What a workload and the strategy that served it would cost on the platform.

Counted with the platform's rules and the times that were measured here: a duration is billed by the
millisecond, rounded up, and an init that a call waited for is billed with it (since August 2025).
Provisioned time is billed whether used or not, each window rounded up to five minutes of the
workload; inits ahead of calls are left out, they are a few seconds in all. Throttled calls are
free.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from .prices import PriceList
from .rows import LoadResult, Row
from .strategy import Strategy, parse_strategies

__all__ = ["Cost", "cost_of"]

_MONTH_S = 30 * 86_400.0
_MB_PER_GB = 1024.0


@dataclass(frozen=True)
class Cost:
    """The bill of one variant, for the whole workload.

    Attributes:
        requests: Billed calls, pings included.
        gb_seconds: Of the workload's calls, in environments on demand.
        provisioned_duration_gb_seconds: Of its calls in provisioned environments.
        ping_gb_seconds: Of the pings.
        provisioned_gb_seconds: Of keeping provisioned environments.
        money: All of it, and the scheduler's calls.
        money_a_month: The same, if the workload went on like this for 30 days.
        currency: Of both.
    """

    requests: int
    gb_seconds: float
    provisioned_duration_gb_seconds: float
    ping_gb_seconds: float
    provisioned_gb_seconds: float
    money: float
    money_a_month: float
    currency: str


def cost_of(result: LoadResult, variant: str, prices: PriceList) -> Cost:
    """Draw up the bill of one variant.

    Args:
        result: A finished experiment. One that was stopped is billed for what it got to see.
        variant: Which strategy.
        prices: What things cost.
    """
    memory_gb = result.memory_mb / _MB_PER_GB
    provisioned = {
        span.number
        for span in result.environments
        if span.variant == variant and span.is_provisioned
    }
    calls = [row for row in result.rows if row.variant == variant]
    pings = [row for row in result.pings if row.variant == variant]
    kept = [row for row in calls if row.environment in provisioned]
    on_demand = [row for row in calls if row.environment not in provisioned]
    kept_pings = [row for row in pings if row.environment in provisioned]
    demand_pings = [row for row in pings if row.environment not in provisioned]
    workload_s = float(result.options["duration_s"])
    (strategy,) = parse_strategies(variant)
    functions = len(result.options["functions"])
    kept_s = _provisioned_s(strategy, workload_s, prices.provisioned_unit_s) * functions
    requests = sum(row.kind != "throttled" for row in (*calls, *pings))
    money = (
        requests * prices.request
        + len(pings) * prices.scheduled_call
        + _billed_s((*on_demand, *demand_pings)) * memory_gb * prices.gb_second
        + _billed_s((*kept, *kept_pings)) * memory_gb * prices.provisioned_duration_gb_second
        + kept_s * memory_gb * prices.provisioned_gb_second
    )
    return Cost(
        requests=requests,
        gb_seconds=_billed_s(on_demand) * memory_gb,
        provisioned_duration_gb_seconds=_billed_s(kept) * memory_gb,
        ping_gb_seconds=_billed_s(pings) * memory_gb,
        provisioned_gb_seconds=kept_s * memory_gb,
        money=money,
        money_a_month=money * _MONTH_S / workload_s,
        currency=prices.currency,
    )


def _billed_s(rows: Iterable[Row]) -> float:
    return sum(math.ceil((row.handler_ms or 0.0) + (row.init_ms or 0.0)) for row in rows) / 1e3


def _provisioned_s(strategy: Strategy, workload_s: float, unit_s: float) -> float:
    """Seconds of kept environments, of one function."""
    return sum(
        window.count * math.ceil((min(window.end_s, workload_s) - window.begin_s) / unit_s) * unit_s
        for window in strategy.windows
        if window.begin_s < workload_s
    )
