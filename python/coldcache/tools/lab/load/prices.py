"""List prices, with where and when they were read. They change: give your own where it matters."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LIST_PRICES", "PriceList"]


@dataclass(frozen=True)
class PriceList:
    """What one region asks for.

    Attributes:
        name: Short name.
        region: The platform's name of the region.
        as_of: Year and month when the figures were taken down.
        source: Where from.
        currency: Of all figures.
        gb_second: Duration on demand, per GB-second.
        request: One request.
        provisioned_gb_second: Provisioned concurrency, per GB-second kept, used or not.
        provisioned_duration_gb_second: Duration in such an environment, per GB-second.
        provisioned_unit_s: Seconds that provisioned time is rounded up to.
        scheduled_call: One call by the scheduler, beyond its free ones.
    """

    name: str
    region: str
    as_of: str
    source: str
    currency: str
    gb_second: float
    request: float
    provisioned_gb_second: float
    provisioned_duration_gb_second: float
    provisioned_unit_s: float
    scheduled_call: float


LIST_PRICES = {
    one.name: one
    for one in (
        PriceList(
            name="x86",
            region="us-east-1",
            as_of="2026-11",
            source="AWS list prices as quoted in public documents of 2025 and 2026, first tier, "
            "without free tier; check before you rely on them",
            currency="USD",
            gb_second=0.0000166667,
            request=0.20 / 1_000_000,
            provisioned_gb_second=0.0000041667,
            provisioned_duration_gb_second=0.0000097222,
            provisioned_unit_s=300.0,
            scheduled_call=1.00 / 1_000_000,
        ),
        PriceList(
            name="arm64",
            region="us-east-1",
            as_of="2026-11",
            source="AWS list prices as quoted in public documents of 2025 and 2026, first tier, "
            "without free tier; check before you rely on them",
            currency="USD",
            gb_second=0.0000133334,
            request=0.20 / 1_000_000,
            provisioned_gb_second=0.0000033334,
            provisioned_duration_gb_second=0.0000077778,
            provisioned_unit_s=300.0,
            scheduled_call=1.00 / 1_000_000,
        ),
    )
}
"""By architecture, for us-east-1."""
