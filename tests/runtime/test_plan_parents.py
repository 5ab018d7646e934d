"""A child of a package that some statement imports can be reached through the package."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

Planned = Callable[..., str]


MODULES = {
    "pack/__init__.py": "ROOT = 'root'\n",
    "pack/leaf.py": "NAME = 'leaf'\nimport counted\ncounted.loads += 1\n",
    "pack/inner/__init__.py": "",
    "pack/inner/core.py": "NAME = 'core'\n",
    "counted.py": "loads = 0\n",
}
EDGES = [
    "pack",
    "pack.leaf",
    "pack.leaf:NAME",
    "pack:leaf",
    "pack.inner.core",
    "pack.inner.core:NAME",
]

LEAF = {
    "dotted": "import pack.leaf",
    "alias": "import pack.leaf as x",
    "from-child": "from pack.leaf import NAME",
    "child": "from pack import leaf",
    "child-alias": "from pack import leaf as x",
    "package-and-child": "import pack\nfrom pack.leaf import NAME",
    "child-and-package": "from pack.leaf import NAME\nimport pack",
    "twice": "from pack.leaf import NAME\nimport pack.leaf as x",
}
ORDERS = {
    "package-first": "import pack\nimport app",
    "package-later": "import app\nimport pack",
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("form", LEAF)
def test_a_deferred_child_is_an_attribute_of_its_package(
    form: str, order: str, planned: Planned
) -> None:
    planned(
        f"{ORDERS[order]}\nassert 'pack.leaf' not in sys.modules\n"
        "assert pack.leaf.NAME == 'leaf'\nassert pack.leaf is sys.modules['pack.leaf']\n",
        {"app": EDGES},
        {**MODULES, "app.py": LEAF[form] + "\n"},
    )


@pytest.mark.parametrize("form", LEAF)
def test_a_child_reached_through_its_package_is_loaded_once(form: str, planned: Planned) -> None:
    planned(
        """
        import app, pack, counted
        assert counted.loads == 0
        for _ in range(3):
            pack.leaf.NAME
            {n: getattr(app, n) for n in dir(app)}
        assert counted.loads == 1
        """,
        {"app": EDGES},
        {**MODULES, "app.py": LEAF[form] + "\n"},
    )


@pytest.mark.parametrize("form", LEAF)
def test_a_name_used_first_leaves_the_package_as_ever(form: str, planned: Planned) -> None:
    planned(
        """
        import app, pack
        {n: getattr(app, n) for n in dir(app)}
        assert pack.leaf is sys.modules["pack.leaf"]
        assert {type(n) for n in vars(pack)} == {str}
        """,
        {"app": EDGES},
        {**MODULES, "app.py": LEAF[form] + "\n"},
    )


CORE = {
    "dotted": "import pack.inner.core",
    "alias": "import pack.inner.core as x",
    "from": "from pack.inner.core import NAME",
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("form", CORE)
def test_a_deferred_grandchild_is_reached_from_the_top(
    form: str, order: str, planned: Planned
) -> None:
    planned(
        f"{ORDERS[order]}\nassert 'pack.inner' not in sys.modules\n"
        "assert pack.inner.core.NAME == 'core'\n",
        {"app": EDGES},
        {**MODULES, "app.py": CORE[form] + "\n"},
    )


def test_a_deferred_package_has_its_deferred_child(planned: Planned) -> None:
    planned(
        """
        import app
        assert "pack" not in sys.modules
        assert app.pack.ROOT == "root"
        assert "pack.leaf" not in sys.modules
        assert app.pack.leaf.NAME == "leaf"
        """,
        {"app": EDGES},
        {**MODULES, "app.py": "import pack\nfrom pack.leaf import NAME\n"},
    )


def test_a_package_defers_its_own_children(planned: Planned) -> None:
    planned(
        """
        import pack
        assert not {"pack.leaf", "pack.inner"} & {*sys.modules}
        assert (pack.NAME, pack.leaf.NAME, pack.inner.core.NAME) == ("leaf", "leaf", "core")
        """,
        {"pack": ["pack.leaf:NAME", "pack.inner:core"]},
        {**MODULES, "pack/__init__.py": "from .leaf import NAME\nfrom .inner import core\n"},
    )


def test_an_eager_import_of_the_child_elsewhere_settles_both(planned: Planned) -> None:
    planned(
        """
        import pack, app
        import pack.leaf
        assert pack.leaf is sys.modules["pack.leaf"] is app.x
        from pack import leaf
        assert leaf is pack.leaf
        """,
        {"app": EDGES},
        {**MODULES, "app.py": "import pack.leaf as x\n"},
    )


def test_an_attribute_set_by_the_user_stays(planned: Planned) -> None:
    planned(
        """
        import pack, app
        pack.leaf = "mine"
        assert pack.leaf == "mine"
        """,
        {"app": EDGES},
        {**MODULES, "app.py": "from pack.leaf import NAME\n"},
    )


def test_an_attribute_the_package_has_already_is_not_hidden(planned: Planned) -> None:
    planned(
        """
        import pack, app
        assert pack.leaf == "own"
        assert app.NAME == "leaf"
        """,
        {"app": EDGES},
        {**MODULES, "pack/__init__.py": "leaf = 'own'\n", "app.py": "from pack.leaf import NAME\n"},
    )


def test_a_missing_child_is_missed_at_its_package(planned: Planned) -> None:
    planned(
        """
        import pack, app
        try:
            pack.nothing
        except (ModuleNotFoundError, AttributeError) as error:
            assert "nothing" in str(error)
        else:
            raise AssertionError("found")
        assert pack.ROOT == "root"
        """,
        {"app": ["pack.nothing"]},
        {**MODULES, "app.py": "import pack.nothing as x\n"},
    )


def test_looking_at_the_package_loads_no_child(planned: Planned) -> None:
    planned(
        """
        import pack, app
        dir(pack), repr(pack), pack.ROOT, list(vars(pack)), hasattr(pack, "nothing")
        assert "pack.leaf" not in sys.modules
        """,
        {"app": EDGES},
        {**MODULES, "app.py": "from pack.leaf import NAME\n"},
    )


@pytest.mark.skipif(
    sys.version_info >= (3, 15), reason="the interpreter keeps pending children apart"
)
def test_a_star_import_of_the_package_hands_on_real_children(planned: Planned) -> None:
    planned(
        """
        import pack, app
        import got
        assert got.leaf is sys.modules["pack.leaf"]
        """,
        {"app": EDGES},
        {**MODULES, "app.py": "from pack.leaf import NAME\n", "got.py": "from pack import *\n"},
    )


def test_a_package_with_a_getattr_of_its_own_is_not_asked_for_the_child(planned: Planned) -> None:
    planned(
        """
        import pack, app
        assert pack.leaf is sys.modules["pack.leaf"]
        assert pack.other == "made up"
        """,
        {"app": EDGES},
        {
            **MODULES,
            "pack/__init__.py": "def __getattr__(name):\n"
            "    if name.startswith('__'): raise AttributeError(name)\n"
            "    return 'made up'\n",
            "app.py": "import pack.leaf as x\n",
        },
    )
