from __future__ import annotations

from dataclasses import replace

import pytest
from coldcache.tools.lab import Machine
from coldcache.tools.lab.load import EnvironmentSpan, LoadResult, Row
from coldcache.tools.lab.load.cost import cost_of
from coldcache.tools.lab.load.prices import LIST_PRICES

X86 = LIST_PRICES["x86"]
WARM = Row(
    number=0,
    arrived_s=0.0,
    handed_s=0.0,
    first_byte_s=0.1,
    answered_s=0.1,
    environment=0,
    kind="warm",
    start_class="warm",
    init_ms=None,
    queued_ms=0.0,
    handler_ms=100.0,
    latency_ms=100.0,
    outcome="ok",
    error=None,
    source="process",
    variant="nothing",
    function="app",
)
ON_DEMAND = EnvironmentSpan(0, "nothing", 0.0, 0.1, 9.0, 1, "idle")


def result(variant="nothing", rows=(), pings=(), spans=(ON_DEMAND,), workload_s=3600.0):
    def named(items):
        return tuple(replace(one, variant=variant) for one in items)

    return LoadResult(
        rows=named(rows),
        environments=named(spans),
        seed=0,
        options={"duration_s": workload_s, "functions": [{}]},
        machine=Machine("", 1, "", "", "", ""),
        started_at="",
        elapsed_s=1.0,
        memory_mb=1024,
        is_partial=False,
        pings=named(pings),
    )


def test_a_call_is_billed_by_duration_memory_and_request():
    cost = cost_of(result(rows=[WARM]), "nothing", X86)

    assert cost.gb_seconds == pytest.approx(0.1)
    assert cost.money == pytest.approx(0.1 * X86.gb_second + X86.request)


def test_durations_are_rounded_up_to_the_millisecond():
    cost = cost_of(result(rows=[replace(WARM, handler_ms=0.2)]), "nothing", X86)

    assert cost.gb_seconds == pytest.approx(0.001)


def test_an_init_that_a_call_waited_for_is_billed():
    cold = replace(WARM, kind="cold", init_ms=300.0)

    assert cost_of(result(rows=[cold]), "nothing", X86).gb_seconds == pytest.approx(0.4)


def test_throttled_calls_are_free():
    throttled = replace(WARM, kind="throttled", environment=None, handler_ms=None)

    assert cost_of(result(rows=[throttled]), "nothing", X86).money == 0


def test_one_provisioned_gb_costs_its_published_price_a_month():
    """4.1667 millionths of a dollar a second are 10.80 dollars in 30 days."""
    cost = cost_of(result("provisioned:1"), "provisioned:1", X86)

    assert cost.money_a_month == pytest.approx(10.80, abs=0.005)


def test_provisioned_time_is_rounded_up_to_five_minutes():
    cost = cost_of(result("scheduled:2@10s-20s"), "scheduled:2@10s-20s", X86)

    assert cost.provisioned_gb_seconds == 600


def test_calls_in_provisioned_environments_have_a_price_of_their_own():
    kept = replace(ON_DEMAND, is_provisioned=True)
    cost = cost_of(result("provisioned:1", [WARM], spans=[kept]), "provisioned:1", X86)

    assert cost.gb_seconds == 0
    assert cost.provisioned_duration_gb_seconds == pytest.approx(0.1)


def test_pings_are_billed_beside_the_workload():
    cost = cost_of(result("ping:5m", [WARM], [WARM]), "ping:5m", X86)

    assert cost.requests == 2
    assert cost.ping_gb_seconds == pytest.approx(0.1)
    assert cost.money == pytest.approx(0.2 * X86.gb_second + 2 * X86.request + X86.scheduled_call)


@pytest.mark.parametrize("name", sorted(LIST_PRICES))
def test_prices_say_where_and_when_they_are_from(name):
    prices = LIST_PRICES[name]

    assert prices.region == "us-east-1"
    assert prices.as_of == "2026-11"
    assert prices.source
