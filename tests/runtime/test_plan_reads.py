"""Every way to read a deferred name gives the real object."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

Planned = Callable[..., str]


MODULES = {
    "heavy.py": """
    import contextlib
    VALUE = 42
    NUMBERS = [1, 2]
    class Base: pass
    class Failure(Exception): pass
    def decorate(function): return function()
    context = contextlib.nullcontext(42)
    """,
    "app.py": """
    import heavy
    other = 1
    def read(): return heavy
    def nested(): return (lambda: [heavy for _ in "a"][0])()
    def generated(): yield heavy
    def annotated(x: "heavy.Base"): ...
    def evaluated(): return eval("heavy")
    def executed():
        space = {}
        exec("x = heavy", globals(), space)
        return space["x"]
    def tried():
        try:
            raise LookupError
        except heavy.Failure:
            return None
        except LookupError:
            return heavy
    class Holder:
        def read(self): return heavy
        @property
        def held(self): return heavy
    """,
}

OUTSIDE = {
    "attribute": "got = app.heavy",
    "from-import": "from app import heavy as got",
    "star-import": "from app import *\ngot = heavy",
    "getattr": "got = getattr(app, 'heavy')",
    "getattr-of-a-name-made-up": "got = getattr(app, ''.join(['hea', 'vy']))",
    "getattr-of-a-subclass": "class S(str): pass\ngot = getattr(app, S('heavy'))",
    "getattr-with-default": "got = getattr(app, 'heavy', None)",
    "object-getattribute": "got = object.__getattribute__(app, 'heavy')",
    "hasattr": "assert hasattr(app, 'heavy')\ngot = app.heavy",
    "attrgetter": "import operator\ngot = operator.attrgetter('heavy')(app)",
    "every-name-of-dir": "got = {n: getattr(app, n) for n in dir(app)}['heavy']",
    "every-name-of-vars": "got = {n: getattr(app, n) for n in list(vars(app))}['heavy']",
    "getmembers": "import inspect\ngot = dict(inspect.getmembers(app))['heavy']",
    "getmembers-of-a-kind": "import inspect\n"
    "[(n, got)] = inspect.getmembers(app, inspect.ismodule)",
    "resolve-name": "import pkgutil\ngot = pkgutil.resolve_name('app:heavy')",
    "locate": "import pydoc\ngot = pydoc.locate('app.heavy')",
    "function": "got = app.read()",
    "nested-functions": "got = app.nested()",
    "generator": "got = next(app.generated())",
    "method": "got = app.Holder().read()",
    "property": "got = app.Holder().held",
    "except-clause": "got = app.tried()",
    "eval-inside": "got = app.evaluated()",
    "exec-inside": "got = app.executed()",
    "eval": "got = eval('heavy', vars(app))",
    "exec": "exec('got = heavy', vars(app)); got = app.got",
    "eval-in-a-copy": "got = eval('heavy', dict(vars(app)))",
    "exec-in-a-copy": "space = vars(app).copy(); exec('got = heavy', space); got = space['got']",
    "eval-in-a-mixture": "got = eval('heavy', {**globals(), **vars(app)})",
    "type-hints": "import typing\ntyping.get_type_hints(app.annotated)\ngot = app.heavy",
    "function-of-its-globals": "import types\n"
    "got = types.FunctionType(app.read.__code__, vars(app))()",
    "function-of-a-copy": "import types\n"
    "got = types.FunctionType(app.read.__code__, {**vars(app)})()",
    "updated-module": "import types\nm = types.ModuleType('m')\n"
    "vars(m).update(vars(app))\ngot = m.heavy",
}


@pytest.mark.parametrize("way", OUTSIDE)
def test_a_read_from_outside_gives_the_real_module(way: str, planned: Planned) -> None:
    planned(
        f"import app\nassert 'heavy' not in sys.modules\n{OUTSIDE[way]}\n"
        "assert got is sys.modules['heavy'], got\n",
        {"app": ["heavy"]},
        MODULES,
    )


# Where the interpreter has lazy imports of its own, such reads show its placeholder.
RAW = {
    "vars": "got = vars(app)['heavy']",
    "get": "got = vars(app).get('heavy')",
    "pop": "got = vars(app).pop('heavy')",
    "setdefault": "got = vars(app).setdefault('heavy', 1)",
    "itemgetter": "import operator\ngot = operator.itemgetter('heavy')(vars(app))",
    "globals": "got = app.read.__globals__['heavy']",
    "copy": "got = dict(vars(app))['heavy']",
    "copy-used-after-the-original": "copy = dict(vars(app)); app.heavy; got = copy['heavy']",
    "original-used-after-a-copy": "copy = dict(vars(app)); copy['heavy']; got = app.heavy",
    "copy-of-a-copy": "got = dict(dict(vars(app)))['heavy']",
    "keywords": "import types\ngot = types.SimpleNamespace(**vars(app)).heavy",
    "chain-map": "import collections\ngot = collections.ChainMap({}, vars(app))['heavy']",
    "runpy": "import runpy\ngot = runpy.run_module('app')['heavy']",
}


@pytest.mark.skipif(sys.version_info >= (3, 15), reason="the interpreter's own placeholder is seen")
@pytest.mark.parametrize("way", RAW)
def test_a_subscript_gives_the_real_module(way: str, planned: Planned) -> None:
    planned(
        f"import app\n{RAW[way]}\nassert got is sys.modules['heavy'], got\n",
        {"app": ["heavy"]},
        MODULES,
    )


INSIDE = {
    "name": "got = heavy.VALUE",
    "class-body": "class C:\n    got = heavy.VALUE\ngot = C.got",
    "default": "def f(m=heavy.VALUE): return m\ngot = f()",
    "decorator": "@heavy.decorate\ndef got(): return 42",
    "base-class": "class C(heavy.Base): got = 42\ngot = C().got",
    "comprehension": "got = [heavy.VALUE for _ in 'a'][0]",
    "f-string": "got = int(f'{heavy.VALUE}')",
    "lambda": "got = (lambda: heavy.VALUE)()",
    "with": "with heavy.context as got: pass",
    "match": "match 42:\n    case heavy.VALUE: got = 42",
    "walrus": "(got := heavy.VALUE)",
    "several": "got, _ = heavy.VALUE, 1",
    "stars": "got = 39 + sum([*heavy.NUMBERS])",
    "in-a-list": "got = [heavy][0].VALUE",
    "argument": "got = getattr(heavy, 'VALUE')",
    "loop": "for got in [heavy.VALUE]: pass",
    "isinstance": "import types\ngot = 42 if isinstance(heavy, types.ModuleType) else 0",
    "except": "try:\n    raise heavy.Failure\nexcept heavy.Failure:\n    got = 42",
    "augmented": "heavy.VALUE += 0\ngot = heavy.VALUE",
    "attribute-set": "heavy.VALUE = 42\ngot = heavy.VALUE",
    "attribute-deleted": "del heavy.NUMBERS\ngot = heavy.VALUE",
    "alias": "again = heavy\ngot = again.VALUE",
    "annotated": "x: heavy.Base = None\ngot = heavy.VALUE",
    "eval": "got = eval('heavy.VALUE')",
    "exec": "exec('got = heavy.VALUE')",
}


@pytest.mark.parametrize("way", INSIDE)
def test_a_read_in_the_module_itself_gives_the_real_module(way: str, planned: Planned) -> None:
    planned(
        "import app\nassert app.got == 42\n",
        {"app": ["heavy"]},
        {**MODULES, "app.py": f"import heavy\nimport sys\n{INSIDE[way]}\n"},
    )


VALUES = {
    "arithmetic": "got = VALUE + 0",
    "augmented": "VALUE += 0\ngot = VALUE",
    "comparison": "got = 42 if VALUE == 42 else 0",
    "condition": "got = 42 if VALUE else 0",
    "identity": "import heavy\ngot = 42 if VALUE is heavy.VALUE else 0",
    "format": "got = int('%d' % VALUE)",
    "list": "got = [VALUE][0]",
    "class": "got = 42 if issubclass(Base, object) else 0",
    "instance": "got = 42 if isinstance(Base(), Base) else 0",
    "subclass": "class C(Base): got = 42\ngot = C.got",
    "except": "try:\n    raise Failure\nexcept Failure:\n    got = 42",
    "except-first": "try:\n    raise KeyError\nexcept (Failure, KeyError):\n    got = 42",
    "pickle": "import pickle\ngot = 42 if pickle.loads(pickle.dumps(Base)) is Base else 0",
    "decorated": "@decorate\ndef got(): return 42",
}


@pytest.mark.parametrize("way", VALUES)
def test_a_read_of_a_name_imported_from_gives_the_real_object(way: str, planned: Planned) -> None:
    planned(
        "import app\nassert app.got == 42\n",
        {"app": ["heavy:VALUE,Base,Failure,decorate"]},
        {
            **MODULES,
            "app.py": f"from heavy import VALUE, Base, Failure, decorate\n{VALUES[way]}\n",
        },
    )


STARS = {
    "without-all": ("import heavy\n", "assert got.heavy is sys.modules['heavy']"),
    "with-all": ("__all__ = ['heavy']\nimport heavy\n", "assert got.heavy is sys.modules['heavy']"),
    "all-without-it": (
        "__all__ = ['x']\nx = 1\nimport heavy\n",
        "assert 'heavy' not in sys.modules and not hasattr(got, 'heavy')",
    ),
    "private": (
        "import heavy as _heavy\n",
        "assert not hasattr(got, '_heavy')",
    ),
    "from": ("from heavy import VALUE\n", "assert got.VALUE == 42"),
    "from-with-all": ("__all__ = ['VALUE']\nfrom heavy import VALUE\n", "assert got.VALUE == 42"),
}


@pytest.mark.parametrize("case", STARS)
def test_a_star_import_hands_on_real_objects(case: str, planned: Planned) -> None:
    source, check = STARS[case]
    planned(
        f"import got\n{check}\n",
        {"app": ["heavy", "heavy:VALUE"]},
        {**MODULES, "app.py": source, "got.py": "from app import *\n"},
    )


def test_a_doctest_sees_real_objects(planned: Planned) -> None:
    planned(
        "import doctest, app\nassert doctest.testmod(app) == (0, 1)\n",
        {"app": ["heavy"]},
        {
            **MODULES,
            "app.py": 'import heavy\ndef f():\n    """\n    >>> heavy.VALUE\n    42\n    """\n',
        },
    )
