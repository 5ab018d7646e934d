"""Plans in and out: what enabling installs, disabling takes away, and what is no plan."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., str]

MODULES = {
    "heavy.py": "VALUE = 42\n",
    "second.py": "VALUE = 'second'\n",
    "app.py": "import heavy\nimport second\ndef use(): return heavy.VALUE\n",
    "other.py": "import heavy\nimport second\n",
}
START = """
import builtins, sys, logging
from coldcache._core import ImportPlan
original = builtins.__import__
PLAN = {"app": ["heavy", "second"]}
# From 3.15 on the lazy statements of the standard library are counted, too.
COUNTS_OTHERS = sys.version_info >= (3, 15)
class Lines(logging.Handler):
    def emit(self, record): lines.append(record.getMessage())
lines = []
logging.getLogger("coldcache").addHandler(Lines())
logging.getLogger("coldcache").propagate = False
def filters():
    get = getattr(sys, "get_lazy_imports_filter", None)
    return get and (get(), sys.get_lazy_imports())
"""


@pytest.fixture
def run(run_python: Run, tmp_path: Path) -> Run:
    """Run a program in a fresh interpreter with a few modules beside it."""
    for name, source in MODULES.items():
        (tmp_path / name).write_text(source)
    return lambda program: run_python(
        START + textwrap.dedent(program), env={"PYTHONPATH": str(tmp_path)}
    )


def test_an_empty_plan_installs_nothing(run: Run) -> None:
    run("""
        before = filters()
        plan = ImportPlan({})
        assert plan.enable() is True
        assert builtins.__import__ is original and filters() == before
        import app
        assert "heavy" in sys.modules and (COUNTS_OTHERS or plan.pending() == 0)
        plan.disable()
        assert builtins.__import__ is original and filters() == before and lines == []
    """)


def test_a_plan_of_importers_without_edges_installs_nothing(run: Run) -> None:
    run("""
        plan = ImportPlan({"app": []})
        assert plan.enable() is True
        assert builtins.__import__ is original
    """)


def test_disabling_puts_back_what_was_there(run: Run) -> None:
    run("""
        before = filters()
        plan = ImportPlan(PLAN)
        assert plan.enable() is True
        plan.disable()
        assert builtins.__import__ is original and filters() == before
        import app
        assert "heavy" in sys.modules and lines == []
    """)


def test_a_plan_that_was_never_enabled_does_nothing(run: Run) -> None:
    run("""
        plan = ImportPlan(PLAN)
        import app
        assert "heavy" in sys.modules and builtins.__import__ is original
        plan.disable()
        assert builtins.__import__ is original
    """)


def test_pending_names_are_resolved_after_disabling(run: Run) -> None:
    run("""
        plan = ImportPlan(PLAN)
        plan.enable()
        import app
        plan.disable()
        assert "heavy" not in sys.modules
        assert app.use() == 42 and app.second.VALUE == "second"
    """)


def test_pending_names_outlive_their_plan(run: Run) -> None:
    run("""
        import gc
        plan = ImportPlan(PLAN)
        plan.enable()
        import app
        plan.disable()
        del plan
        gc.collect()
        assert app.use() == 42
    """)


def test_a_plan_that_is_let_go_while_enabled_stays(run: Run) -> None:
    run("""
        import gc
        ImportPlan(PLAN).enable()
        gc.collect()
        import app
        assert "heavy" not in sys.modules
        assert app.use() == 42
    """)


def test_a_plan_may_be_enabled_again(run: Run) -> None:
    run("""
        plan = ImportPlan(PLAN)
        for _ in range(3):
            assert plan.enable() is True
            plan.disable()
        assert plan.enable() is True
        import app
        assert "heavy" not in sys.modules and app.use() == 42
    """)


def test_another_plan_may_follow(run: Run) -> None:
    run("""
        first, second = ImportPlan(PLAN), ImportPlan({"other": ["second"]})
        first.enable()
        import app
        first.disable()
        second.enable()
        import other
        assert "second" not in sys.modules
        assert other.second is app.second
    """)


def test_a_second_plan_at_a_time_is_refused(run: Run) -> None:
    run("""
        first, second = ImportPlan(PLAN), ImportPlan({"other": ["second"]})
        first.enable()
        try:
            second.enable()
        except RuntimeError as error:
            assert str(error)
        else:
            raise AssertionError("two plans")
        second.disable()
        import app
        assert "heavy" not in sys.modules
        first.disable()
        assert builtins.__import__ is original
    """)


def test_resolve_all_binds_everything(run: Run) -> None:
    run("""
        plan = ImportPlan(PLAN)
        plan.enable()
        import app
        plan.resolve_all()
        assert {"heavy", "second"} <= {*sys.modules} and (COUNTS_OTHERS or plan.pending() == 0)
        assert app.use() == 42 and {type(name) for name in vars(app)} == {str}
    """)


def test_resolve_all_raises_what_a_use_would_raise(run: Run) -> None:
    run("""
        sys.modules["heavy"] = None
        plan = ImportPlan(PLAN)
        plan.enable()
        import app
        try:
            plan.resolve_all()
        except ModuleNotFoundError as error:
            assert error.name == "heavy"
        else:
            raise AssertionError("no error")
        del sys.modules["heavy"]
        plan.resolve_all()
        assert app.use() == 42
    """)


def test_resolve_all_takes_what_is_deferred_on_the_way_and_what_is_no_submodule(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "pack").mkdir()
    (tmp_path / "pack" / "__init__.py").write_text("def __getattr__(name): return name\n")
    chain = [f"import link{number + 1}\n" for number in range(4)]
    for number, source in enumerate([*chain, "VALUE = 1\n"]):
        (tmp_path / f"link{number}.py").write_text(source)
    # Listed first, the package has a name that may be a submodule, and is none.
    (tmp_path / "app.py").write_text("import pack\nfrom pack import name\nimport link0, heavy\n")
    run("""
        links = {f"link{n}": [f"link{n + 1}"] for n in range(4)}
        plan = ImportPlan({"app": ["pack:name", "link0", "heavy"], **links})
        plan.enable()
        import app
        assert "link0" not in sys.modules
        plan.resolve_all()
        assert "link4" in sys.modules and (app.name, app.heavy.VALUE) == ("name", 42)
    """)


BAD_PLANS = [
    "None",
    "1",
    "'app'",
    "[]",
    "{'app': 1}",
    "{'app': [1]}",
    "{1: ['heavy']}",
    "{'app': None}",
]


@pytest.mark.parametrize("edges", BAD_PLANS)
def test_a_plan_of_the_wrong_shape_is_refused(edges: str, run: Run) -> None:
    run(f"""
        try:
            ImportPlan({edges})
        except (TypeError, ValueError) as error:
            assert str(error)
        else:
            raise AssertionError("accepted")
        assert builtins.__import__ is original
    """)


def test_a_plan_takes_any_mapping_of_iterables(run: Run) -> None:
    run("""
        import types
        plan = ImportPlan(types.MappingProxyType({"app": (e for e in ["heavy"])}))
        assert plan.enable()
        import app
        assert "heavy" not in sys.modules and "second" in sys.modules
    """)
