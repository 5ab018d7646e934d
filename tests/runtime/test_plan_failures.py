"""Deferred imports that fail: the original error at the use, where it was declared, and retries."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Planned = Callable[..., str]


MODULES = {
    "heavy.py": "VALUE = 42\n",
    "pack/__init__.py": "",
    "broken.py": """
    import counted
    counted.runs += 1
    if counted.error:
        raise counted.error
    VALUE = 42
    """,
    "counted.py": "runs = 0\nerror = None\n",
}

# What is imported, how it is written down in a plan, and the line it is on below.
MISSING = {
    "module": ("import nowhere", "nowhere", "nowhere"),
    "alias": ("import nowhere as n", "nowhere", "n"),
    "child": ("import pack.nowhere as n", "pack.nowhere", "n"),
    "dotted": ("import pack.nowhere", "pack.nowhere", "pack.nowhere"),
    "dotted-in-none": ("import nowhere.leaf", "nowhere.leaf", "nowhere"),
    "dotted-in-a-module": ("import heavy.leaf as n", "heavy.leaf", "n"),
    "from": ("from nowhere import NAME", "nowhere:NAME", "NAME"),
    "from-child": ("from pack.nowhere import NAME", "pack.nowhere:NAME", "NAME"),
    "name": ("from heavy import NAME", "heavy:NAME", "NAME"),
    "name-alias": ("from heavy import NAME as n", "heavy:NAME", "n"),
    "name-of-package": ("from pack import NAME", "pack:NAME", "NAME"),
    "second-name": ("from heavy import VALUE, NAME", "heavy:VALUE,NAME", "NAME"),
}
NATIVE = sys.version_info >= (3, 15)
ERROR_OF = """
def error_of(call):
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError("no error")
"""


@pytest.mark.parametrize("case", MISSING)
def test_what_is_missing_is_missed_as_without_a_plan(case: str, planned: Planned) -> None:
    statement, edge, name = MISSING[case]
    planned(
        ERROR_OF
        + f"""
import app
found = error_of(app.use)
expected = error_of(lambda: exec({statement!r}, {{"__name__": "plain"}}))
assert type(found) is type(expected), (type(found), type(expected))
assert str(found) == str(expected), (str(found), str(expected))
assert (found.name, found.path) == (expected.name, expected.path)
""",
        {"app": [edge]},
        {**MODULES, "app.py": f"\n\n{statement}\ndef use(): return {name}\n"},
    )


DECLARED = """
def declared_at(error, place):
    cause = error.__cause__
    assert isinstance(cause, ImportError), cause
    trace = cause.__traceback__
    lines = [] if trace is None else [f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"]
    return any(place in text for text in [str(cause), *lines])
"""


# On the way to a child of what is no package the interpreter's own lazy imports name no line.
DECLARING = [case for case in MISSING if not NATIVE or case != "dotted-in-a-module"]


@pytest.mark.parametrize("case", DECLARING)
def test_the_cause_names_the_declaring_line(case: str, planned: Planned) -> None:
    statement, edge, name = MISSING[case]
    planned(
        ERROR_OF + DECLARED + "import app\nassert declared_at(error_of(app.use), 'app.py:3')\n",
        {"app": [edge]},
        {**MODULES, "app.py": f"\n\n{statement}\ndef use(): return {name}\n"},
    )


READS = {
    "function": "app.use()",
    "attribute": "app.broken",
    "from-import": "exec('from app import broken')",
    "getattr-with-default": "getattr(app, 'broken', None)",
    "eval": "eval('broken', vars(app))",
    "class-body": "exec('class C:\\n    broken', vars(app))",
}
ERRORS = [
    "ValueError", "KeyError", "NameError", "ImportError", "StopIteration", "RuntimeError",
    "TypeError", "OSError", "RecursionError", "KeyboardInterrupt", "SystemExit", "GeneratorExit",
]  # fmt: skip


@pytest.mark.parametrize("read", READS)
def test_the_error_of_a_module_comes_out_of_every_read(read: str, planned: Planned) -> None:
    planned(
        ERROR_OF
        + f"""
import app, counted
for kind in {ERRORS}:
    counted.error = getattr(__import__("builtins"), kind)("original")
    assert error_of(lambda: {READS[read]}) is counted.error, kind
assert counted.runs == {len(ERRORS)}
counted.error = None
{READS[read]}
assert app.broken.VALUE == 42
""",
        {"app": ["broken"]},
        {**MODULES, "app.py": "import broken\ndef use(): return broken\n"},
    )


def test_an_attribute_error_of_a_module_comes_out_of_a_function(planned: Planned) -> None:
    planned(
        ERROR_OF
        + """
import app, counted
counted.error = AttributeError("original")
assert error_of(app.use) is counted.error
assert isinstance(error_of(lambda: app.broken), AttributeError)
counted.error = None
assert app.broken.VALUE == 42
""",
        {"app": ["broken"]},
        {**MODULES, "app.py": "import broken\ndef use(): return broken\n"},
    )


def test_a_failed_import_may_be_retried(planned: Planned) -> None:
    planned(
        ERROR_OF
        + """
import app, pathlib, importlib
for _ in range(3):
    assert type(error_of(app.use)) is ModuleNotFoundError
assert (COUNTS_OTHERS or plan.pending() == 1)
pathlib.Path(app.__file__).with_name("later.py").write_text("VALUE = 1")
importlib.invalidate_caches()
assert app.use() == 1
assert (COUNTS_OTHERS or plan.pending() == 0)
""",
        {"app": ["later:VALUE"]},
        {"app.py": "from later import VALUE\ndef use(): return VALUE\n"},
    )


def test_a_failed_name_does_not_hold_up_the_others(planned: Planned) -> None:
    planned(
        ERROR_OF
        + """
import app
assert type(error_of(lambda: app.NAME)) is ImportError
assert app.VALUE == 42
assert type(error_of(lambda: app.NAME)) is ImportError
""",
        {"app": ["heavy:NAME,VALUE"]},
        {**MODULES, "app.py": "from heavy import NAME, VALUE\n"},
    )


CHAINED = {
    "cause": "raise ValueError('outer') from KeyError('inner')",
    "context": "try:\n    raise KeyError('inner')\nexcept KeyError:\n    raise ValueError('outer')",
}


@pytest.mark.parametrize("case", CHAINED)
def test_a_chain_of_the_module_itself_is_kept(case: str, planned: Planned) -> None:
    planned(
        ERROR_OF
        + """
import app
error = error_of(app.use)
chain = []
while error is not None:
    chain.append(str(error))
    error = error.__cause__ or error.__context__
assert chain[0] == "outer" and "'inner'" in chain, chain
""",
        {"app": ["chained"]},
        {"chained.py": CHAINED[case], "app.py": "import chained\ndef use(): return chained\n"},
    )


def test_the_traceback_leads_from_the_use_to_the_module(planned: Planned) -> None:
    planned(
        ERROR_OF
        + """
import app, counted, traceback, os
counted.error = ValueError("original")
trace = traceback.extract_tb(error_of(app.use).__traceback__)
frames = [(os.path.basename(f.filename), f.lineno) for f in trace]
assert frames[1:] == [("app.py", 2), ("broken.py", 5)], frames
""",
        {"app": ["broken"]},
        {**MODULES, "app.py": "import broken\ndef use(): return broken\n"},
    )


def test_a_blocked_module_is_missed(planned: Planned) -> None:
    planned(
        ERROR_OF
        + """
import app
sys.modules["heavy"] = None
assert "halted; None in sys.modules" in str(error_of(app.use))
del sys.modules["heavy"]
assert app.use().VALUE == 42
""",
        {"app": ["heavy"]},
        {**MODULES, "app.py": "import heavy\ndef use(): return heavy\n"},
    )


def test_the_path_at_the_use_decides(planned: Planned, tmp_path: Path) -> None:
    planned(
        ERROR_OF
        + f"""
import app
sys.path.append({str(tmp_path / "elsewhere")!r})
assert app.use().VALUE == "elsewhere"
""",
        {"app": ["faraway"]},
        {
            "elsewhere/faraway.py": "VALUE = 'elsewhere'\n",
            "app.py": "import faraway\ndef use(): return faraway\n",
        },
    )


def test_hasattr_does_not_hide_a_missing_module(planned: Planned) -> None:
    planned(
        ERROR_OF + "import app\nerror = error_of(lambda: hasattr(app, 'nowhere'))\n"
        "assert type(error) is ModuleNotFoundError\n",
        {"app": ["nowhere"]},
        {"app.py": "import nowhere\n"},
    )
