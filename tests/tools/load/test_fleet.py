"""Loads on real processes of the runtime client."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from coldcache.tools.lab import UsageError
from coldcache.tools.lab.life import Life
from coldcache.tools.lab.load import (
    Assumed,
    Bursts,
    Constant,
    FixedKeepAlive,
    LoadPlan,
    Poisson,
    Recorded,
    parse_strategies,
)

FOREVER = FixedKeepAlive(float("inf"))
NONE = FixedKeepAlive(0.0)

DIARY = """
    import os, pathlib, time
    def handler(event, context):
        time.sleep(0.01)
        with open(pathlib.Path(__file__).with_name("pids"), "a") as diary:
            diary.write(f"{os.getpid()}\\n")
"""


def kinds(result):
    return [row.kind for row in result.rows]


def burst(size):
    return Recorded([0.0] * size, 0.01)


def test_every_call_has_one_row_in_the_order_of_arrival(run, stream_of):
    result = run(stream_of(Poisson(20.0)), stream_of(Poisson(10.0), name="b"), duration_s=1, seed=3)

    assert [row.number for row in result.rows] == list(range(len(result.rows)))
    assert [row.arrived_s for row in result.rows] == sorted(r.arrived_s for r in result.rows)
    assert {row.outcome for row in result.rows} == {"ok"}
    assert not result.is_partial


def test_an_idle_environment_is_used_again(run, stream_of):
    stream = stream_of(Recorded([0.0, 0.5, 0.7], 1.0), DIARY)
    result = run(stream, keep_alive=FOREVER)
    pids = Path(stream.target.folder, "pids").read_text().split()[1:]  # without the first run

    assert kinds(result) == ["cold", "warm", "warm"]
    assert len(set(pids)) == 1


def test_an_environment_ends_with_its_idle_time(run, stream_of):
    stream = stream_of(Recorded([0.0, 0.4, 0.8], 1.0), DIARY)
    result = run(stream, keep_alive=NONE)
    pids = Path(stream.target.folder, "pids").read_text().split()[1:]

    assert kinds(result) == ["cold"] * 3
    assert len(set(pids)) == 3
    assert [span.end_reason for span in result.environments] == ["idle"] * 3


def test_compression_shortens_the_load_and_the_idle_time_alike(run, stream_of):
    result = run(
        stream_of(Recorded([0.0, 40.0, 130.0], 140.0)),
        keep_alive=FixedKeepAlive(60.0),
        compression=100.0,
    )

    assert kinds(result) == ["cold", "warm", "cold"]
    assert [row.arrived_s for row in result.rows] == [0, 0.4, 1.3]


def test_environments_take_one_call_at_a_time(run, stream_of):
    result = run(stream_of(Poisson(60.0), event=b'{"nap": 0.02}'), duration_s=1, keep_alive=FOREVER)
    by_environment = {}
    for row in result.rows:
        by_environment.setdefault(row.environment, []).append(row)

    assert len(by_environment) > 1
    for rows in by_environment.values():
        for before, after in itertools.pairwise(sorted(rows, key=lambda row: row.handed_s)):
            assert before.answered_s <= after.handed_s


def test_init_and_handler_are_told_apart(run, stream_of):
    slow = "import time\ntime.sleep(0.2)\n" + "def handler(event, context): time.sleep(0.1)"
    result = run(stream_of(burst(1), slow))
    (row,) = result.rows

    assert row.init_ms >= 200
    assert 100 <= row.handler_ms < row.init_ms
    assert row.latency_ms >= row.init_ms + row.handler_ms
    assert row.start_class == "on-demand"


def test_time_in_line_is_told_apart_from_the_handler(run, stream_of):
    result = run(
        stream_of(burst(3), event=b'{"nap": 0.1}'),
        keep_alive=FOREVER,
        max_concurrency=1,
        queue_s=20.0,
    )

    assert kinds(result) == ["cold", "warm", "warm"]
    assert result.rows[2].queued_ms >= 200
    assert result.rows[2].latency_ms >= result.rows[2].queued_ms + 100
    assert len(result.environments) == 1


def test_calls_above_the_limit_are_throttled(run, stream_of):
    result = run(stream_of(burst(3)), max_concurrency=1)

    assert kinds(result) == ["cold", "throttled", "throttled"]
    assert {row.outcome for row in result.rows[1:]} == {"throttled"}


@pytest.mark.parametrize(
    ("source", "outcome"),
    [
        ("def handler(event, context): raise ValueError('secret')", "error"),
        ("import os\ndef handler(event, context): os._exit(3)", "crash"),
        ("def handler(event, context): return 'x' * 7_000_000", "too_large"),
        ("import time\ndef handler(event, context): time.sleep(60)", "timeout"),
        ("import os\ndef handler(event, context): os.write(1, bytes(range(256)))", "ok"),
        ("import os\ndef handler(event, context): os.fork() or os._exit(0)", "ok"),
    ],
)
def test_whatever_the_function_does_becomes_a_row(run, stream_of, source, outcome):
    result = run(stream_of(burst(1), source), timeout_s=1.0)

    assert [row.outcome for row in result.rows] == [outcome]
    assert "secret" not in str(result.rows)


def test_after_a_crash_init_runs_again_in_the_same_environment(run, stream_of):
    source = """
        import os, pathlib
        def handler(event, context):
            if not (seen := pathlib.Path(os.environ["TMPDIR"], "seen")).exists():
                seen.touch()
                os._exit(1)
    """
    result = run(stream_of(Recorded([0.0, 0.6], 1.0), source), keep_alive=FOREVER)

    assert [row.outcome for row in result.rows] == ["crash", "ok"]
    assert [row.environment for row in result.rows] == [0, 0]
    assert result.rows[1].start_class == "re-init"
    assert result.rows[1].kind == "cold"


def test_provisioned_environments_are_ready_before_the_first_call(run, stream_of):
    result = run(stream_of(burst(3)), strategies=parse_strategies("provisioned:2"))

    assert kinds(result) == ["warm", "warm", "cold"]
    assert [span.is_provisioned for span in result.environments] == [True, True, False]
    assert [row.start_class for row in result.rows[:2]] == ["provisioned"] * 2


def test_pings_warm_an_environment_and_are_kept_apart(run, stream_of):
    result = run(
        stream_of(Recorded([0.5], 0.6)),
        keep_alive=FOREVER,
        strategies=parse_strategies("nothing,ping:10s"),
    )

    assert kinds(result) == ["cold", "warm"]
    assert [row.variant for row in result.pings] == ["ping:10s"]


def test_environments_beyond_the_allowed_processes_are_simulated(run, stream_of):
    result = run(
        stream_of(burst(4)),
        simulate="beyond",
        processes=2,
        cold_samples=2,
        warm_samples=2,
    )

    assert [row.source for row in result.rows] == ["process"] * 2 + ["simulated"] * 2
    assert kinds(result) == ["cold"] * 4
    assert sorted(span.source for span in result.environments) == [
        "process", "process", "simulated", "simulated",
    ]  # fmt: skip


def test_the_simulator_draws_from_measured_calls(run, stream_of):
    result = run(
        stream_of(Constant(50.0), event=b'{"nap": 0.03}'),
        duration_s=10,
        keep_alive=FOREVER,
        simulate="always",
        cold_samples=2,
        warm_samples=4,
    )
    warm = {round(row.handler_ms, 6) for row in result.rows if row.kind == "warm"}

    assert len(result.rows) == 500
    assert {row.source for row in result.rows} == {"simulated"}
    assert len(warm) <= 4
    assert min(warm) >= 30


def test_a_schedule_made_beforehand_is_followed_to_the_call(run, stream_of):
    def once():
        result = run(
            stream_of(Poisson(25.0)),
            duration_s=1.5,
            keep_alive=FixedKeepAlive(0.15),
            assumed=Assumed(cold_s=0.1, warm_s=0.02),
            seed=5,
        )
        return [(row.number, row.arrived_s, row.kind, row.environment) for row in result.rows]

    first = once()
    assert {"cold", "warm"} == {row[2] for row in first}
    assert once() == first


def test_bursts_are_the_same_in_order_and_count_for_the_same_seed(run, stream_of):
    def once():
        result = run(stream_of(Bursts(4, 0.5)), duration_s=1.4, keep_alive=NONE)
        return [(row.number, row.arrived_s, row.kind) for row in result.rows]

    first = once()
    assert [kind for *_, kind in first] == ["cold"] * 12
    assert once() == first


def test_environments_are_restored_from_one_snapshot(run, stream_of):
    result = run(stream_of(burst(2)), life=Life(initialization="snap-start"))

    assert [row.start_class for row in result.rows] == ["restored"] * 2
    assert {row.outcome for row in result.rows} == {"ok"}


def test_a_missing_handler_ends_the_load_before_it_begins(run, stream_of):
    with pytest.raises(UsageError, match="handler"):
        run(stream_of(burst(1), "other = 1"))


def test_a_load_without_calls_is_refused(run, stream_of):
    with pytest.raises(UsageError, match="no arrivals within"):
        run(stream_of(Poisson(0.001)), duration_s=0.001)


@pytest.mark.parametrize(
    "wrong",
    [
        {"compression": 0.0},
        {"processes": 0},
        {"duration_s": -1.0},
        {"duration_s": None},
        {"simulate": "sometimes"},
        {"strategies": ()},
        {"timeout_s": 0.0},
        {"assumed": Assumed(1.0, 1.0), "simulate": "always"},
        {
            "life": Life(initialization="snap-start"),
            "strategies": parse_strategies("provisioned:1"),
        },
        {"life": Life(initialization="lambda-managed-instances", workers=2)},
    ],
)
def test_an_impossible_plan_is_refused(stream_of, wrong):
    with pytest.raises(UsageError):
        LoadPlan(streams=(stream_of(Poisson(1.0)),), **{"duration_s": 1.0, **wrong})
