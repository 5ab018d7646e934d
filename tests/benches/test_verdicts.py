from __future__ import annotations

import json

import pytest
from interleaved import Case, Spread, Subject, run
from tables import Outcome, Table, Target


def test_a_target_is_met_by_a_median_below_its_limit():
    assert Target.of("a", 1.0, Spread(0.8, 0.9, 1.1)).verdict == "met"


def test_a_target_is_missed_if_even_the_better_quartile_is_beyond():
    assert Target.of("a", 1.0, Spread(1.01, 1.2, 1.3)).verdict == "MISSED"


def test_a_miss_within_the_spread_is_told_and_does_not_fail():
    outcome = Outcome([], [Target.of("a", 1.0, Spread(0.9, 1.1, 1.3))])
    assert "missed within the spread" in outcome.all_tables()[0].as_text()
    assert outcome.exit_code == 0


def test_a_missed_target_fails_the_run():
    assert Outcome([], [Target.of("a", 1.0, Spread(2, 2, 2))]).exit_code == 1


def test_json_holds_what_the_page_is_made_of(capsys):
    table = Table("Title", ["what", "ns"], [["hit", "1.0"]], "A note.")
    Outcome([table], [], ["SKIPPED: x"]).emit(as_json=True)
    printed = json.loads(capsys.readouterr().out)
    assert Table(**printed["tables"][0]) == table
    assert printed["remarks"] == ["SKIPPED: x"]


def test_ratios_are_taken_round_by_round():
    case = Case("c", [Subject("ours", "", dict), Subject("peer", "", dict)])
    case.samples = {"ours": [1.0, 10.0, 100.0], "peer": [2.0, 20.0, 200.0]}
    assert case.ratios("peer") == Spread(0.5, 0.5, 0.5)


def test_the_statement_is_run_as_often_as_it_is_counted():
    ran = []
    case = Case("c", [Subject("ours", "note(1)", lambda: {"note": ran.append})])
    run([case], rounds=3)
    assert len(case.samples["ours"]) == 3
    assert ran


@pytest.mark.parametrize("kind", ["plain", "threads"])
def test_a_subject_that_is_used_up_is_made_anew_for_each_sample(kind):
    made = []

    def make():
        made.append(1)
        return {"use": iter(range(10**9)).__next__}

    run([Case("c", [Subject("ours", "use()", make, fresh=True, kind=kind)])], rounds=3)
    assert len(made) > 3


def test_a_failing_statement_is_not_timed():
    with pytest.raises(ZeroDivisionError):
        run([Case("c", [Subject("ours", "1 / zero", lambda: {"zero": 0})])], rounds=3)
