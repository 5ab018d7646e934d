"""Lazy names as the interpreter's own placeholders: when they are handed out, and when not."""

from __future__ import annotations

import builtins
import gc
import importlib
import sys
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import coldcache
import pytest

pytestmark = pytest.mark.skipif(
    not hasattr(builtins, "__lazy_import__"),
    reason="SKIPPED: this interpreter has no lazy imports of its own (CPython 3.15 has)",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path; what is imported from it is forgotten afterwards."""
    (tmp_path / "heavy_module.py").write_text("VALUE = 42\nclass Failure(Exception): pass\n")
    (tmp_path / "heavy_package").mkdir()
    (tmp_path / "heavy_package" / "__init__.py").write_text("")
    (tmp_path / "heavy_package" / "leaf.py").write_text("NAME = 'leaf'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith(("heavy_", "owner_"))]:
        del sys.modules[name]


@pytest.fixture
def module(folder: Path) -> Callable[[str], types.ModuleType]:
    """Import source as a module of its own."""

    def load(source: str) -> types.ModuleType:
        text = "import coldcache\n" + textwrap.dedent(source)
        (folder / "owner_module.py").write_text(text)
        importlib.invalidate_caches()
        return importlib.import_module("owner_module")

    return load


def kind(module: types.ModuleType, name: str) -> str:
    """The type of what a variable of a module holds; looking does not resolve it."""
    return type(vars(module)[name]).__name__


DECLARATIONS = [
    "x = coldcache.lazy('heavy_module')",
    "x = coldcache.lazy('heavy_package.leaf')",
    "x = coldcache.lazy('heavy_module', 'VALUE')",
    "x = coldcache.lazy('heavy_module', attr='VALUE')",
    "x = coldcache.lazy('.leaf', package='heavy_package')",
    "x = coldcache.lazy('.leaf', attr='NAME', package='heavy_package')",
    "x = coldcache.lazy('.leaf', 'NAME', package='heavy_package')",
    "x = coldcache.lazy('.leaf', 'NAME', 'heavy_package')",
    "x: object = coldcache.lazy('heavy_module')",
    "if True:\n    x = coldcache.lazy('heavy_module')",
    "from coldcache import lazy\nx = lazy('heavy_module')",
    "from coldcache import lazy as declare\nx = declare('heavy_module', 'VALUE')",
    "import coldcache as cc\nx = cc.lazy('heavy_module')",
]


@pytest.mark.parametrize("source", DECLARATIONS)
def test_a_plain_statement_of_a_module_gets_the_placeholder(
    source: str, module: Callable[[str], types.ModuleType]
) -> None:
    assert kind(module(source), "x") == "lazy_import"
    assert sys.modules.keys().isdisjoint({"heavy_module", "heavy_package"})


@pytest.mark.parametrize("source", DECLARATIONS)
def test_what_the_statement_declares_is_the_real_object(
    source: str, module: Callable[[str], types.ModuleType]
) -> None:
    owner = module(f"{source}\ndef use(): return [x][0]\n")
    used = owner.use()

    real = sys.modules.get("heavy_module") or sys.modules["heavy_package.leaf"]
    assert used is real or used in {42, "leaf"}
    assert vars(owner)["x"] is used


ELSEWHERE = [
    "x = [coldcache.lazy('heavy_module')]; y = x[0]",
    "x = list(map(coldcache.lazy, ['heavy_module'])); y = x[0]",
    "x = tuple(map(coldcache.lazy, ['heavy_module'])); y = x[0]",
    "x = dict(zip('a', map(coldcache.lazy, ['heavy_module']))); y = x['a']",
    "x = (lambda: coldcache.lazy('heavy_module'))(); y = x",
    "def f(m=coldcache.lazy('heavy_module')): return m\ny = f()",
    "def f():\n    m = coldcache.lazy('heavy_module')\n    return m\ny = f()",
    "def f():\n    global y\n    y = coldcache.lazy('heavy_module')\nf()",
    "class C:\n    m = coldcache.lazy('heavy_module')\ny = C.m",
    "import functools\ny = functools.partial(coldcache.lazy, 'heavy_module')()",
    "y = z = coldcache.lazy('heavy_module')",
    "(y := coldcache.lazy('heavy_module'))",
    "y, z = coldcache.lazy('heavy_module'), 1",
    "name = 'heavy_module'\ny = coldcache.lazy(name)",
    "y = coldcache.lazy(*['heavy_module'])",
    "class O:\n    def lazy(_, n): return coldcache.lazy(n)\no = O()\ny = o.lazy('heavy_module')",
    "def lazy(name): return next(map(coldcache.lazy, [name]))\ny = lazy('heavy_module')",
    "m = {}\nm['a'] = coldcache.lazy('heavy_module')\ny = m['a']",
    "import types\nn = types.SimpleNamespace()\nn.m = coldcache.lazy('heavy_module')\ny = n.m",
    "exec(\"y = coldcache.lazy('heavy_module')\", dict(globals()), globals())",
]


@pytest.mark.parametrize("source", ELSEWHERE)
def test_no_placeholder_is_handed_out_elsewhere(
    source: str, module: Callable[[str], types.ModuleType]
) -> None:
    owner = module(source)

    assert kind(owner, "y") in {"LazyModule", "module"}
    assert owner.y.VALUE == 42


def test_a_namespace_that_is_no_module_gets_no_placeholder(folder: Path) -> None:
    space = {"__name__": "owner_nowhere", "coldcache": coldcache}
    exec("x = coldcache.lazy('heavy_module')", space)

    assert type(space["x"]).__name__ == "LazyModule"


def test_a_name_among_very_many_is_declared_all_the_same(
    module: Callable[[str], types.ModuleType],
) -> None:
    many = "\n".join(f"v{number} = {number}" for number in range(300))
    owner = module(f"{many}\nx = coldcache.lazy('heavy_module')\ndef use(): return x.VALUE\n")

    assert owner.use() == 42
    assert vars(owner)["x"] is sys.modules["heavy_module"]


def test_a_class_may_be_used_in_except_before_anything_else(
    module: Callable[[str], types.ModuleType],
) -> None:
    owner = module("""
        Failure = coldcache.lazy('heavy_module', 'Failure')
        def use():
            try:
                raise LookupError
            except Failure:
                return "wrong"
            except LookupError:
                return "right"
    """)

    assert owner.use() == "right"


def test_a_never_used_module_is_reloaded(module: Callable[[str], types.ModuleType]) -> None:
    owner = module("""
        import importlib
        x = coldcache.lazy('heavy_module')
        def use(): return importlib.reload(x)
    """)

    assert owner.use() is sys.modules["heavy_module"]


@pytest.mark.parametrize("attr", ["", ", 'VALUE'"])
def test_a_failure_shows_the_declaring_line(
    attr: str, module: Callable[[str], types.ModuleType]
) -> None:
    owner = module(f"\n\nx = coldcache.lazy('heavy_missing'{attr})\ndef use(): return x\n")
    with pytest.raises(ModuleNotFoundError, match="heavy_missing") as caught:
        owner.use()
    cause = caught.value.__cause__

    assert cause is not None
    assert cause.__traceback__ is not None
    frame = cause.__traceback__
    assert (Path(frame.tb_frame.f_code.co_filename).name, frame.tb_lineno) == (
        "owner_module.py",
        4,
    )


def test_a_failure_may_be_retried(module: Callable[[str], types.ModuleType], folder: Path) -> None:
    owner = module("x = coldcache.lazy('heavy_late')\ndef use(): return x.VALUE\n")
    with pytest.raises(ModuleNotFoundError):
        owner.use()
    (folder / "heavy_late.py").write_text("VALUE = 1")
    importlib.invalidate_caches()

    assert owner.use() == 1


def pending_here() -> list[tuple[str, str]]:
    """What the modules of these tests declared."""
    gc.collect()
    found = coldcache.pending()
    return [(name, Path(where).name) for name, where in found if "owner_module" in where]


def test_placeholders_are_pending(module: Callable[[str], types.ModuleType]) -> None:
    owner = module("""
        x = coldcache.lazy('heavy_module')
        y = coldcache.lazy('heavy_module', 'VALUE')
    """)

    assert pending_here() == [
        ("heavy_module", "owner_module.py:3"),
        ("heavy_module:VALUE", "owner_module.py:4"),
    ]
    assert "heavy_module" not in sys.modules
    assert owner


def test_a_used_placeholder_is_not_pending(module: Callable[[str], types.ModuleType]) -> None:
    owner = module("x = coldcache.lazy('heavy_module')\nx.VALUE")

    assert pending_here() == []
    assert owner


def test_a_placeholder_declared_again_by_a_reload_is_pending_once(
    module: Callable[[str], types.ModuleType],
) -> None:
    owner = module("x = coldcache.lazy('heavy_module')")
    importlib.reload(owner)

    assert pending_here() == [("heavy_module", "owner_module.py:2")]


def test_placeholders_of_a_module_that_is_gone_are_not_pending(
    module: Callable[[str], types.ModuleType],
) -> None:
    module("x = coldcache.lazy('heavy_module')")
    del sys.modules["owner_module"]

    assert pending_here() == []


def test_resolve_all_resolves_placeholders(module: Callable[[str], types.ModuleType]) -> None:
    owner = module("""
        x = coldcache.lazy('heavy_module')
        y = coldcache.lazy('heavy_module', 'VALUE')
    """)
    coldcache.resolve_all()

    assert vars(owner)["x"] is sys.modules["heavy_module"]
    assert vars(owner)["y"] == 42


def test_eager_mode_hands_out_no_placeholder(
    module: Callable[[str], types.ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLDCACHE_EAGER", "1")

    assert kind(module("x = coldcache.lazy('heavy_module')"), "x") == "module"


def test_the_interpreters_filter_has_the_last_word(
    module: Callable[[str], types.ModuleType],
) -> None:
    before = sys.get_lazy_imports_filter()  # type: ignore[attr-defined]
    sys.set_lazy_imports_filter(lambda *_edge: False)  # type: ignore[attr-defined]
    try:
        owner = module("""
            x = coldcache.lazy('heavy_module')
            y = coldcache.lazy('heavy_package.leaf')
            z = coldcache.lazy('heavy_module', 'VALUE')
        """)
    finally:
        sys.set_lazy_imports_filter(before)  # type: ignore[attr-defined]

    assert vars(owner)["x"] is sys.modules["heavy_module"]
    assert vars(owner)["y"] is sys.modules["heavy_package.leaf"]
    assert vars(owner)["z"] == 42
