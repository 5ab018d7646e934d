"""A plan names statements exactly: by importer, by absolute name, by all names in their order."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Planned = Callable[..., str]


MODULES = {
    "heavy.py": "VALUE = 42\nOTHER = 43\n",
    "second.py": "VALUE = 'second'\n",
    "pack/__init__.py": "ROOT = 'root'\n",
    "pack/leaf.py": "NAME = 'leaf'\n",
    "pack/inner/__init__.py": "",
    "pack/inner/core.py": "NAME = 'core'\n",
}


# The module it is in, the statement, its edge, and an expression with its value.
RELATIVE = {
    "sibling": ("pack/app.py", "from . import leaf", "pack:leaf", "leaf.NAME", "leaf"),
    "name-of-sibling": ("pack/app.py", "from .leaf import NAME", "pack.leaf:NAME", "NAME", "leaf"),
    "from-init": (
        "pack/app/__init__.py",
        "from ..leaf import NAME",
        "pack.leaf:NAME",
        "NAME",
        "leaf",
    ),
    "own-child": ("pack/app/__init__.py", "from .own import V", "pack.app.own:V", "V", "own"),
    "own-children": ("pack/app/__init__.py", "from . import own", "pack.app:own", "own.V", "own"),
    "uncle": ("pack/inner/app.py", "from ..leaf import NAME", "pack.leaf:NAME", "NAME", "leaf"),
    "uncles": ("pack/inner/app.py", "from .. import leaf as x", "pack:leaf", "x.NAME", "leaf"),
    "cousin": (
        "pack/app.py",
        "from .inner.core import NAME",
        "pack.inner.core:NAME",
        "NAME",
        "core",
    ),
}


@pytest.mark.parametrize("form", RELATIVE)
def test_a_relative_statement_is_named_absolutely(form: str, planned: Planned) -> None:
    path, statement, edge, use, value = RELATIVE[form]
    name = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    target = {"pack:leaf": "pack.leaf", "pack.app:own": "pack.app.own"}.get(
        edge, edge.partition(":")[0]
    )
    planned(
        f"""
        import importlib
        app = importlib.import_module({name!r})
        assert {target!r} not in sys.modules
        assert app.use() == {value!r}
        """,
        {name: [edge]},
        {
            **MODULES,
            "pack/app/own.py": "V = 'own'\n",
            "pack/inner/__init__.py": "",
            path: f"{statement}\ndef use():\n    return {use}\n",
        },
    )


def test_the_program_itself_may_be_an_importer(planned: Planned) -> None:
    planned(
        """
        import heavy
        assert "heavy" not in sys.modules
        assert heavy.VALUE == 42
        """,
        {"__main__": ["heavy"]},
        MODULES,
    )


def test_a_plan_of_one_importer_leaves_the_others_alone(planned: Planned) -> None:
    planned(
        """
        import app
        assert "heavy" not in sys.modules
        import other
        assert "heavy" in sys.modules and "second" in sys.modules
        """,
        {"app": ["heavy"], "elsewhere": ["second"]},
        {**MODULES, "app.py": "import heavy\n", "other.py": "import heavy, second\n"},
    )


# Edges that are near the statement `from heavy import VALUE, OTHER` without being it.
NEAR = ["heavy", "heavy:VALUE", "heavy:OTHER,VALUE", "heavy:VALUE,OTHER,", "heavy:*", "heav", ""]


@pytest.mark.parametrize("edge", NEAR)
def test_only_the_very_statement_named_is_deferred(edge: str, planned: Planned) -> None:
    planned(
        """
        import app
        assert "heavy" in sys.modules
        assert vars(app)["VALUE"] == 42
        """,
        {"app": [edge]},
        {**MODULES, "app.py": "from heavy import VALUE, OTHER\n"},
    )
