"""Statements that are never deferred, though the plan names them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Planned = Callable[..., str]


MODULES = {
    "heavy.py": "VALUE = 42\ndef f(): return 42\n__all__ = ['VALUE']\n",
    "pack/__init__.py": "",
    "pack/leaf.py": "NAME = 'leaf'\n",
    "swallow.py": """
    class Swallow:
        def __enter__(self): return self
        def __exit__(self, *error): return True
    """,
}
PLAN = {"app": ["heavy", "heavy:VALUE", "heavy:*", "pack.leaf", "pack:leaf"]}

GUARDED = {
    "try": "try:\n    import heavy\nexcept ImportError:\n    heavy = None",
    "try-from": "try:\n    from heavy import VALUE\nexcept ImportError:\n    VALUE = None",
    "try-in-a-row": "try:\n    import sys\n    import heavy\nexcept ImportError:\n    pass",
    "try-finally": "try:\n    import heavy\nfinally:\n    pass",
    "try-else": "try:\n    import heavy\nexcept ImportError:\n    pass\nelse:\n    x = 1",
    "except": "try:\n    import heavy_missing\nexcept ImportError:\n    import heavy",
    "except-as": "try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    import heavy",
    "except-all": "try:\n    1 / 0\nexcept:\n    import heavy",
    "else-with-finally": "try:\n    pass\nexcept ValueError:\n    pass\nelse:\n    import heavy\n"
    "finally:\n    pass",
    "nested-try": "try:\n    try:\n        import heavy\n    finally:\n        pass\n"
    "except ImportError:\n    pass",
    "try-within-if": "if True:\n    try:\n        import heavy\n    except OSError:\n        pass",
    "if-within-try": "try:\n    if True:\n        import heavy\nexcept ImportError:\n    pass",
    "loop-within-try": "try:\n    for _ in 'ab':\n        import heavy\nexcept OSError:\n    pass",
    "try-within-loop": "for _ in 'ab':\n    try:\n        import heavy\n        break\n"
    "    except ImportError:\n        continue",
    "with": "from swallow import Swallow\nwith Swallow():\n    import heavy",
    "with-as": "from swallow import Swallow\nwith Swallow() as s:\n    import heavy",
    "with-two": "from swallow import Swallow\nwith Swallow(), Swallow():\n    import heavy",
    "nested-with": "from swallow import Swallow\nwith Swallow():\n    with Swallow():\n"
    "        pass\n    import heavy",
    "with-from": "from swallow import Swallow\nwith Swallow():\n    from heavy import VALUE",
    "with-try": "from swallow import Swallow\nwith Swallow():\n    try:\n        pass\n"
    "    finally:\n        pass\n    import heavy",
    "dotted": "try:\n    import heavy, pack.leaf\nexcept ImportError:\n    pass",
}


@pytest.mark.parametrize("case", GUARDED)
def test_a_statement_whose_failure_is_watched_stays_eager(case: str, planned: Planned) -> None:
    planned(
        "import app\nassert 'heavy' in sys.modules\n",
        PLAN,
        {**MODULES, "app.py": GUARDED[case] + "\n"},
    )


@pytest.mark.parametrize("case", GUARDED)
def test_a_statement_after_one_that_is_watched_is_deferred(case: str, planned: Planned) -> None:
    planned(
        "import app\nassert 'pack.leaf' not in sys.modules\nassert app.leaf.NAME == 'leaf'\n",
        {"app": ["pack:leaf"]},
        {
            **MODULES,
            "app.py": GUARDED[case].replace(", pack.leaf", "") + "\nfrom pack import leaf\n",
        },
    )


# Nothing of the `try` watches these any more, and no instruction tells them from other code.
UNWATCHED = {
    "finally": "try:\n    pass\nfinally:\n    import heavy",
    "else": "try:\n    pass\nexcept ValueError:\n    pass\nelse:\n    import heavy",
}


@pytest.mark.parametrize("case", UNWATCHED)
def test_a_statement_that_a_try_no_longer_watches_binds_the_real_module(
    case: str, planned: Planned
) -> None:
    planned(
        "import app\nassert app.heavy.VALUE == 42\n",
        PLAN,
        {**MODULES, "app.py": UNWATCHED[case] + "\n"},
    )


def test_a_missing_module_is_missed_where_the_module_looks_for_it(planned: Planned) -> None:
    planned(
        "import app\nassert app.found is None\n",
        {"app": ["heavy_missing"]},
        {
            "app.py": "try:\n    import heavy_missing as found\n"
            "except ModuleNotFoundError:\n    found = None\n"
        },
    )


ELSEWHERE = {
    "function": "def f():\n    import heavy\n    return heavy.VALUE\nassert f() == 42",
    "function-from": "def f():\n    from heavy import VALUE\n    return VALUE\nassert f() == 42",
    "function-global": "def f():\n    global heavy\n    import heavy\nf()\nassert heavy",
    "lambda": "f = lambda: __import__('heavy')\nassert f().VALUE == 42",
    "class": "class C:\n    import heavy\nassert C.heavy.VALUE == 42",
    "class-from": "class C:\n    from heavy import VALUE\nassert C.VALUE == 42",
    "class-global": "class C:\n    global heavy\n    import heavy\nassert heavy.VALUE == 42",
    "method": "class C:\n    def f(self):\n        import heavy\n        return heavy.VALUE\n"
    "assert C().f() == 42",
    "generator": "def f():\n    import heavy\n    yield heavy.VALUE\nassert [*f()] == [42]",
    "call": "heavy = __import__('heavy')\nassert heavy.VALUE == 42",
    "call-in-full": "x = __import__('heavy', globals(), locals(), ['VALUE'], 0)\nassert x",
    "call-for-its-result": "assert [__import__('heavy')][0].VALUE == 42",
    "import-module": "import importlib\nh = importlib.import_module('heavy')\nassert h.VALUE == 42",
    "star": "from heavy import *\nassert VALUE == 42",
    "exec-in-a-space": "space = {}\nexec('import heavy', space)\nassert space['heavy'].VALUE == 42",
    "exec-in-a-named-space": "space = {'__name__': 'app'}\nexec('import heavy', space)\n"
    "assert space['heavy'].VALUE == 42",
    "exec-with-locals": "space = {}\nexec('import heavy', globals(), space)\n"
    "assert space['heavy'].VALUE == 42",
    "exec-in-a-function": "def f():\n    space = {}\n    exec('import heavy', globals(), space)\n"
    "    return space['heavy'].VALUE\nassert f() == 42",
    "exec-of-from-with-locals": "space = {}\nexec('from heavy import VALUE', globals(), space)\n"
    "assert space['VALUE'] == 42",
    "exec-in-a-class": "class C:\n    exec('import heavy')\nassert C.heavy.VALUE == 42",
    "eval-of-a-call": "assert eval(\"__import__('heavy')\").VALUE == 42",
    "map": "[h] = map(__import__, ['heavy'])\nassert h.VALUE == 42",
}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_what_is_no_plain_statement_of_the_module_stays_eager(case: str, planned: Planned) -> None:
    planned(
        "import app\nassert 'heavy' in sys.modules\n",
        PLAN,
        {**MODULES, "app.py": ELSEWHERE[case] + "\n"},
    )


def test_a_future_statement_works(planned: Planned) -> None:
    planned(
        "import app\nassert app.f.__annotations__ == {'x': 'nowhere'}\n",
        {"app": ["__future__:annotations", "heavy"]},
        {
            **MODULES,
            "app.py": "from __future__ import annotations\nimport heavy\ndef f(x: nowhere): pass\n",
        },
    )


def test_names_of_typing_stay_eager(planned: Planned) -> None:
    planned(
        """
        sys.modules.pop("typing", None)
        import app
        assert "typing" in sys.modules
        assert app.TYPE_CHECKING is False
        """,
        {"app": ["typing", "typing:TYPE_CHECKING"]},
        {"app.py": "import typing\nfrom typing import TYPE_CHECKING\n"},
    )
