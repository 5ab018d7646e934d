"""Small parts of the optimiser: comparisons, pool, files, plan, guide, verdict."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.target import Target
from coldcache.tools.optimize.case import Difference, log_view
from coldcache.tools.optimize.edges import Edge, by_imported_module, by_importer, lineage
from coldcache.tools.optimize.guide import Guide
from coldcache.tools.optimize.oracle import Finding
from coldcache.tools.optimize.outcome import Call, Fault, Outcome, Raised
from coldcache.tools.optimize.plan import OptimizePlan
from coldcache.tools.optimize.pool import Pool
from coldcache.tools.optimize.prune import costs_more
from coldcache.tools.optimize.same import read_same
from coldcache.tools.optimize.unchanged import Files

# Edges


def test_a_statement_may_load_a_module_its_parents_and_submodules() -> None:
    assert Edge("app", "a.b:x,y").targets == ("a.b.x", "a.b.y", "a.b", "a")
    assert Edge("app", "a.b").targets == ("a.b", "a")


def test_edges_are_grouped_by_what_loads_the_same() -> None:
    x, y, z = Edge("app", "m:x"), Edge("app", "m:y"), Edge("app", "n")

    assert by_imported_module([x, z, y], {"m", "n"}) == [(x, y), (z,)]
    assert by_imported_module([x, z, y], {"m", "m.y", "n"}) == [(x,), (z,), (y,)]
    assert by_importer([x, z, y]) == {"app": ["m:x", "n", "m:y"]}
    assert list(lineage("a.b.c")) == ["a.b.c", "a.b", "a"]


# Comparisons of answers


def test_answers_are_compared_byte_for_byte_by_default(tmp_path: Path) -> None:
    same = read_same(None, tmp_path)

    assert same('{"a": 1}', '{"a": 1}')
    assert not same('{"a": 1}', '{"a":1}')


def test_an_expression_sees_both_answers_as_values(tmp_path: Path) -> None:
    same = read_same("abs(a['x'] - b['x']) < 0.1", tmp_path)

    assert same('{"x": 1}', '{"x": 1.01}')
    assert not same('{"x": 1}', '{"x": 2}')


def test_an_expression_that_fails_is_named_without_the_answers(tmp_path: Path) -> None:
    same = read_same("a['x'] == b['x']", tmp_path)

    with pytest.raises(UsageError) as caught:
        same('{"secret": 1}', "{}")

    assert "raised KeyError" in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("code", "verdict"), [("0", True), ("1", False)])
def test_a_script_answers_by_its_exit_code(code: str, verdict: bool, tmp_path: Path) -> None:
    script = tmp_path / "compare.py"
    script.write_text(f"import sys; open(sys.argv[2]).read(); sys.exit({code})")

    assert read_same(str(script), tmp_path)("1", "2") is verdict


def test_a_script_that_breaks_is_no_answer(tmp_path: Path) -> None:
    script = tmp_path / "compare.py"
    script.write_text("import sys; print('why', file=sys.stderr); sys.exit(7)")

    with pytest.raises(UsageError, match="ended with 7") as caught:
        read_same(str(script), tmp_path)("1", "2")

    assert "why" in caught.value.details


# Logs


def call(*logs: tuple[str, str, str]) -> Call:
    return Call("", "json", None, logs, (), (), ())


@pytest.mark.parametrize(
    ("second", "keeps"),
    [
        (("app", "WARNING", "took 1 ms"), ("app", "WARNING", "took 1 ms")),
        (("app", "WARNING", "took 2 ms"), ("app", "WARNING", "took # ms")),
        (("app", "WARNING", "took long"), ("app", "WARNING")),
        (("app", "ERROR", "took 1 ms"), None),
    ],
)
def test_logs_are_compared_as_sharply_as_two_runs_agree(
    second: tuple[str, str, str], keeps: tuple[str, ...] | None
) -> None:
    first = call(("app", "WARNING", "took 1 ms"))

    view = log_view([first], [call(second)])

    assert list(view(first)) == ([] if keeps is None else [keeps])


# The pool


def test_a_pool_runs_urgent_jobs_before_guesses() -> None:
    gate, order = threading.Event(), []

    def job(name: str) -> Callable[[threading.Event], Outcome]:
        def run(_stop: threading.Event) -> Outcome:
            if name == "first":
                gate.wait(10)
            order.append(name)
            return Outcome()

        return run

    with Pool(1) as pool:
        jobs = [pool.submit(job("first"))]
        jobs.append(pool.submit(job("guess"), is_urgent=False))
        jobs.append(pool.submit(job("urgent")))
        gate.set()
        for one in jobs:
            one.wait()

    assert order.index("urgent") < order.index("guess")


def test_a_dropped_job_is_told_so() -> None:
    started = threading.Event()

    def run(stop: threading.Event) -> Outcome:
        started.set()
        stop.wait(10)
        return Outcome(how="dropped")

    with Pool(1) as pool:
        job = pool.submit(run)
        started.wait(10)
        job.drop()
        assert job.wait().how == "dropped"


def test_leaving_a_pool_ends_what_runs() -> None:
    started, ended = threading.Event(), threading.Event()

    def run(stop: threading.Event) -> Outcome:
        started.set()
        if stop.wait(10):
            ended.set()
        return Outcome()

    with Pool(2) as pool:
        pool.submit(run)
        started.wait(10)

    assert ended.is_set()


def test_what_a_job_raises_comes_out_where_it_is_waited_for() -> None:
    def run(_stop: threading.Event) -> Outcome:
        raise LookupError("here")

    with Pool(1) as pool, pytest.raises(LookupError, match="here"):
        pool.submit(run).wait()


# Files


def test_untouched_files_are_unchanged(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = 1")

    assert Files(str(tmp_path), []).changed() == []


def test_changed_added_and_removed_files_are_listed(tmp_path: Path) -> None:
    function, packages = tmp_path / "src", tmp_path / "packages"
    for place in (function, packages):
        place.mkdir()
        for name in ("kept.py", "edited.py", "removed.py"):
            (place / name).write_text("x = 1")
    files = Files(str(function), [str(packages)])

    for place in (function, packages):
        (place / "edited.py").write_text("x = 2")
        (place / "removed.py").unlink()
        (place / "added.py").write_text("")
        (place / "__pycache__").mkdir()
        (place / "__pycache__" / "kept.pyc").write_text("")

    names = ("added.py", "edited.py", "removed.py")
    expected = sorted(str(place / name) for place in (function, packages) for name in names)
    assert files.changed() == expected


# The plan


def test_events_of_the_same_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("")
    target = Target.parse(f"{tmp_path}:app.handler")

    with pytest.raises(UsageError, match="names of their own"):
        OptimizePlan(target=target, events=(Event("e", b"1"), Event("e", b"2")))


# The guide


def finding(*raised: Raised, failures: tuple[Edge, ...] = ()) -> Finding:
    fault = Fault("Error", "", chain=raised)
    outcome = Outcome(fault=fault, failures=failures)
    return Finding(frozenset(), Difference("error", "", "e", fault), (outcome,))


def test_edges_that_failed_are_suspected_first() -> None:
    edges = [Edge("app", "a"), Edge("app", "b"), Edge("a", "c")]
    guide = Guide(edges, {"app", "a", "b", "c"})

    levels = list(guide.suspects(finding(failures=(edges[2],))))

    assert levels == [(edges[2],), tuple(edges)]


def test_modules_of_the_traceback_come_next_and_everything_last() -> None:
    edges = [Edge("app", "a"), Edge("pkg.core", "b"), Edge("other", "c")]
    raised = Raised("KeyError", "", (), (), (("importlib", "", 1), ("pkg.core", "", 3)))
    guide = Guide(edges, {"pkg.core"})

    levels = list(guide.suspects(finding(raised)))

    assert levels == [(edges[1],), tuple(edges)]


def test_words_of_the_message_rank_edges() -> None:
    edges = [Edge("pkg", "pkg:shapes"), Edge("pkg", "pkg:events"), Edge("pkg", "pkg:tools")]
    raised = Raised("Error", "No such event 'connect'", (), (), ())
    guide = Guide(edges, {"pkg", "pkg.shapes", "pkg.events", "pkg.tools"})
    guide.learn(finding(raised))

    assert guide.ranked(edges)[0] == (edges[1],)


# Leaving out what gains nothing


def passing(eager: set[Edge], modules: set[str]) -> Finding:
    loaded = frozenset(modules)
    return Finding(frozenset(eager), None, (Outcome(modules_init=loaded, modules_first=loaded),))


def test_many_statements_weigh_as_much_as_a_small_module_and_less_than_a_large_one() -> None:
    edges = {Edge("pkg", f"m{number}") for number in range(200)}  # about 1 ms to defer
    more = passing(set(), {"app"})
    dearer = costs_more({"small": 0.3, "large": 40.0})

    assert not dearer(passing(edges, {"app", "small"}), more)
    assert dearer(passing(edges, {"app", "large"}), more)
    assert dearer(passing({Edge("pkg", "m1")}, {"app", "small"}), more)
