"""Which statements a plan defers, and that the names they bind are the real objects in use."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Planned = Callable[..., str]


MODULES = {
    "heavy.py": "VALUE = 42\nOTHER = 43\n",
    "second.py": "VALUE = 'second'\n",
    "pack/__init__.py": "ROOT = 'root'\n",
    "pack/leaf.py": "NAME = 'leaf'\n",
    "pack/twin.py": "NAME = 'twin'\n",
    "pack/inner/__init__.py": "",
    "pack/inner/core.py": "NAME = 'core'\n",
}

# The statement, the edges it has, an expression that uses what it binds, and its value.
FORMS = {
    "module": ("import heavy", ["heavy"], "heavy.VALUE", 42),
    "alias": ("import heavy as h", ["heavy"], "h.VALUE", 42),
    "dotted": ("import pack.leaf", ["pack.leaf"], "pack.leaf.NAME", "leaf"),
    "dotted-root": ("import pack.leaf", ["pack.leaf"], "pack.ROOT", "root"),
    "dotted-alias": ("import pack.leaf as x", ["pack.leaf"], "x.NAME", "leaf"),
    "deeply-dotted": (
        "import pack.inner.core",
        ["pack.inner.core"],
        "pack.inner.core.NAME",
        "core",
    ),
    "deep-alias": ("import pack.inner.core as x", ["pack.inner.core"], "x.NAME", "core"),
    "two-modules": (
        "import heavy, second",
        ["heavy", "second"],
        "heavy.VALUE, second.VALUE",
        (42, "second"),
    ),
    "two-of-a-root": (
        "import pack.leaf\nimport pack.twin",
        ["pack.leaf", "pack.twin"],
        "pack.leaf.NAME, pack.twin.NAME",
        ("leaf", "twin"),
    ),
    "root-then-dotted": (
        "import pack\nimport pack.leaf",
        ["pack", "pack.leaf"],
        "pack.ROOT, pack.leaf.NAME",
        ("root", "leaf"),
    ),
    "from": ("from heavy import VALUE", ["heavy:VALUE"], "VALUE", 42),
    "from-alias": ("from heavy import VALUE as v", ["heavy:VALUE"], "v", 42),
    "from-several": (
        "from heavy import VALUE, OTHER as o",
        ["heavy:VALUE,OTHER"],
        "VALUE, o",
        (42, 43),
    ),
    "from-same-twice": (
        "from heavy import VALUE as a, VALUE as b",
        ["heavy:VALUE,VALUE"],
        "a, b",
        (42, 42),
    ),
    "from-in-brackets": (
        "from heavy import (\n    VALUE,\n    OTHER,\n)",
        ["heavy:VALUE,OTHER"],
        "VALUE, OTHER",
        (42, 43),
    ),
    "from-package": ("from pack import leaf", ["pack:leaf"], "leaf.NAME", "leaf"),
    "from-package-both": (
        "from pack import ROOT, leaf",
        ["pack:ROOT,leaf"],
        "ROOT, leaf.NAME",
        ("root", "leaf"),
    ),
    "from-dotted": ("from pack.leaf import NAME", ["pack.leaf:NAME"], "NAME", "leaf"),
    "from-deep": ("from pack.inner.core import NAME", ["pack.inner.core:NAME"], "NAME", "core"),
    "stored-as-global": ("global heavy\nimport heavy", ["heavy"], "heavy.VALUE", 42),
    "from-stored-as-global": ("global v\nfrom heavy import VALUE as v", ["heavy:VALUE"], "v", 42),
    "behind-a-semicolon": (
        "a = 1; import heavy; b = 2",
        ["heavy"],
        "a, heavy.VALUE, b",
        (1, 42, 2),
    ),
    "under-if": ("if True:\n    import heavy", ["heavy"], "heavy.VALUE", 42),
    "under-else": ("if not __name__: pass\nelse:\n    import heavy", ["heavy"], "heavy.VALUE", 42),
    "in-a-loop": ("for _ in range(3):\n    import heavy", ["heavy"], "heavy.VALUE", 42),
    "twice": ("import heavy\nimport heavy", ["heavy"], "heavy.VALUE", 42),
    "under-two-names": (
        "import heavy\nimport heavy as h",
        ["heavy"],
        "h.VALUE, heavy.VALUE",
        (42, 42),
    ),
    "same-name-twice": (
        "import heavy as x\nimport second as x",
        ["heavy", "second"],
        "x.VALUE",
        "second",
    ),
    "after-a-try": (
        "try:\n    pass\nexcept ValueError:\n    pass\nimport heavy",
        ["heavy"],
        "heavy.VALUE",
        42,
    ),
    "after-a-with": (
        "import contextlib\nwith contextlib.suppress(ValueError):\n    pass\nimport heavy",
        ["heavy"],
        "heavy.VALUE",
        42,
    ),
    "not-ascii": ("import heavy as größe", ["heavy"], "größe.VALUE", 42),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_statement_of_the_plan_loads_nothing_until_it_is_used(
    form: str, planned: Planned
) -> None:
    statement, edges, use, value = FORMS[form]
    planned(
        f"""
        import app
        targets = {{"heavy", "second", "pack", "pack.leaf", "pack.inner"}}
        assert targets.isdisjoint(sys.modules), targets & set(sys.modules)
        assert app.use() == {value!r}
        """,
        {"app": edges},
        {**MODULES, "app.py": f"{statement}\ndef use():\n    return {use}\n"},
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_statement_of_the_plan_binds_what_it_would_bind_without(
    form: str, planned: Planned
) -> None:
    statement, edges, _, _ = FORMS[form]
    planned(
        """
        import app
        names = [name for name in dir(app) if not name.startswith("__")]
        bound = {str(name): getattr(app, name) for name in names}
        plan.disable()
        del sys.modules["app"]
        import app as plain
        assert bound == {n: v for n, v in vars(plain).items() if not n.startswith("__")}
        """,
        {"app": edges},
        {**MODULES, "app.py": statement},
    )


def test_a_statement_with_very_many_names_is_deferred(planned: Planned) -> None:
    many = [f"v{number}" for number in range(700)]
    planned(
        """
        import app
        assert "heavy" not in sys.modules
        assert app.v0 == 0 and app.v699 == 699
        assert [getattr(app, f"v{n}") for n in range(700)] == list(range(700))
        """,
        {"app": ["heavy:" + ",".join(many)]},
        {
            "heavy.py": "".join(f"v{n} = {n}\n" for n in range(700)),
            "app.py": f"from heavy import {', '.join(many)}\n",
        },
    )


def test_a_statement_far_down_a_long_module_is_deferred(planned: Planned) -> None:
    before = "".join(f"v{n} = {n} + len('{n}')\n" for n in range(700))
    planned(
        """
        import app
        assert "heavy" not in sys.modules and "pack" not in sys.modules
        assert (app.heavy.VALUE, app.leaf.NAME, app.x.NAME) == (42, "leaf", "core")
        """,
        {"app": ["heavy", "pack:leaf", "pack.inner.core"]},
        {
            **MODULES,
            "app.py": before + "import heavy\nfrom pack import leaf\nimport pack.inner.core as x\n",
        },
    )


def test_a_very_large_table_is_no_hindrance(planned: Planned) -> None:
    names = [f"part{n}" for n in range(400)]
    planned(
        """
        import app
        assert not [name for name in sys.modules if name.startswith("part")]
        assert [getattr(app, f"part{n}").V for n in range(400)] == list(range(400))
        """,
        {"app": names},
        {
            **{f"part{n}.py": f"V = {n}\n" for n in range(400)},
            "app.py": "".join(f"import {name}\n" for name in names),
        },
    )


def test_each_name_of_a_statement_loads_only_what_it_names(planned: Planned) -> None:
    planned(
        """
        import app
        assert app.leaf.NAME == "leaf"
        assert "pack.twin" not in sys.modules
        assert app.twin.NAME == "twin"
        """,
        {"app": ["pack:leaf,twin"]},
        {**MODULES, "app.py": "from pack import leaf, twin\n"},
    )
