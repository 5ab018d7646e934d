"""What looks at a module without using its deferred names is answered and loads nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Planned = Callable[..., str]


MODULES = {
    "heavy.py": "VALUE = 42\n",
    "app.py": '''
    """Doc."""
    import heavy
    other = 1
    class C:
        def method(self): pass
    def f(): return other
    def fail(): raise ValueError
    def warn():
        import warnings
        warnings.warn("w")
    ''',
}

LOOKS = {
    "nothing": "pass",
    "dir": "assert ' '.join(dir(app)).endswith('f fail heavy other warn')",
    "len": "assert len(vars(app)) == len(dir(app))",
    "list-of-keys": "assert len(list(vars(app))) == len(vars(app))",
    "sorted-keys": "sorted(vars(app))",
    "keys-in-a-string": "assert 'heavy' in ' '.join(vars(app))",
    "upper": "assert 'HEAVY' in ' '.join(n.upper() for n in dir(app))",
    "startswith": "[n for n in dir(app) if not n.startswith('_')]",
    "repr": "repr(app), str(app)",
    "repr-of-names": "assert \"'heavy'\" in repr(dir(app))",
    "format-of-names": "assert 'heavy' in [f'{n}' for n in dir(app)][-3]",
    "other-name": "assert app.other == 1",
    "other-name-in": "assert 'other' in vars(app)",
    "no-such-name": "assert not hasattr(app, 'nothing')",
    "other-function": "assert app.f() == 1",
    "set-other": "app.fresh = 1; del app.fresh",
    "many-new-names": "[setattr(app, f'fresh{n}', n) for n in range(200)]",
    "call-with-error": "import traceback\n"
    "try:\n    app.fail()\nexcept ValueError:\n    traceback.format_exc()",
    "values": "len(list(vars(app).values()))",
    "copy-of-dict": "dict(vars(app)), vars(app).copy(), {**vars(app)}",
    "getmodule": "import inspect\nassert inspect.getmodule(app.f) is app",
    "getsource": "import inspect\ninspect.getsource(app.f), inspect.signature(app.f)",
    "getdoc": "import inspect\nassert inspect.getdoc(app) == 'Doc.'",
    "warning": "import warnings\nwith warnings.catch_warnings():\n"
    "    warnings.simplefilter('ignore'); app.warn()",
    "collection": "import gc\ngc.collect(), gc.get_objects()",
    "size": "sys.getsizeof(vars(app))",
    "hash": "hash(app), app == app",
    "weak-reference": "import weakref\nweakref.ref(app)()",
    "pickle-of-a-function": "import pickle\nassert pickle.loads(pickle.dumps(app.f)) is app.f",
    "pickle-of-an-instance": "import pickle\npickle.loads(pickle.dumps(app.C()))",
    "import-again": "import app as again\nassert again is app",
    "from-import-other": "from app import other, f, C",
    "find-spec": "import importlib.util\nassert importlib.util.find_spec('heavy')",
    "modules": "[(n, getattr(m, '__file__', None)) for n, m in list(sys.modules.items())]",
    "type-hints": "import typing\ntyping.get_type_hints(app.f)",
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_look_loads_nothing(look: str, planned: Planned) -> None:
    planned(
        f"import app\n{LOOKS[look]}\nassert 'heavy' not in sys.modules\n"
        "assert app.heavy.VALUE == 42\n",
        {"app": ["heavy"]},
        MODULES,
    )


TAKEN_AWAY = {
    "pickle": "import pickle\ngot = [pickle.loads(pickle.dumps(dir(app), p)) for p in range(6)]",
    "deepcopy": "import copy\ngot = [copy.deepcopy(dir(app))]",
    "copy": "import copy\ngot = [[copy.copy(n) for n in dir(app)]]",
    "json": "import json\ngot = [json.loads(json.dumps(dir(app)))]",
    "json-keys": "import json\ngot = [sorted(json.loads(json.dumps(dict.fromkeys(dir(app)))))]",
    "str": "got = [[str(n) for n in dir(app)]]",
    "join": "got = [' '.join(dir(app)).split()]",
    "slice": "got = [[n[:] for n in dir(app)]]",
}


@pytest.mark.parametrize("way", TAKEN_AWAY)
def test_names_taken_from_dir_are_plain_strings(way: str, planned: Planned) -> None:
    planned(
        f"import app\n{TAKEN_AWAY[way]}\n"
        "for names in got:\n"
        "    assert [type(name) for name in names] == [str] * len(names)\n"
        "    assert 'heavy' in names and names == sorted(names) == dir(app)\n",
        {"app": ["heavy"]},
        MODULES,
    )


def test_names_taken_from_dir_are_strings_to_all_who_ask(planned: Planned) -> None:
    planned(
        """
        import app
        [name] = [name for name in dir(app) if name.startswith("hea")]
        assert isinstance(name, str) and name == "heavy" == name and name != "heav"
        assert {name: 1}["heavy"] == {"heavy": 1}[name] == 1
        assert name in {"heavy"} and "heavy" in {name} and name in ["heavy"]
        assert (name + "!", name.upper(), len(name), name[0]) == ("heavy!", "HEAVY", 5, "h")
        assert name < "heavz" and "heavx" < name and hash(name) == hash("heavy")
        """,
        {"app": ["heavy"]},
        MODULES,
    )


ITERATIONS = {
    "read-by-name": "for name in vars(app):\n    getattr(app, name)\n    seen.append(str(name))",
    "read-one": "for name in vars(app):\n    app.two\n    seen.append(str(name))",
    "items": "for name, _ in vars(app).items():\n    getattr(app, name)\n"
    "    seen.append(str(name))",
    "compared": "for name in vars(app):\n    name == 'two'\n    seen.append(str(name))",
    "subscript": "for name in vars(app):\n    vars(app)[name]\n    seen.append(str(name))",
    "hashed": "for name in vars(app):\n    {name}\n    seen.append(str(name))",
}


@pytest.mark.parametrize("way", ITERATIONS)
def test_names_may_be_used_while_the_dict_is_walked(way: str, planned: Planned) -> None:
    planned(
        f"import app\nseen = []\nexpected = [str(name) for name in vars(app)]\n{ITERATIONS[way]}\n"
        "assert seen == expected\n",
        {"app": ["heavy", "second"]},
        {
            "heavy.py": "",
            "second.py": "",
            "app.py": "a = 1\nimport heavy as one\nb = 2\nimport second as two\nc = 3\n",
        },
    )
