"""Kinds of modules behind deferred names, and what people do with them: reload, patch, run."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

Planned = Callable[..., str]


KINDS = {
    "replaces-itself": (
        {"heavy.py": "import sys\nclass New: VALUE = 42\nsys.modules[__name__] = New()\n"},
        ["heavy"],
        "import heavy",
        "heavy.VALUE == 42 and type(heavy).__name__ == 'New'",
    ),
    "replaces-itself-from": (
        {"heavy.py": "import sys\nclass New: VALUE = 42\nsys.modules[__name__] = New()\n"},
        ["heavy:VALUE"],
        "from heavy import VALUE",
        "VALUE == 42",
    ),
    "changes-its-class": (
        {
            "heavy.py": "import sys, types\nclass New(types.ModuleType):\n"
            "    @property\n    def VALUE(self): return 42\nsys.modules[__name__].__class__ = New\n"
        },
        ["heavy", "heavy:VALUE"],
        "import heavy\nfrom heavy import VALUE",
        "heavy.VALUE == VALUE == 42",
    ),
    "namespace": (
        {"space/leaf.py": "NAME = 'leaf'\n"},
        ["space.leaf"],
        "import space.leaf",
        "space.leaf.NAME == 'leaf'",
    ),
    "namespace-from": (
        {"space/leaf.py": "NAME = 'leaf'\n"},
        ["space:leaf"],
        "from space import leaf",
        "leaf.NAME == 'leaf'",
    ),
    "namespace-alone": (
        {"space/leaf.py": "NAME = 'leaf'\n"},
        ["space"],
        "import space",
        "space.__spec__.loader is not None",
    ),
    "extension": ({}, ["mmap"], "import mmap", "mmap.mmap(-1, 16)[:1] == b'\\0'"),
    "extension-from": ({}, ["_decimal:Decimal"], "from _decimal import Decimal", "Decimal(1) == 1"),
    "built-in": ({}, ["_struct"], "import _struct", "_struct.calcsize('B') == 1"),
    "frozen": ({}, ["__hello__"], "import __hello__", "__hello__.__spec__.origin == 'frozen'"),
    "standard-library": ({}, ["fractions"], "import fractions", "fractions.Fraction(1) == 1"),
    "getattr": (
        {"heavy.py": "def __getattr__(name):\n    if name[0] != '_': return name\n"
         "    raise AttributeError(name)\n"},
        ["heavy:made_up"],
        "from heavy import made_up",
        "made_up == 'made_up'",
    ),
    "own-main": (
        {"pack/__init__.py": "", "pack/__main__.py": "VALUE = 42\n"},
        ["pack.__main__"],
        "import pack.__main__ as m",
        "m.VALUE == 42",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_of_module_may_be_deferred(kind: str, planned: Planned) -> None:
    files, edges, statement, check = KINDS[kind]
    targets = {edge.partition(":")[0] for edge in edges}
    planned(
        f"for name in {targets}: sys.modules.pop(name, None)\n"
        f"import app\nassert not {targets} & {{*sys.modules}} - {{'space'}}\nassert app.use()\n",
        {"app": edges},
        {**files, "app.py": f"{statement}\ndef use(): return {check}\n"},
    )


APP = {"heavy.py": "VALUE = 42\n", "app.py": "import heavy\ndef use(): return heavy.VALUE\n"}

ACTIONS = {
    "patch-the-name": """
        with mock.patch("app.heavy") as patched:
            assert app.heavy is patched and app.use() is patched.VALUE
        assert app.heavy is sys.modules["heavy"] and app.use() == 42
    """,
    "patch-object": """
        with mock.patch.object(app, "heavy", None):
            assert app.heavy is None
        assert app.heavy is sys.modules["heavy"]
    """,
    "patch-a-member": """
        with mock.patch("app.heavy.VALUE", 1):
            assert app.use() == 1
        assert app.use() == 42
    """,
    "patch-the-module": """
        with mock.patch("heavy.VALUE", 1):
            assert app.use() == 1
        assert app.use() == 42
    """,
    "patch-dict": """
        with mock.patch.dict(vars(app), other=1):
            assert app.other == 1
        assert not hasattr(app, "other") and app.use() == 42
    """,
    "patch-dict-of-the-name": """
        with mock.patch.dict(vars(app), heavy=None):
            assert app.heavy is None
        assert app.heavy is sys.modules["heavy"] and app.use() == 42
    """,
    "patch-in-sys-modules": """
        class Fake: VALUE = "fake"
        with mock.patch.dict(sys.modules, heavy=Fake):
            assert app.use() == "fake"
    """,
    "autospec": """
        with mock.patch("app.use", autospec=True) as patched:
            patched.return_value = 1
            assert app.use() == 1
        assert app.use() == 42
    """,
    "set-a-member": """
        app.heavy.VALUE = 1
        assert sys.modules["heavy"].VALUE == app.use() == 1
    """,
    "save-and-restore": """
        before = app.heavy
        app.heavy = None
        app.heavy = before
        assert app.use() == 42
    """,
}


@pytest.mark.parametrize("action", ACTIONS)
def test_a_deferred_name_may_be_patched(action: str, planned: Planned) -> None:
    start = "import app, sys\nfrom unittest import mock\n"
    planned(start + textwrap.dedent(ACTIONS[action]), {"app": ["heavy"]}, APP)


RELOADS = {
    "unused-importer": "importlib.reload(app)\nassert app.use() == 42",
    "used-importer": "app.use()\nimportlib.reload(app)\nassert app.use() == 42",
    "unused-importer-twice": "importlib.reload(app)\nimportlib.reload(app)\nassert app.use() == 42",
    "target": "importlib.reload(app.heavy)\nassert app.use() == 42",
    "target-keeps-identity": "h = app.heavy\nassert importlib.reload(h) is h is app.heavy",
    "importer-set-before": "app.heavy = 1\nimportlib.reload(app)\nassert app.use() == 42",
    "new-importer": "old = sys.modules.pop('app')\nimport app\nassert app is not old\n"
    "assert app.use() == old.use() == 42 and app.heavy is old.heavy",
}


@pytest.mark.parametrize("case", RELOADS)
def test_modules_may_be_reloaded(case: str, planned: Planned) -> None:
    planned(f"import app, importlib\n{RELOADS[case]}\n", {"app": ["heavy"]}, APP)


def test_a_missing_name_is_asked_of_the_module_and_a_deferred_one_is_not(planned: Planned) -> None:
    planned(
        """
        import app
        assert app.other == "other made up"
        assert app.heavy is sys.modules["heavy"] and app.asked == ["other"]
        """,
        {"app": ["heavy"]},
        {
            **APP,
            "app.py": "import heavy\nasked = []\ndef __getattr__(name):\n"
            "    asked.append(name)\n    return name + ' made up'\n",
        },
    )


def test_an_importer_of_a_class_of_its_own_works(planned: Planned) -> None:
    planned(
        """
        import app
        assert app.heavy is sys.modules["heavy"] and app.twice == 84
        """,
        {"app": ["heavy"]},
        {
            **APP,
            "app.py": "import sys, types\nimport heavy\nclass Own(types.ModuleType):\n"
            "    @property\n    def twice(self): return 2 * self.heavy.VALUE\n"
            "sys.modules[__name__].__class__ = Own\n",
        },
    )


def test_a_module_in_an_archive_may_be_deferred(planned: Planned, tmp_path: Path) -> None:
    planned(
        f"""
        import zipfile
        with zipfile.ZipFile({str(tmp_path / "z.zip")!r}, "w") as archive:
            archive.writestr("zipped.py", "VALUE = 42")
            archive.writestr("app.py", "import zipped\\ndef use(): return zipped.VALUE")
        sys.path.insert(0, {str(tmp_path / "z.zip")!r})
        import app
        assert "zipped" not in sys.modules
        assert app.use() == 42
        """,
        {"app": ["zipped"]},
        {},
    )


def test_a_module_run_by_its_name_may_defer(planned: Planned) -> None:
    planned(
        "import runpy\nspace = runpy.run_module('app', run_name='__main__', alter_sys=True)\n"
        "assert space['x'] == 42\n",
        {"__main__": ["heavy"]},
        {
            **APP,
            "app.py": "import heavy, sys\nassert 'heavy' not in sys.modules\nx = heavy.VALUE\n",
        },
    )


def test_data_classes_and_enumerations_see_real_objects(planned: Planned) -> None:
    planned(
        """
        import app, typing
        assert typing.get_type_hints(app.Point)["x"] is sys.modules["heavy"].Number
        assert app.Point(1).x == 1 and app.Colour.RED.value == 42
        """,
        {"app": ["heavy", "heavy:Number"]},
        {
            "heavy.py": "VALUE = 42\nclass Number(int): pass\n",
            "app.py": """
            from __future__ import annotations
            import dataclasses, enum
            import heavy
            from heavy import Number
            @dataclasses.dataclass
            class Point:
                x: Number
            class Colour(enum.Enum):
                RED = heavy.VALUE
            """,
        },
    )
