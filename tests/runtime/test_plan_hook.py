"""The hook of a plan beside hooks of others, and what calls of `__import__` still mean."""

from __future__ import annotations

import sys
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
class Lines(logging.Handler):
    def emit(self, record): lines.append(record.getMessage())
lines = []
logging.getLogger("coldcache").addHandler(Lines())
logging.getLogger("coldcache").propagate = False
def filters():
    get = getattr(sys, "get_lazy_imports_filter", None)
    return get and (get(), sys.get_lazy_imports())
"""
OLD = pytest.mark.skipif(sys.version_info >= (3, 15), reason="no hook: the interpreter's filter")
NEW = pytest.mark.skipif(sys.version_info < (3, 15), reason="SKIPPED: CPython 3.15 has filters")


@pytest.fixture
def run(run_python: Run, tmp_path: Path) -> Run:
    """Run a program in a fresh interpreter with a few modules beside it."""
    for name, source in MODULES.items():
        (tmp_path / name).write_text(source)
    return lambda program: run_python(
        START + textwrap.dedent(program), env={"PYTHONPATH": str(tmp_path)}
    )


@OLD
def test_where_another_hook_was_first_imports_stay_eager(run: Run) -> None:
    run("""
        calls = []
        def mine(name, *rest):
            calls.append(name)
            return original(name, *rest)
        builtins.__import__ = mine
        plan = ImportPlan(PLAN)
        assert plan.enable() is False
        assert builtins.__import__ is mine
        assert len(lines) == 1 and "__import__" in lines[0], lines
        import app
        assert "heavy" in sys.modules and "heavy" in calls
        plan.disable()
        assert builtins.__import__ is mine
    """)


@OLD
def test_a_hook_put_over_ours_goes_on_working(run: Run) -> None:
    run("""
        plan = ImportPlan(PLAN)
        assert plan.enable()
        ours = builtins.__import__
        calls = []
        def mine(name, *rest):
            calls.append(name)
            return ours(name, *rest)
        builtins.__import__ = mine
        import app
        assert app.use() == 42 and app.second.VALUE == "second"
        assert "heavy" in calls
        plan.disable()
        assert builtins.__import__ is mine, "what others put in is not ours to take out"
        import other
        assert other.heavy is app.heavy
        builtins.__import__ = ours
        import json.tool
        assert json.tool
    """)


@OLD
def test_a_hook_put_in_by_a_module_while_it_is_loaded_works(run: Run, tmp_path: Path) -> None:
    (tmp_path / "heavy.py").write_text(
        "import builtins\nours = builtins.__import__\ncalls = []\n"
        "def mine(name, *rest):\n    calls.append(name)\n    return ours(name, *rest)\n"
        "builtins.__import__ = mine\nVALUE = 42\n"
    )
    run("""
        plan = ImportPlan(PLAN)
        assert plan.enable()
        import app
        assert app.use() == 42
        import other
        assert app.second is other.second and "second" in sys.modules["heavy"].calls
    """)


@OLD
def test_a_module_with_builtins_of_its_own_is_served_by_them(run: Run) -> None:
    run("""
        plan = ImportPlan(PLAN)
        assert plan.enable()
        calls = []
        def mine(name, *rest):
            calls.append(name)
            return original(name, *rest)
        space = {"__name__": "app", "__builtins__": {"__import__": mine}}
        exec("import heavy", space)
        assert calls == ["heavy"] and "heavy" in sys.modules
    """)


@NEW
def test_a_filter_that_was_there_is_still_asked(run: Run) -> None:
    run("""
        asked = []
        def mine(importer, name, names):
            asked.append((importer, name))
            return name != "second"
        sys.set_lazy_imports_filter(mine)
        plan = ImportPlan(PLAN)
        assert plan.enable()
        import app
        assert "heavy" not in sys.modules and "second" in sys.modules
        assert ("app", "second") in asked
        plan.disable()
        assert sys.get_lazy_imports_filter() is mine
    """)


@NEW
def test_lazy_statements_of_the_source_stay_lazy(run: Run, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("lazy import heavy\nimport second\n")
    run("""
        plan = ImportPlan({"app": ["second"]})
        assert plan.enable()
        import app
        assert not {"heavy", "second"} & {*sys.modules}
        assert app.heavy.VALUE == 42
    """)


def test_ordinary_imports_are_what_they_were(run: Run) -> None:
    run("""
        plan = ImportPlan({"nobody": ["nothing"]})
        assert plan.enable()
        import xml.dom.minidom, os.path as path, json
        from xml.dom import minidom, Node
        from collections import abc, OrderedDict as od
        assert xml.dom.minidom is minidom is sys.modules["xml.dom.minidom"]
        assert path is sys.modules["os"].path and od is sys.modules["collections"].OrderedDict
        assert __import__("xml.dom") is xml
        assert __import__("xml.dom", fromlist=["minidom"]) is xml.dom
        assert __import__("dom", vars(xml), None, ["Node"], 1) is xml.dom
        assert __import__(name="json", level=0, fromlist=()) is json
    """)


BAD_CALLS = {
    "missing": ("__import__('nowhere')", "ModuleNotFoundError"),
    "no-name": ("__import__()", "TypeError"),
    "empty": ("__import__('')", "ValueError"),
    "number": ("__import__(1)", "TypeError"),
    "level": ("__import__('x', {}, {}, [], -1)", "ValueError"),
    "relative": ("__import__('x', {'__package__': ''}, {}, [], 1)", "ImportError"),
    "keyword": ("__import__('json', nothing=1)", "TypeError"),
    "too-many": ("__import__('json', {}, {}, [], 0, 1)", "TypeError"),
}


@pytest.mark.parametrize("case", BAD_CALLS)
def test_wrong_calls_of_import_fail_as_ever(case: str, run: Run) -> None:
    call, error = BAD_CALLS[case]
    run(f"""
        def outcome():
            try:
                {call}
            except Exception as error:
                return type(error).__name__, str(error)
        before = outcome()
        assert before[0] == {error!r}, before
        plan = ImportPlan({{"nobody": ["nothing"]}})
        assert plan.enable()
        # What is said of wrong arguments names the callable, which is another one.
        after = outcome()
        assert after == before or after[0] == before[0] == "TypeError", (after, before)
    """)
