"""From samples to figures: pure functions, without processes, files or a terminal.

Quantiles and shares with intervals, the verdict on two functions, GB-seconds and money.
"""

from __future__ import annotations

from .proportion import Share, wilson
from .quantiles import SHARES, Estimate, estimate, estimates, least_samples, quantile
from .verdict import FALSE_ALARM_RATE, Effect, Verdict, compare, least_rounds, worst

__all__ = [
    "FALSE_ALARM_RATE",
    "SHARES",
    "Effect",
    "Estimate",
    "Share",
    "Verdict",
    "compare",
    "estimate",
    "estimates",
    "least_rounds",
    "least_samples",
    "quantile",
    "wilson",
    "worst",
]
