"""Import hooks of other tools work beside a plan, each the real package."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Planned = Callable[..., str]


MODULES = {
    "heavy.py": "VALUE = 42\ndef double(x: int) -> int: return 2 * x\nclass Kind: pass\n",
    "pack/__init__.py": "from pack.leaf import half\n",
    "pack/leaf.py": "import heavy\ndef half(x: int) -> float: return x / heavy.VALUE\n",
    "app.py": "from __future__ import annotations\n"
    "import heavy\nfrom heavy import Kind\nfrom pack import leaf\n"
    "def use(x: int) -> int: return heavy.double(x)\ndef kind(k: Kind) -> int: return 1\n",
}
PLAN = {
    "app": ["heavy", "heavy:Kind", "pack:leaf"],
    "pack": ["pack.leaf:half"],
    "pack.leaf": ["heavy"],
}


def needs(package: str) -> pytest.MarkDecorator:
    missing = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(missing, reason=f"SKIPPED: {package} is not installed")


@needs("typeguard")
def test_typeguard_checks_what_is_deferred(planned: Planned) -> None:
    planned(
        """
        import typeguard
        with typeguard.install_import_hook(["app", "pack", "heavy"]):
            import app
            assert "heavy" not in sys.modules
            assert app.use(2) == 4 and app.kind(app.Kind()) == 1 and app.leaf.half(42) == 1.0
        for wrong in (lambda: app.use("2"), lambda: app.kind(1), lambda: app.heavy.double("2")):
            try:
                wrong()
            except typeguard.TypeCheckError:
                pass
            else:
                raise AssertionError("not checked")
        """,
        PLAN,
        MODULES,
    )


@needs("beartype")
def test_beartype_checks_what_is_deferred(planned: Planned) -> None:
    planned(
        """
        import warnings
        warnings.simplefilter("default")
        from beartype.claw import beartype_packages
        from beartype.roar import BeartypeCallHintViolation
        beartype_packages(["pack", "app", "heavy"])
        import app
        assert app.use(2) == 4 and app.leaf.half(42) == 1.0
        for wrong in (lambda: app.use("2"), lambda: app.leaf.half("2"), lambda: app.kind(1)):
            try:
                wrong()
            except BeartypeCallHintViolation:
                pass
            else:
                raise AssertionError("not checked")
        """,
        PLAN,
        MODULES,
    )


@needs("coverage")
def test_coverage_counts_the_lines_of_what_is_deferred(planned: Planned, tmp_path: Path) -> None:
    planned(
        f"""
        import coverage
        meter = coverage.Coverage(data_file=None, include=[{str(tmp_path)!r} + "/*"])
        meter.start()
        import app
        assert app.use(2) == 4
        meter.stop()
        data = meter.get_data()
        lines = {{path.rpartition("/")[2]: data.lines(path) for path in data.measured_files()}}
        assert sorted(lines["heavy.py"]) == [1, 2, 3], lines
        assert {{2, 3, 4, 5}} <= set(lines["app.py"])
        """,
        PLAN,
        MODULES,
    )


def test_the_assertions_of_pytest_are_rewritten_in_what_is_deferred(
    planned: Planned, tmp_path: Path
) -> None:
    (tmp_path / "conftest.py").write_text(
        "from coldcache._core import ImportPlan\n"
        "ImportPlan({'test_app': ['checked']}).enable()\n"
        "import pytest\npytest.register_assert_rewrite('checked')\n"
    )
    (tmp_path / "checked.py").write_text("def check(x):\n    assert x == 1\n")
    (tmp_path / "test_app.py").write_text("import checked\ndef test_check(): checked.check(2)\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert "1 failed" in done.stdout, done.stdout
    assert "assert 2 == 1" in done.stdout


def test_a_finder_put_before_the_others_is_asked_at_the_use(planned: Planned) -> None:
    planned(
        """
        import importlib.abc, importlib.machinery
        class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
            def find_spec(self, name, path, target=None):
                if name == "heavy":
                    return importlib.machinery.ModuleSpec(name, self)
            def exec_module(self, module):
                module.double = lambda x: "found " + str(x)
        import app
        sys.meta_path.insert(0, Finder())
        assert app.use(2) == "found 2"
        """,
        PLAN,
        MODULES,
    )


def test_a_loader_that_is_lazy_itself_works(planned: Planned) -> None:
    planned(
        """
        import importlib.util
        import app
        spec = importlib.util.find_spec("heavy")
        spec.loader = importlib.util.LazyLoader(spec.loader)
        heavy = importlib.util.module_from_spec(spec)
        sys.modules["heavy"] = heavy
        spec.loader.exec_module(heavy)
        assert app.use(2) == 4 and app.heavy is heavy
        """,
        PLAN,
        MODULES,
    )


def test_lazy_names_of_coldcache_itself_work_beside_a_plan(planned: Planned) -> None:
    planned(
        """
        import app, mixed
        assert "heavy" not in sys.modules
        assert mixed.twice() == 84 and app.heavy is mixed.second
        """,
        {**PLAN, "mixed": ["heavy"]},
        {
            **MODULES,
            "mixed.py": "import coldcache\nimport heavy as second\n"
            "first = coldcache.lazy('heavy')\n"
            "def twice(): return first.VALUE + second.VALUE\n",
        },
    )


def test_an_audit_hook_hears_of_the_import_at_the_use(planned: Planned) -> None:
    planned(
        """
        heard = []
        sys.addaudithook(lambda event, a: heard.append(a[0]) if event == "import" else None)
        import app
        assert "app" in heard and "heavy" not in heard
        app.use(1)
        assert "heavy" in heard
        """,
        PLAN,
        MODULES,
    )
