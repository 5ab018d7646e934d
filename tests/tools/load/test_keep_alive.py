from __future__ import annotations

import json
import math

import pytest
from coldcache.tools.lab import UsageError
from coldcache.tools.lab.load import FixedKeepAlive, SurvivalCurve, parse_keep_alive
from hypothesis import given
from hypothesis import strategies as st

luck = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("text", "seconds"), [("6m", 360), ("0", 0), ("250ms", 0.25), ("forever", math.inf)]
)
def test_a_fixed_time_is_the_same_for_all(text, seconds):
    assert parse_keep_alive(text).limit_s(0.5) == seconds


@pytest.mark.parametrize("name", ["aws-2021", "azure-2021", "gcp-2021"])
def test_measured_curves_are_shipped(name):
    curve = parse_keep_alive(f"curve:{name}")

    assert 60 < curve.limit_s(0.5) < 3600


def test_limits_follow_the_measured_chances():
    """AWS in January 2021: 41 % cold after 6 minutes idle, all of them after 7."""
    curve = parse_keep_alive("curve:aws-2021")
    limits = [curve.limit_s(number / 10_000) for number in range(10_000)]

    assert sum(limit <= 300 for limit in limits) / 10_000 == pytest.approx(0.003, abs=0.001)
    assert sum(limit <= 360 for limit in limits) / 10_000 == pytest.approx(0.406, abs=0.001)
    assert max(limits) <= 420


@given(luck, luck)
def test_less_luck_never_means_a_longer_life(one, other):
    curve = parse_keep_alive("curve:azure-2021")

    assert (curve.limit_s(one) <= curve.limit_s(other)) or one > other


def test_an_environment_beyond_the_last_chance_is_not_ended():
    assert SurvivalCurve("mine", [0, 60], [0, 0.5]).limit_s(0.7) == math.inf


def test_a_curve_can_be_read_from_a_file(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text(json.dumps({"points": [[0, 0], [10, 1]]}))

    assert parse_keep_alive(f"curve:{path}").limit_s(0.5) == 300


@pytest.mark.parametrize("text", ["soon", "-1s", "curve:", "curve:nowhere.json", "fixed:6m", "nan"])
def test_another_form_is_refused(text):
    with pytest.raises(UsageError):
        parse_keep_alive(text)


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"points": [[0]]}', '{"points": [[0, 0], [0, 1]]}', '{"points": [[0, 0], [1, 2]]}'],
)
def test_a_broken_curve_is_refused_by_name(tmp_path, content):
    path = tmp_path / "mine.json"
    path.write_text(content)

    with pytest.raises(UsageError, match=r"mine\.json"):
        parse_keep_alive(f"curve:{path}")


def test_a_negative_time_is_refused():
    with pytest.raises(UsageError):
        FixedKeepAlive(-1)
