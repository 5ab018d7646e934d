"""Settings of a life: what goes together, and what the refusal says."""

from __future__ import annotations

import math
from typing import Any

import pytest
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.life import Life

MANAGED = "lambda-managed-instances"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initialization": "snapstart"}, "must be one of on-demand, .*snap-start.*'snapstart'"),
        ({"extensions": "two"}, "extensions must be one of none, internal, external; got 'two'"),
        ({"workers": 3}, "3 workers exist only in managed .* or one worker"),
        ({"workers": 0}, "workers must be between 1 and 1600; got 0"),
        ({"workers": 2, "initialization": "snap-start"}, "not with initialization 'snap-start'"),
        ({"initialization": MANAGED, "freeze": True}, "never frozen .*leave out --freeze"),
        ({"frozen_clock_shift_s": 3.0}, "needs a freeze"),
        (
            {"initialization": "snap-start", "proactive_gap_s": 1.0},
            "exists only on demand; 'snap-start'.*leave out one of",
        ),
        (
            {"initialization": "provisioned-concurrency", "proactive_gap_s": 1.0},
            "'provisioned-concurrency' is always initialised ahead of requests",
        ),
        (
            {"initialization": "provisioned-concurrency", "snapshot_s": 1.0},
            "only with initialization 'snap-start', not with 'provisioned-concurrency'",
        ),
        ({"init_limit_s": 0.0}, "init-limit must be a number of seconds, above 0; got 0.0"),
        ({"init_limit_s": math.nan}, "init-limit must be a number of seconds"),
        ({"proactive_gap_s": -1.0}, "proactive-gap must be a number of seconds, 0 or more"),
        ({"freeze": True, "frozen_clock_shift_s": math.inf}, "freeze must be a number"),
        ({"memory_mb": 127}, "memory must be between 128 and 10240 MB; got 127"),
        ({"memory_mb": 10_241}, "memory must be between"),
    ],
)
def test_impossible_lives_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Life(**options)


@pytest.mark.parametrize(
    ("extensions", "grace_s"), [("none", 0), ("internal", 0.5), ("external", 2)]
)
def test_the_time_to_end_depends_on_the_extension(extensions: Any, grace_s: float) -> None:
    assert Life(extensions=extensions).grace_s == grace_s


def test_1769_mb_are_one_processor() -> None:
    assert Life(memory_mb=1769).processors == 1
    assert Life(memory_mb=3538).processors == 2
