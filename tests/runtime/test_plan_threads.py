"""Deferred names in threads: one load, real objects for all, no lock held in the wrong order."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

import pytest

Planned = Callable[..., str]


# The threads of a test meet at a barrier before they do anything.
START = """
import threading
def crew(*calls):
    barrier = threading.Barrier(len(calls))
    outcomes = [None] * len(calls)
    def run(number):
        barrier.wait(15)
        try:
            outcomes[number] = calls[number]()
        except BaseException as error:
            outcomes[number] = error
    threads = [threading.Thread(target=run, args=(n,), daemon=True) for n in range(len(calls))]
    for thread in threads: thread.start()
    for thread in threads: thread.join(15)
    assert not any(thread.is_alive() for thread in threads), "a thread hangs"
    return outcomes
"""
# Lets go of the interpreter, so that the other threads come here meanwhile: real time has to pass.
LET_GO = "import time\ntime.sleep(0.002)\n"
SLOW = """
import counted, time
counted.loads += 1
for _ in range(20):
    time.sleep(0.002)  # lets go of the interpreter: the other threads come here meanwhile
VALUE = 42
OTHER = 43
"""
MODULES = {
    "heavy.py": SLOW,
    "counted.py": "loads = 0\n",
    "pack/__init__.py": "",
    "pack/leaf.py": SLOW,
    "app.py": """
    import heavy
    import pack.leaf
    from heavy import VALUE, OTHER
    def use(): return heavy.VALUE
    def name(): return VALUE
    def other(): return OTHER
    def leaf(): return pack.leaf.VALUE
    """,
}
PLAN = {"app": ["heavy", "pack.leaf", "heavy:VALUE,OTHER"]}

FIRST_USES = {
    "function": "app.use",
    "from": "app.name",
    "dotted": "app.leaf",
    "attribute": "lambda: app.heavy.VALUE",
    "getattr": "lambda: getattr(app, 'heavy').VALUE",
    "eval": "lambda: eval('heavy.VALUE', vars(app))",
    "from-import": "lambda: __import__('app', fromlist=['heavy']).heavy.VALUE",
    "parent": "lambda: __import__('pack').leaf.VALUE",
}


@pytest.mark.parametrize("use", FIRST_USES)
def test_eight_threads_that_use_a_name_first_all_get_the_real_object(
    use: str, planned: Planned
) -> None:
    planned(
        START
        + f"""
import app, counted
assert crew(*[{FIRST_USES[use]}] * 8) == [42] * 8
assert counted.loads == 1
""",
        PLAN,
        MODULES,
    )


def test_threads_that_use_different_names_of_a_statement_load_once(planned: Planned) -> None:
    planned(
        START + "import app, counted\nassert crew(*[app.name, app.other] * 4) == [42, 43] * 4\n"
        "assert counted.loads == 1\n",
        PLAN,
        MODULES,
    )


def test_threads_that_use_all_names_in_different_orders_never_wait_in_a_circle(
    planned: Planned,
) -> None:
    planned(
        START
        + """
import one, two
def forth(): return one.two.NAME + two.one.NAME
def back(): return two.one.NAME + one.two.NAME
assert crew(*[forth, back] * 4) == ["twoone", "onetwo"] * 4
""",
        {"one": ["two", "heavy"], "two": ["one", "heavy"]},
        {
            **MODULES,
            "one.py": "import heavy\nimport two\nNAME = 'one'\n",
            "two.py": "import heavy\nimport one\nNAME = 'two'\n",
        },
    )


def test_two_modules_that_need_each_other_are_loaded_from_two_threads(planned: Planned) -> None:
    planned(
        START
        + """
import app
assert crew(*[lambda: app.one.value(), lambda: app.two.value()] * 4) == [1, 2] * 4
""",
        {"app": ["one", "two"]},
        {
            "app.py": "import one\nimport two\n",
            "one.py": LET_GO + "import two\ndef value(): return 1\n",
            "two.py": LET_GO + "import one\ndef value(): return 2\n",
        },
    )


def test_a_thread_that_reads_gets_one_of_the_values_while_another_binds(planned: Planned) -> None:
    planned(
        START
        + """
import app
def bind():
    for number in range(200):
        app.heavy = number
    return 199
def read():
    return [app.heavy for _ in range(200)]
outcomes = crew(bind, read, read, read)
for values in outcomes[1:]:
    assert isinstance(values, list), values
    assert all(isinstance(v, int) or v is sys.modules["heavy"] for v in values)
assert app.heavy == 199
""",
        PLAN,
        MODULES,
    )


def test_a_binding_made_while_another_thread_loads_stays(planned: Planned) -> None:
    planned(
        START
        + """
import app, gate
def bind():
    assert gate.entered.wait(15)
    app.gated = "mine"
    gate.left.set()
crew(lambda: app.gated, bind)
assert app.gated == "mine", app.gated
""",
        {"app": ["gated"]},
        {
            "gate.py": "import threading\nentered = threading.Event()\nleft = threading.Event()\n",
            "gated.py": "import gate\ngate.entered.set()\nassert gate.left.wait(15)\n",
            "app.py": "import gated\n",
        },
    )


def test_a_module_that_fails_in_one_thread_is_bound_in_none(planned: Planned) -> None:
    planned(
        START
        + """
import app
outcomes = crew(*[app.use] * 8)
assert "ValueError('original')" in map(repr, outcomes), outcomes
# Before 3.14 import statements give waiting threads the module that fails; a later use must not.
try:
    app.use()
except ValueError as error:
    assert str(error) == "original"
else:
    raise AssertionError("a module that failed was bound")
""",
        {"app": ["broken"]},
        {
            "broken.py": LET_GO + "raise ValueError('original')\n",
            "app.py": "import broken\ndef use(): return broken\n",
        },
    )


def test_threads_that_import_the_importer_at_once_share_its_names(planned: Planned) -> None:
    planned(
        START
        + """
def use():
    import app
    return app.use()
assert crew(*[use] * 8) == [42] * 8
""",
        PLAN,
        {**MODULES, "app.py": "import time\n" + textwrap.dedent(MODULES["app.py"])},
    )


def test_many_modules_are_used_by_many_threads(planned: Planned) -> None:
    names = [f"part{number}" for number in range(40)]
    planned(
        START
        + """
import app
assert crew(*[app.total] * 8) == [sum(range(40))] * 8
assert {type(name) for name in vars(app)} == {str}
""",
        {"app": names},
        {
            **{f"part{n}.py": f"{LET_GO}V = {n}\n" for n in range(40)},
            "app.py": "".join(f"import {name}\n" for name in names)
            + f"def total(): return {' + '.join(f'{name}.V' for name in names)}\n",
        },
    )


def test_a_read_in_a_thread_while_the_module_is_walked_disturbs_nobody(planned: Planned) -> None:
    planned(
        START
        + """
import app
def walk():
    for _ in range(300):
        assert len([name for name in list(vars(app))]) == size
        dir(app), dict(vars(app))
    return "walked"
size = len(vars(app))
assert crew(walk, app.use, walk, app.name, app.leaf) == ["walked", 42, "walked", 42, 42]
""",
        PLAN,
        MODULES,
    )
