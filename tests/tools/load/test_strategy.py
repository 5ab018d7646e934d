from __future__ import annotations

import pytest
from coldcache.tools.lab import UsageError
from coldcache.tools.lab.load import parse_strategies


def test_strategies_keep_their_order_and_names():
    text = "nothing, ping:5m, provisioned:2, scheduled:3@9h-17h"

    assert [one.name for one in parse_strategies(text)] == text.split(", ")


def test_pings_are_sent_from_the_begin_on():
    (ping,) = parse_strategies("ping:5mx3")

    assert list(ping.ping_times(901)) == [0, 300, 600, 900]
    assert ping.ping_count == 3


def test_provisioned_environments_are_kept_from_the_begin_on():
    (provisioned,) = parse_strategies("provisioned:2")

    assert provisioned.levels(100) == [(0, 2)]


def test_overlapping_windows_add_up():
    (scheduled,) = parse_strategies("scheduled:3@10s-40s+1@20s-30s")

    assert scheduled.levels(100) == [(10, 3), (20, 4), (30, 3), (40, 0)]


def test_windows_beyond_the_workload_are_left_out():
    (scheduled,) = parse_strategies("scheduled:3@10s-40s")

    assert scheduled.levels(30) == [(10, 3)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "something",
        "nothing:1",
        "ping",
        "ping:0s",
        "ping:5mx0",
        "provisioned:0",
        "provisioned:-1",
        "provisioned:1.5",
        "scheduled:3",
        "scheduled:3@9h",
        "scheduled:3@17h-9h",
        "nothing,nothing",
    ],
)
def test_another_form_is_refused(text):
    with pytest.raises(UsageError):
        parse_strategies(text)
