from __future__ import annotations

import itertools

import pytest
from coldcache.tools.lab import Event, Target
from coldcache.tools.lab.load import (
    Bursts,
    Constant,
    FixedKeepAlive,
    Poisson,
    Stream,
    parse_strategies,
)
from coldcache.tools.lab.load.measured import Measured, ServiceTime
from coldcache.tools.lab.load.pool import PoolRules
from coldcache.tools.lab.load.simulator import simulate
from coldcache.tools.lab.load.workload import build_agenda

COLD_S, WARM_S = 0.3, 0.05
ASSUMED = Measured.assumed(COLD_S, WARM_S)


@pytest.fixture
def run(tmp_path):
    (tmp_path / "app.py").touch()
    target = Target.parse(f"{tmp_path}:app.handler")

    def go(*arrivals, strategy="nothing", duration_s=60.0, seed=0, measured=ASSUMED, **rules):
        streams = tuple(
            Stream(f"f{number}", target, (Event("e", b"{}"),), one)
            for number, one in enumerate(arrivals)
        )
        agenda = build_agenda(
            streams,
            parse_strategies(strategy)[0],
            duration_s=duration_s,
            compression=1.0,
            seed=seed,
        )
        names = [one.name for one in streams]
        return simulate(
            agenda,
            dict.fromkeys(names, measured),
            functions=names,
            rules=PoolRules(**{"keep_alive": FixedKeepAlive(10.0), **rules}),
            seed=seed,
            variant=strategy,
        )

    return go


def kinds(book):
    return [row.kind for row in book.rows()]


def test_the_same_seed_gives_the_same_rows(run):
    spread = Measured(
        tuple(ServiceTime(one, 0, None, one, 0, "on-demand", True, "ok", None) for one in (1, 2)),
        tuple(ServiceTime(one, 0, None, None, 0, "warm", False, "ok", None) for one in (0.1, 0.9)),
        (1.0,),
    )
    one, same, other = (run(Poisson(5.0), measured=spread, seed=seed) for seed in (1, 1, 2))

    assert one.rows() == same.rows()
    assert one.spans() == same.spans()
    assert one.rows() != other.rows()


def test_rows_come_in_the_order_of_arrival(run):
    rows = run(Poisson(20.0), Poisson(10.0)).rows()

    assert [row.number for row in rows] == list(range(len(rows)))
    assert [row.arrived_s for row in rows] == sorted(row.arrived_s for row in rows)


def test_a_burst_starts_an_environment_for_each_call(run):
    assert kinds(run(Bursts(5, 5.0), duration_s=6.0)) == ["cold"] * 5 + ["warm"] * 5


def test_an_answer_at_the_moment_of_an_arrival_leaves_a_warm_environment(run):
    assert kinds(run(Constant(1 / COLD_S), duration_s=0.5)) == ["cold", "warm"]


def test_latency_of_a_cold_call_holds_its_init(run):
    (row,) = run(Constant(1.0), duration_s=0.5).rows()

    assert row.latency_ms == pytest.approx(COLD_S * 1e3)


def test_functions_do_not_share_environments(run):
    assert kinds(run(Constant(0.1), Constant(0.1), duration_s=1.0)) == ["cold", "cold"]


def test_time_in_line_is_told_apart_from_the_handler(run):
    rows = run(Bursts(3, 60.0), duration_s=1.0, max_concurrency=1, queue_s=60.0).rows()

    assert [row.queued_ms for row in rows] == pytest.approx(
        [0, COLD_S * 1e3, (COLD_S + WARM_S) * 1e3]
    )
    assert rows[1].latency_ms == pytest.approx((COLD_S + WARM_S) * 1e3)


def test_calls_above_the_limit_are_throttled(run):
    rows = run(Bursts(3, 60.0), duration_s=1.0, max_concurrency=1).rows()

    assert [row.kind for row in rows] == ["cold", "throttled", "throttled"]
    assert rows[1].environment is None
    assert rows[1].latency_ms is None


def test_a_call_that_is_turned_away_after_waiting_says_how_long(run):
    rows = run(Bursts(3, 60.0), duration_s=1.0, max_concurrency=1, queue_s=0.1).rows()

    assert [row.queued_ms for row in rows] == pytest.approx([0, 100, 100])


def test_pings_keep_an_environment_warm_and_are_no_rows_of_the_workload(run):
    calls = Constant(1 / 20)
    without, with_pings = run(calls), run(calls, strategy="ping:5s")

    assert kinds(without) == ["cold"] * 3
    assert kinds(with_pings) == ["cold", "warm", "warm"]
    assert len(with_pings.pings()) == 12


def test_provisioned_environments_are_there_from_the_begin(run):
    book = run(Bursts(3, 60.0), strategy="provisioned:2")

    assert sorted(kinds(book)) == ["cold", "warm", "warm"]
    assert [span.ready_s for span in book.spans() if span.is_provisioned] == [0, 0]


def test_scheduled_environments_are_ready_an_init_after_their_begin(run):
    book = run(Constant(0.1), strategy="scheduled:1@5s-25s")
    (kept,) = [span for span in book.spans() if span.is_provisioned]

    assert (kept.began_s, kept.ready_s) == (5, 5 + COLD_S)
    assert (kept.ended_s, kept.end_reason) == (25, "scaled-in")
    assert [row.environment for row in book.rows()][1:3] == [kept.number] * 2


def test_every_environment_has_a_span_and_every_call_is_in_one(run):
    book = run(Poisson(5.0), Poisson(1.0), strategy="ping:7s", keep_alive=FixedKeepAlive(2.0))
    calls = [row.environment for row in (*book.rows(), *book.pings())]

    assert {span.number: span.calls for span in book.spans()} == {
        number: calls.count(number) for number in set(calls)
    }


def test_environments_take_one_call_at_a_time(run):
    by_environment = {}
    for row in run(Poisson(50.0)).rows():
        by_environment.setdefault(row.environment, []).append(row)

    for rows in by_environment.values():
        for before, after in itertools.pairwise(rows):
            assert before.answered_s <= after.answered_s - after.latency_ms / 1e3 + 1e-9
