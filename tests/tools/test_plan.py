from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.plan import LabPlan
from coldcache.tools.lab.target import Target

EVENT = Event("e.json", b"{}")


def target(folder: str = "plain", module: str = "app") -> Target:
    return Target(f"{folder}:{module}.handler", Path("/") / folder, module, "handler")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"runs": 0}, "runs must be at least 1; got 0"),
        ({"warmups": -1}, "warmups must be 0 or more; got -1"),
        ({"timeout_s": 0.0}, "timeout must be .* above 0; got 0"),
        ({"timeout_s": float("inf")}, "timeout must be .*; got inf"),
        ({"init_timeout_s": float("nan")}, "init-timeout must be .*; got nan"),
        ({"events": ()}, "at least one event"),
        ({"events": (EVENT, EVENT)}, "names of their own; got e.json, e.json"),
    ],
)
def test_a_value_out_of_range_is_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        LabPlan(**{"target": target(), "events": (EVENT,), **values})


def test_the_representation_shows_no_setting_and_no_event() -> None:
    plan = LabPlan(target=target(), events=(Event("e", b"hunter2"),), settings={"A": "hunter2"})

    assert "hunter2" not in repr(plan)


@pytest.mark.parametrize(
    ("one", "other", "labels"),
    [
        (target("tuned"), target("plain"), ["tuned", "plain"]),
        (target("src", "new"), target("src", "old"), ["new.handler", "old.handler"]),
        (target(), target(), ["target", "baseline"]),
        (target(), None, ["plain"]),
    ],
)
def test_labels_are_what_the_variants_differ_in(
    one: Target, other: Target | None, labels: list[str]
) -> None:
    plan = LabPlan(target=one, baseline=other, events=(EVENT,))

    assert list(plan.labels.values()) == labels
