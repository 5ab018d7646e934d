"""What a plan that observes tells about the statements it saw."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Observed = Callable[..., str]
NATIVE = sys.version_info >= (3, 15)

MODULES = {
    "heavy.py": "VALUE = 42\n",
    "second.py": "VALUE = 'second'\n",
    "broken.py": "raise ValueError('original')\n",
    "outer.py": "import app\n",
    "pack/__init__.py": "",
    "pack/leaf.py": "NAME = 'leaf'\n",
}


@pytest.fixture
def observed(run_python: Observed, tmp_path: Path) -> Observed:
    """Run a program under a plan that observes, with a function `told` of what it tells of app."""

    def run(program: str, plan: dict[str, list[str]], app: str) -> str:
        for name, source in {**MODULES, "app.py": textwrap.dedent(app)}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source)
        start = (
            "import os, sys\nfrom coldcache._core import ImportPlan\n"
            f"plan = ImportPlan({plan!r}, observe=True)\nassert plan.enable()\n"
            # From 3.15 on the lazy statements of the standard library are counted, too.
            "COUNTS_OTHERS = sys.version_info >= (3, 15)\n"
            "def told(): return [row[1:4] for row in plan.report() if row[0] == 'app']\n"
        )
        return run_python(start + textwrap.dedent(program), env={"PYTHONPATH": str(tmp_path)})

    return run


def test_candidates_are_recorded_without_deferring(observed: Observed) -> None:
    observed(
        """
        import app
        assert {"heavy", "pack.leaf"} <= {*sys.modules} and (COUNTS_OTHERS or plan.pending() == 0)
        assert told() == [("heavy", "eager", 1), ("pack.leaf:NAME", "eager", 3)], told()
        """,
        {},
        "import heavy\n\nfrom pack.leaf import NAME\n",
    )


FIXED = {
    "try": ("try:\n    import heavy\nexcept ImportError: pass\n", "heavy"),
    "with": ("import contextlib as c\nwith c.nullcontext():\n    import heavy\n", "heavy"),
    "star": ("from heavy import *\n", "heavy:*"),
    "typing": ("import typing\n", "typing"),
    "future": ("from __future__ import annotations\n", "__future__:annotations"),
}


# The interpreter's own lazy imports pass these over without a word.
UNSEEN = {"try", "star"} if NATIVE else set()


@pytest.mark.parametrize("case", [case for case in FIXED if case not in UNSEEN])
@pytest.mark.parametrize("named", [False, True])
def test_what_can_never_be_deferred_is_fixed(case: str, named: bool, observed: Observed) -> None:
    source, edge = FIXED[case]
    observed(
        f"import app\nassert [s for e, s, _ in told() if e == {edge!r}] == ['fixed'], told()\n",
        {"app": [edge]} if named else {},
        source,
    )


def test_statements_of_functions_and_classes_are_no_candidates(observed: Observed) -> None:
    observed(
        """
        import app
        app.f()
        assert {state for _, state, _ in told()} <= {"fixed"}, told()
        """,
        {},
        "def f():\n    import heavy\nclass C:\n    import second\n",
    )


def test_what_is_deferred_is_pending_until_it_is_used(observed: Observed) -> None:
    observed(
        """
        import app
        assert told() == [("heavy", "pending", 1), ("second", "pending", 2)], told()
        app.use()
        assert told() == [("heavy", "resolved", 1), ("second", "pending", 2)], told()
        """,
        {"app": ["heavy", "second"]},
        "import heavy\nimport second\ndef use(): return heavy.VALUE\n",
    )


@pytest.mark.skipif(NATIVE, reason="the interpreter does not tell who uses a name first")
def test_the_first_use_is_told_by_file_and_line(observed: Observed) -> None:
    observed(
        """
        import app
        app.use()
        [(_, _, _, _, first)] = [row for row in plan.report() if row[1] == "heavy"]
        assert first == f"{app.__file__}:4", first
        """,
        {"app": ["heavy"]},
        "import heavy\n\ndef use():\n    return heavy.VALUE\n",
    )


def test_what_is_loaded_already_is_bound(observed: Observed) -> None:
    observed(
        """
        import heavy
        import app
        states = {"bound", "resolved"} if sys.version_info >= (3, 15) else {"bound"}
        assert [edge for edge, state, _ in told() if state in states] == ["heavy", "heavy:VALUE"]
        """,
        {"app": ["heavy", "heavy:VALUE"]},
        "import heavy\nfrom heavy import VALUE\n",
    )


@pytest.mark.skipif(NATIVE, reason="judged by what is loaded: a failed module is not")
def test_what_failed_is_told_until_it_works(observed: Observed) -> None:
    observed(
        """
        import app
        for _ in range(2):
            try:
                app.broken
            except ValueError:
                pass
            assert told() == [("broken", "failed", 1)], told()
        with open(os.path.join(os.path.dirname(app.__file__), "broken.py"), "w") as file:
            file.write("VALUE = 1234567")
        assert app.broken.VALUE == 1234567
        assert told() == [("broken", "resolved", 1)], told()
        """,
        {"app": ["broken"]},
        "import broken\n",
    )


@pytest.mark.skipif(NATIVE, reason="the interpreter does not tell what it resolves")
def test_failures_are_told_innermost_first(observed: Observed) -> None:
    observed(
        """
        import outer
        try:
            outer.app
        except ValueError:
            pass
        assert plan.failures() == [("app", "broken"), ("outer", "app")], plan.failures()
        """,
        {"app": ["broken"], "outer": ["app"]},
        "import broken\nbroken.VALUE\n",
    )


def test_importers_and_statements_come_in_order_of_execution(observed: Observed) -> None:
    observed(
        """
        import outer
        rows = [row[:2] for row in plan.report() if row[0] in ("outer", "app", "pack")]
        assert rows == [("outer", "app"), ("app", "second"), ("app", "heavy")], rows
        """,
        {},
        "import second\nimport heavy\n",
    )


def test_a_statement_in_a_loop_is_told_like_any_other(observed: Observed) -> None:
    observed(
        "import app\nassert {*told()} == {('heavy', 'pending', 2)}, told()\n",
        {"app": ["heavy"]},
        "for _ in range(3):\n    import heavy\n",
    )


def test_relative_statements_are_told_absolutely(observed: Observed, tmp_path: Path) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "user.py").write_text("from . import leaf\nfrom .leaf import NAME\n")
    observed(
        """
        import pack.user
        edges = [row[1] for row in plan.report() if row[0] == "pack.user"]
        assert edges == ["pack:leaf", "pack.leaf:NAME"], edges
        """,
        {},
        "",
    )


def test_what_was_told_can_be_planned(observed: Observed) -> None:
    observed(
        """
        import app
        edges = {}
        for importer, edge, state, *_ in plan.report():
            if state == "eager":
                edges.setdefault(importer, []).append(edge)
        plan.disable()
        for name in ("app", "heavy", "second", "pack", "pack.leaf"):
            del sys.modules[name]
        again = ImportPlan(edges)
        assert again.enable()
        import app
        assert not {"heavy", "second", "pack"} & {*sys.modules}
        assert app.use() == ("leaf", 42, "second")
        """,
        {},
        """
        import heavy as h
        from pack import leaf
        from second import VALUE
        def use(): return leaf.NAME, h.VALUE, VALUE
        """,
    )


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="the interpreter itself defers there")
def test_a_listener_is_told_of_imports_that_raise_deferred_or_not(
    run_python: Observed, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("raise LookupError('broken')\n")
    (tmp_path / "now.py").write_text("try:\n    import broken\nexcept LookupError: pass\n")
    (tmp_path / "later.py").write_text("import broken\n")
    run_python(
        textwrap.dedent(
            """
            from coldcache._core import ImportPlan
            told = []
            def listen(importer, edge, error):
                lines = []
                trace = error.__traceback__
                while trace is not None:
                    lines.append(trace.tb_lineno)
                    trace = trace.tb_next
                told.append((importer, edge, str(error), lines[-1]))
            plan = ImportPlan({"later": ["broken"]}, observe=listen)
            assert plan.enable()
            import now
            assert told == [("now", "broken", "broken", 1)], told
            import later
            assert len(told) == 1
            try:
                later.broken
            except LookupError:
                pass
            assert told[1:] == [("later", "broken", "broken", 1)], told
            """
        ),
        env={"PYTHONPATH": str(tmp_path)},
    )
