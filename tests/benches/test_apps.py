from __future__ import annotations

import copy
import json
from pathlib import Path

import apps
import apps_report
import builds
import pytest
from optimizing import Measured, Optimized

APPS = Path(apps.__file__).parent / "apps"


def metric(plain, planned):
    ratio = planned / plain
    return {
        "plain": {"median": plain, "low": plain, "high": plain},
        "planned": {"median": planned, "low": planned, "high": planned},
        "ratio": {"median": ratio, "low": ratio * 0.9, "high": ratio * 1.25},
    }


def event(name="a.json", init=(200.0, 100.0), first=(240.0, 120.0)):
    return {
        "event": name,
        "answers_equal": True,
        "metrics": {
            "init_ms": metric(*init),
            "init_plus_first_ms": metric(*first),
            "peak_memory_mb": metric(100.0, 50.0),
        },
        "modules": {"plain": 300, "planned": 100},
    }


DOCUMENT = {
    "made_by": "coldcache 0.1.0",
    "started_at": "2026-11-23T12:00:00Z",
    "machine": {"cpu": "a processor", "cores": 2, "python": "CPython 3.11.7"},
    "verdict": "better",
    "reason": "",
    "search": {"runs": 9, "seconds": 12.0, "workers": 2, "complete": True},
    "edges": [
        {"importer": "a", "edge": "b", "line": 1, "state": "deferred", "reason": None},
        {"importer": "a", "edge": "c", "line": 2, "state": "eager", "reason": "needed"},
    ],
    "removed_ms": 90.0,
    "moved_ms": 5.0,
    "events": [event()],
}


def optimized(changed=(), **changes):
    return Optimized({**copy.deepcopy(DOCUMENT), **changes}, list(changed), None)


def missed(found, failed=None):
    return apps_report.verdicts(found, failed or {}).missed


def test_a_ratio_of_the_document_becomes_how_many_times_better():
    measured = Measured.of(metric(200.0, 100.0))
    assert (measured.ratio, measured.low, measured.high) == pytest.approx((2.0, 1.6, 2.0 / 0.9))


def test_the_gain_of_several_events_is_their_geometric_mean():
    one = optimized(events=[event(init=(100.0, 100.0)), event(init=(400.0, 100.0))])
    assert one.gain("init") == pytest.approx(2.0)


def test_an_application_without_a_plan_counts_as_one():
    assert optimized(verdict="only moved").gain("init") == 1.0


def test_the_mean_is_over_all_applications():
    found = {"a": optimized(events=[event(init=(400.0, 100.0))]), "b": optimized(verdict="no gain")}
    assert apps_report.of_all(found, "init") == pytest.approx(2.0)


def test_a_run_that_meets_all_targets_misses_none():
    assert missed({"a": optimized()}) == []


@pytest.mark.parametrize(
    ("found", "what"),
    [
        (optimized(events=[event(init=(150.0, 100.0))]), "init, geometric mean"),
        (optimized(events=[event(first=(140.0, 100.0))]), "init + first answer, same"),
        (optimized(changed=["app.py"]), "applications with changed files"),
        (optimized(search={**DOCUMENT["search"], "seconds": 61.0}), "searches over 60 s"),
        (
            optimized(events=[{**event(), "answers_equal": False}]),
            "applications with other answers",
        ),
    ],
)
def test_what_does_not_hold_is_missed(found, what):
    assert missed({"a": found}) == [what]


def test_an_application_that_cannot_be_run_is_missed():
    assert missed({"a": optimized()}, {"b": "no such package"}) == [
        "applications that could not be run"
    ]


def test_no_application_at_all_misses_the_targets():
    assert "init, geometric mean" in missed({})


def test_the_page_lists_every_application_also_one_without_a_plan():
    found = {"first": optimized(), "second": optimized(verdict="no gain")}
    tables = apps_report.as_tables(found)
    page = apps_report.as_page(found, tables, apps_report.verdicts(found, {}), load=0.4, setting="")
    assert "load when it began: 0.4" in page
    assert "| first | 2.00x |" in page
    assert "| second | 1.00x |" in page
    assert "no gain" in page


def test_a_changed_an_added_and_a_removed_file_are_differences():
    before = {"same": "1", "changed": "1", "removed": "1"}
    after = {"same": "1", "changed": "2", "added": "1"}
    assert builds.differences(before, after) == ["added", "changed", "removed"]


def test_an_unknown_application_is_refused_with_the_names_there_are(capsys):
    assert apps.main(["--only", "nothing"]) == 2
    assert "wine_predict" in capsys.readouterr().err


def test_a_wheel_that_does_not_exist_is_refused(capsys, tmp_path):
    assert apps.main(["--wheel", str(tmp_path / "no.whl")]) == 2
    assert "no.whl" in capsys.readouterr().err


@pytest.mark.parametrize("name", [app.name for app in apps.all_apps()])
def test_an_application_is_complete(name):
    folder = APPS / name
    requirements = (folder / "requirements.txt").read_text().splitlines()
    assert all("==" in line for line in requirements if line and not line.startswith("#"))
    assert (folder / "function" / "app.py").exists()
    assert [json.loads(path.read_text()) for path in folder.glob("events/*.json")]
    assert f"`{name}`" in (APPS / "README.md").read_text()


def test_options_become_arguments(tmp_path):
    folder = tmp_path / "an_app"
    folder.mkdir()
    (folder / "options.json").write_text('{"env": {"A": "b"}, "same": "True"}')
    assert apps.App.read(folder).arguments == ["--env=A=b", "--same", "True"]
