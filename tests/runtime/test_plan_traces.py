"""Once a name is used nothing of the plan is left in its module, whose globals are fast again."""

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
}
CASES = {
    "module": ("import heavy", "app.heavy"),
    "alias": ("import pack.leaf as x", "app.x"),
    "dotted": ("import pack.leaf", "app.pack.leaf"),
    "from": ("from heavy import VALUE", "app.VALUE"),
    "several": ("import heavy, second", "app.heavy, app.second"),
    "set-instead": ("import heavy", "app.heavy; app.heavy = 1"),
    "by-function": ("import heavy\ndef f(): return heavy", "app.f()"),
}


@pytest.mark.parametrize("case", CASES)
def test_all_names_of_a_module_are_plain_strings_again(case: str, planned: Planned) -> None:
    statement, use = CASES[case]
    planned(
        f"import app\n{use}\n"
        "for module in list(sys.modules.values()):\n"
        "    assert {type(n) for n in list(vars(module))} <= {str}, module\n"
        "assert (COUNTS_OTHERS or plan.pending() == 0)\n",
        {"app": ["heavy", "second", "pack.leaf", "heavy:VALUE"]},
        {**MODULES, "app.py": f"a = 1\n{statement}\nb = 2\n"},
    )


@pytest.mark.parametrize("case", [case for case in CASES if case != "set-instead"])
def test_a_module_ends_up_as_it_would_without_a_plan(case: str, planned: Planned) -> None:
    statement, use = CASES[case]
    planned(
        f"""
        import app, importlib
        {use}
        plan.disable()
        def values(module):
            return [(n, v) for n, v in vars(module).items() if n[0] != "_" and n != "f"]
        planned = values(app)
        del sys.modules["app"]
        assert planned == values(importlib.import_module("app"))
        """,
        {"app": ["heavy", "second", "pack.leaf", "heavy:VALUE"]},
        {**MODULES, "app.py": f"a = 1\n{statement}\nb = 2\n"},
    )


def test_names_not_used_yet_do_not_disturb_those_that_are(planned: Planned) -> None:
    planned(
        """
        import app
        for _ in range(3):
            assert app.heavy.VALUE == 42
        assert "second" not in sys.modules and (COUNTS_OTHERS or plan.pending() == 1)
        assert app.second.VALUE == "second" and (COUNTS_OTHERS or plan.pending() == 0)
        """,
        {"app": ["heavy", "second"]},
        {**MODULES, "app.py": "import heavy\nimport second\n"},
    )


SPECIALIZED = """
def opcodes(function):
    return [i.opname for i in dis.get_instructions(function, adaptive=True)]
for _ in range(500):
    app.use()
assert "LOAD_GLOBAL_MODULE" in opcodes(app.use), opcodes(app.use)
"""


@pytest.mark.skipif(sys.version_info < (3, 11), reason="3.10 keeps no specialized instructions")
def test_reads_are_specialized_once_the_last_name_is_used(planned: Planned) -> None:
    planned(
        "import app, dis\napp.use()\n" + SPECIALIZED,
        {"app": ["heavy"]},
        {**MODULES, "app.py": "import heavy\ndef use(): return heavy\n"},
    )


@pytest.mark.skipif(sys.version_info < (3, 11), reason="3.10 keeps no specialized instructions")
def test_reads_are_specialized_once_the_last_name_is_bound_again(planned: Planned) -> None:
    planned(
        "import app, dis\napp.heavy = 1\n" + SPECIALIZED,
        {"app": ["heavy"]},
        {**MODULES, "app.py": "import heavy\ndef use(): return heavy\n"},
    )


def test_a_function_that_ran_before_sees_the_module_afterwards(planned: Planned) -> None:
    planned(
        """
        import app
        for _ in range(500):
            assert app.other() == 1
        assert app.use().VALUE == 42
        for _ in range(500):
            assert app.use() is sys.modules["heavy"] and app.other() == 1
        """,
        {"app": ["heavy"]},
        {
            **MODULES,
            "app.py": "import heavy\nx = 1\ndef use(): return heavy\ndef other(): return x\n",
        },
    )


def test_a_module_that_is_gone_takes_its_pending_names_along(planned: Planned) -> None:
    planned(
        """
        import app, gc, weakref
        reference = weakref.ref(app)
        del sys.modules["app"], app
        gc.collect()
        assert reference() is None
        assert (COUNTS_OTHERS or plan.pending() == 0) and "heavy" not in sys.modules
        """,
        {"app": ["heavy"]},
        {**MODULES, "app.py": "import heavy\ndef use(): return heavy\n"},
    )


def test_a_circle_through_pending_names_is_collected(planned: Planned) -> None:
    planned(
        """
        import app, gc, weakref
        class Canary: pass
        app.canary = Canary()
        app.canary.names = [name for name in dir(app) if name.startswith("hea")]
        app.canary.copy = dict(vars(app))
        reference = weakref.ref(app.canary)
        del sys.modules["app"], app
        gc.collect()
        assert reference() is None
        """,
        {"app": ["heavy"]},
        {**MODULES, "app.py": "import heavy\n"},
    )


def test_references_are_given_back(planned: Planned) -> None:
    planned(
        """
        import gc, importlib
        import heavy
        def round():
            app = importlib.import_module("app")
            app.pack.leaf
            sys.modules.pop("app"), sys.modules.pop("pack"), sys.modules.pop("pack.leaf")
        counts = []
        for _ in range(6):
            for _ in range(5):
                round()
            gc.collect()
            counts.append(sys.getrefcount(vars(heavy)["VALUE"]) and len(gc.get_objects()))
        assert counts[-1] - counts[1] < 40, counts
        """,
        {"app": ["pack.leaf"]},
        {**MODULES, "app.py": "import pack.leaf\n"},
    )
