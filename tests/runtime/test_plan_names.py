"""Names that are bound before, bound again or removed, and modules that were loaded already."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

Planned = Callable[..., str]


MODULES = {
    "heavy.py": "VALUE = 42\n",
    "second.py": "VALUE = 'second'\n",
    "pack/__init__.py": "ROOT = 'root'\n",
    "pack/leaf.py": "NAME = 'leaf'\n",
    "pack/twin.py": "NAME = 'twin'\n",
}

REBOUND = {
    "assigned": "import heavy\nheavy = 1\ngot = heavy",
    "assigned-by-function": "import heavy\ndef f():\n    global heavy; heavy = 1\nf()\ngot = heavy",
    "assigned-by-globals": "import heavy\nglobals()['heavy'] = 1\ngot = heavy",
    "defined": "import heavy\ndef heavy(): return 1\ngot = heavy()",
    "loop": "import heavy\nfor heavy in [1]: pass\ngot = heavy",
    "with": "import heavy, contextlib\nwith contextlib.nullcontext(1) as heavy: pass\ngot = heavy",
    "walrus": "import heavy\n(heavy := 1)\ngot = heavy",
    "annotated": "import heavy\nheavy: int = 1\ngot = heavy",
    "imported-over": "import heavy\nfrom app_one import one as heavy\ngot = heavy",
    "deleted": "import heavy\ndel heavy\ngot = int('heavy' not in globals())",
    "deleted-by-function": "import heavy\ndef f():\n    global heavy\n    del heavy\nf()\n"
    "got = int('heavy' not in globals())",
    "deleted-and-assigned": "import heavy\ndel heavy\nheavy = 1\ngot = heavy",
    "from-deleted": "from heavy import VALUE\ndel VALUE\ngot = int('VALUE' not in globals())",
    "from-assigned": "from heavy import VALUE\nVALUE = 1\ngot = VALUE",
    "dotted-deleted": "import pack.leaf\ndel pack\ngot = int('pack' not in globals())",
}


@pytest.mark.parametrize("case", REBOUND)
def test_a_name_can_be_bound_again_or_removed(case: str, planned: Planned) -> None:
    planned(
        "import app\nassert app.got == 1\n",
        {"app": ["heavy", "heavy:VALUE", "pack.leaf"]},
        {**MODULES, "app_one.py": "one = 1\n", "app.py": REBOUND[case] + "\n"},
    )


@pytest.mark.parametrize("case", [case for case in REBOUND if "globals" not in REBOUND[case]])
def test_binding_a_name_again_loads_nothing(case: str, planned: Planned) -> None:
    planned(
        "import app\nassert not {'heavy', 'pack.leaf'} & {*sys.modules}\n",
        {"app": ["heavy", "heavy:VALUE", "pack.leaf"]},
        {**MODULES, "app_one.py": "one = 1\n", "app.py": REBOUND[case] + "\n"},
    )


@pytest.mark.parametrize("again", ["heavy = 1", "del heavy\nheavy = 1", "def heavy(): pass"])
def test_a_name_whose_module_is_missing_can_be_bound_again(again: str, planned: Planned) -> None:
    planned(
        "import app\nassert app.heavy\n",
        {"app": ["heavy"]},
        {"app.py": f"import heavy\n{again}\n"},
    )


def test_a_removed_name_is_missing(planned: Planned) -> None:
    planned(
        """
        import app
        assert not hasattr(app, "heavy") and "heavy" not in dir(app)
        try:
            app.use()
        except NameError:
            pass
        else:
            raise AssertionError("found")
        """,
        {"app": ["heavy"]},
        {**MODULES, "app.py": "import heavy\ndel heavy\ndef use(): return heavy\n"},
    )


OUTSIDE = {
    "setattr": ("app.heavy = 1", "app.heavy == app.use() == 1"),
    "setattr-by-name": ("setattr(app, ''.join(['hea', 'vy']), 1)", "app.heavy == app.use() == 1"),
    "vars": ("vars(app)['heavy'] = 1", "app.heavy == app.use() == 1"),
    "update": ("vars(app).update(heavy=1)", "app.heavy == app.use() == 1"),
    "delattr": ("del app.heavy", "not hasattr(app, 'heavy')"),
    "delattr-and-set": ("del app.heavy; app.heavy = 1", "app.heavy == app.use() == 1"),
    "twice": ("app.heavy = 0; app.heavy = 1", "app.heavy == app.use() == 1"),
    "after-a-look": ("dir(app); app.heavy = 1", "app.heavy == app.use() == 1"),
    "by-names-of-dir": (
        "[setattr(app, n, 1) for n in dir(app) if n == 'heavy']",
        "app.heavy == app.use() == 1",
    ),
}


@pytest.mark.parametrize("case", OUTSIDE)
def test_a_name_can_be_set_and_removed_from_outside(case: str, planned: Planned) -> None:
    action, check = OUTSIDE[case]
    planned(
        f"import app\n{action}\nassert {check}\n",
        {"app": ["heavy"]},
        {**MODULES, "app.py": "import heavy\ndef use(): return heavy\n"},
    )


# A call such as setattr() cannot be told from one that reads.
STATEMENTS = ["setattr", "vars", "delattr", "delattr-and-set", "twice", "after-a-look"]


@pytest.mark.parametrize("case", STATEMENTS)
def test_setting_and_removing_a_name_from_outside_loads_nothing(
    case: str, planned: Planned
) -> None:
    planned(
        f"import app\n{OUTSIDE[case][0]}\nassert 'heavy' not in sys.modules\n",
        {"app": ["heavy"]},
        {**MODULES, "app.py": "import heavy\ndef use(): return heavy\n"},
    )


BEFORE = {
    "assigned": "heavy = 1\nimport heavy",
    "assigned-none": "heavy = None\nimport heavy",
    "defined": "def heavy(): pass\nimport heavy",
    "read-before": "heavy = 1\nassert heavy == 1\nimport heavy",
    "removed-before": "heavy = 1\ndel heavy\nimport heavy",
    "imported-before": "import second as heavy\nimport heavy",
    "planned-before": "import heavy\ndel heavy\nimport heavy",
    "used-before": "import heavy\nheavy.VALUE\nimport heavy",
}


@pytest.mark.parametrize("case", BEFORE)
def test_a_name_bound_before_is_replaced(case: str, planned: Planned) -> None:
    planned(
        "import app\nassert app.use() is sys.modules['heavy']\n",
        {"app": ["heavy"]},
        {**MODULES, "app.py": BEFORE[case] + "\ndef use(): return heavy\n"},
    )


def test_the_order_of_names_is_kept(planned: Planned) -> None:
    planned(
        """
        import app
        assert [str(n) for n in vars(app) if len(n) == 1] == [*"abcd"]
        app.b, app.d
        assert [str(n) for n in vars(app) if len(n) == 1] == [*"abcd"]
        """,
        {"app": ["heavy", "second"]},
        {**MODULES, "app.py": "a = 1\nimport heavy as b\nc = 1\nimport second as d\n"},
    )


LOADED = {
    "module": ("import heavy", "import heavy", "type(vars(app)['heavy']).__name__ == 'module'"),
    "from": ("import heavy", "from heavy import VALUE", "vars(app)['VALUE'] == 42"),
    "dotted": ("import pack.leaf", "import pack.leaf", "vars(app)['pack'].leaf.NAME == 'leaf'"),
    "alias": ("import pack.leaf", "import pack.leaf as x", "vars(app)['x'].NAME == 'leaf'"),
    "child": ("import pack.leaf", "from pack import leaf", "vars(app)['leaf'].NAME == 'leaf'"),
}


@pytest.mark.parametrize("case", LOADED)
@pytest.mark.skipif(sys.version_info >= (3, 15), reason="the interpreter's own placeholder is seen")
def test_what_is_loaded_already_is_bound_at_once(case: str, planned: Planned) -> None:
    before, statement, check = LOADED[case]
    planned(
        f"{before}\nimport app\nassert plan.pending() == 0\nassert {check}\n",
        {"app": ["heavy", "heavy:VALUE", "pack.leaf", "pack:leaf"]},
        {**MODULES, "app.py": statement + "\n"},
    )


def test_a_child_that_is_not_loaded_is_deferred_though_its_package_is(planned: Planned) -> None:
    planned(
        """
        import pack
        import app
        assert "pack.leaf" not in sys.modules and "pack.twin" not in sys.modules
        assert (app.leaf.NAME, app.pack.twin.NAME) == ("leaf", "twin")
        """,
        {"app": ["pack:leaf", "pack.twin"]},
        {**MODULES, "app.py": "from pack import leaf\nimport pack.twin\n"},
    )


def test_what_another_module_loads_meanwhile_is_found(planned: Planned) -> None:
    planned(
        """
        import app
        import heavy
        heavy.VALUE = "changed"
        assert app.heavy is heavy
        assert app.VALUE == "changed"
        """,
        {"app": ["heavy", "heavy:VALUE"]},
        {**MODULES, "app.py": "import heavy\nfrom heavy import VALUE\n"},
    )


def test_a_module_taken_out_and_loaded_again_is_the_new_one(planned: Planned) -> None:
    planned(
        """
        import app, other
        old = other.heavy
        del sys.modules["heavy"]
        assert app.heavy is sys.modules["heavy"]
        assert app.heavy is not old and other.heavy is old
        """,
        {"app": ["heavy"], "other": ["heavy"]},
        {**MODULES, "app.py": "import heavy\n", "other.py": "import heavy\n"},
    )
