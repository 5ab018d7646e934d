"""Modules that import each other, and names that are read while they are being loaded."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Planned = Callable[..., str]


def test_a_circle_of_names_works_as_nothing_is_needed_at_once(planned: Planned) -> None:
    planned(
        """
        import one
        assert one.ask() == "two asks one"
        """,
        {"one": ["two:tell"], "two": ["one:NAME"]},
        {
            "one.py": "from two import tell\nNAME = 'one'\ndef ask(): return tell()\n",
            "two.py": "from one import NAME\ndef tell(): return 'two asks ' + NAME\n",
        },
    )


def test_a_circle_with_one_deferred_side_works(planned: Planned) -> None:
    planned(
        "import one\nassert one.ask() == 'two asks one'\n",
        {"one": ["two:tell"]},
        {
            "one.py": "from two import tell\nNAME = 'one'\ndef ask(): return tell()\n",
            "two.py": "from one import NAME\ndef tell(): return 'two asks ' + NAME\n",
        },
    )


def test_a_circle_of_three_packages_works(planned: Planned) -> None:
    planned(
        "import a.x\nassert a.x.go() == 'a.x b.y c.z a.x'\n",
        {"a.x": ["b.y"], "b.y": ["c:z"], "c.z": ["a.x:NAME"]},
        {
            "a/__init__.py": "",
            "b/__init__.py": "",
            "c/__init__.py": "",
            "a/x.py": "import b.y\nNAME = 'a.x'\ndef go(): return 'a.x ' + b.y.go()\n",
            "b/y.py": "from c import z\ndef go(): return 'b.y ' + z.go()\n",
            "c/z.py": "from a.x import NAME\ndef go(): return 'c.z ' + NAME\n",
        },
    )


def test_a_circle_that_needs_a_name_too_early_fails_as_ever(planned: Planned) -> None:
    planned(
        """
        try:
            import one
        except ImportError as error:
            assert "partially initialized module 'one'" in str(error), error
        else:
            raise AssertionError("worked")
        assert "one" not in sys.modules
        """,
        {"one": ["two:tell"]},
        {
            "one.py": "from two import tell\ntell()\nNAME = 'one'\n",
            "two.py": "from one import NAME\ndef tell(): return NAME\n",
        },
    )


IN_THE_MIDST = {
    "attribute": "import app\nassert app.other == 1\ntry:\n    app.heavy\n{}",
    "function": "import app\nassert app.other == 1\ntry:\n    app.use()\n{}",
    "from-import": "from app import other\ntry:\n    from app import heavy\n{}",
    "getattr": "import app\ntry:\n    getattr(app, 'heavy')\n{}",
}
GIVEN_UP = "except (AttributeError, NameError, ImportError):\n    pass\nVALUE = 42\n"


@pytest.mark.parametrize("read", IN_THE_MIDST)
def test_a_name_read_while_it_is_loaded_never_hangs(read: str, planned: Planned) -> None:
    planned(
        """
        import app
        assert app.use() == 42
        assert app.heavy is sys.modules["heavy"]
        """,
        {"app": ["heavy"]},
        {
            "heavy.py": IN_THE_MIDST[read].format(GIVEN_UP),
            "app.py": "import heavy\nother = 1\ndef use(): return heavy.VALUE\n",
        },
    )


def test_a_module_may_look_at_its_importer_while_it_is_loaded(planned: Planned) -> None:
    planned(
        """
        import app
        assert app.heavy.seen == ["heavy", "other", "use"]
        """,
        {"app": ["heavy"]},
        {
            "heavy.py": "import app\nseen = [str(n) for n in dir(app) if n[0] != '_']\n",
            "app.py": "import heavy\nother = 1\ndef use(): return heavy.VALUE\n",
        },
    )


def test_a_module_may_bind_the_very_name_while_it_is_loaded(planned: Planned) -> None:
    planned(
        """
        import app
        app.heavy
        assert app.heavy in ("mine", sys.modules["heavy"])
        assert {type(n) for n in vars(app)} == {str}
        """,
        {"app": ["heavy"]},
        {"heavy.py": "import app\napp.heavy = 'mine'\n", "app.py": "import heavy\n"},
    )


def test_a_module_may_take_its_importer_away_while_it_is_loaded(planned: Planned) -> None:
    planned(
        """
        import app
        use = app.use
        del app
        assert use().VALUE == 42
        """,
        {"app": ["heavy"]},
        {
            "heavy.py": "import sys, gc\nsys.modules.pop('app')\ngc.collect()\nVALUE = 42\n",
            "app.py": "import heavy\ndef use(): return heavy\n",
        },
    )


def test_a_chain_of_deferred_modules_loads_to_its_end(planned: Planned) -> None:
    planned(
        "import m0\nassert m0.depth() == 59\n",
        {f"m{n}": [f"m{n + 1}"] for n in range(60)},
        {
            **{
                f"m{n}.py": f"import m{n + 1}\ndef depth(): return m{n + 1}.depth()\n"
                for n in range(59)
            },
            "m59.py": "def depth(): return 59\n",
        },
    )


def test_a_use_at_the_limit_of_recursion_can_be_repeated(planned: Planned) -> None:
    planned(
        """
        import app
        def down(n):
            try:
                return down(n + 1)
            except RecursionError:
                return app.use()
        for _ in range(50):
            try:
                assert down(0) == 42
                break
            except RecursionError:
                pass
        assert app.use() == 42
        """,
        {"app": ["heavy"]},
        {"heavy.py": "VALUE = 42\n", "app.py": "import heavy\ndef use(): return heavy.VALUE\n"},
    )
