"""Random packages in random use: whatever is done with them, a plan does not show."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

Run = Callable[..., str]
SEEDS = range(40)

# Does the same operations in two processes, one of which has a plan, and compares what comes back.
PROGRAM = """
import importlib, json, os, random, sys, threading, types, warnings
warnings.simplefilter("ignore")

def describe(value, depth=0):
    if isinstance(value, types.ModuleType):
        return "module " + value.__name__
    if isinstance(value, types.FunctionType):
        return "function " + value.__module__
    if isinstance(value, type):
        return "class " + value.__name__
    return repr(value)

def attempt(call):
    try:
        return describe(call())
    except Exception as error:
        return type(error).__name__ + ": " + str(error)

def names(module):
    # Which children a package has depends on what was loaded so far, without a plan as well.
    children = {m.rpartition(".")[2] for m in modules if "." in m}
    return sorted(n for n in map(str, dir(module)) if not n.startswith("__") and n not in children)

def all_values(module):
    return [n + "=" + attempt(lambda: getattr(module, n)) for n in names(module)]

def in_threads(module):
    found = []
    threads = [threading.Thread(target=lambda: found.append(attempt(module.get))) for _ in range(4)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return sorted(found)

def operate(modules, chance):
    module = importlib.import_module(chance.choice(modules))
    operation = chance.randrange(9)
    if operation == 0: return attempt(module.get)
    if operation == 1: return all_values(module)
    if operation == 2: return names(module)
    if operation == 3: return attempt(lambda: eval("get()", dict(vars(module))))
    if operation == 4: return in_threads(module)
    if operation == 5: return attempt(lambda: importlib.reload(module))
    if operation == 6: return [attempt(lambda: getattr(module, n)) for n in names(module)[::2]]
    if operation == 7:
        space = {}
        exec("from " + module.__name__ + " import *", space)
        return [n + "=" + describe(space[n]) for n in names(module) if n in space]
    name = chance.choice(names(module))
    before = getattr(module, name)
    setattr(module, name, 1)
    answers = [getattr(module, name)]
    setattr(module, name, before)
    return answers + [attempt(module.get)]

def run(modules, seed):
    chance = random.Random(seed)
    done = [operate(modules, chance) for _ in range(12)]
    return done + [[m] + all_values(importlib.import_module(m)) for m in modules]

def in_child(plan, modules, seed):
    receiving, sending = os.pipe()
    if os.fork() == 0:
        try:
            if plan:
                from coldcache._core import ImportPlan
                assert ImportPlan(plan).enable()
            answer = run(modules, seed)
        except BaseException as error:
            answer = ["died", repr(error)]
        with os.fdopen(sending, "w") as out:
            json.dump(answer, out)
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as answers:
        text = answers.read()
    os.wait()
    return json.loads(text)

modules, plan, seed = json.loads(sys.argv[1])
plain = in_child(None, modules, seed)
if plain[0] == "died":
    sys.exit(print("no good: it fails without a plan"))  # a circle; planned it may well work
planned = in_child(plan, modules, seed)
for number, (expected, found) in enumerate(zip(plain, planned)):
    assert expected == found, (number, expected, found)
assert len(plain) == len(planned)
"""
MODULES = [
    "top",
    "mid",
    "pack",
    "pack.one",
    "pack.two",
    "pack.deep",
    "pack.deep.core",
    "low",
    "end",
]
PACKAGES = {"pack", "pack.deep"}


def statement(target: str, name: str, chance: random.Random) -> tuple[str, str, str]:
    """A statement that imports the target, its edge, and an expression for the target's value."""
    above, _, leaf = target.rpartition(".")
    forms = [
        (f"import {target}", target, f"{target}.V"),
        (f"import {target} as {name}", target, f"{name}.V"),
        (f"from {target} import V as {name}", f"{target}:V", name),
        (f"from {target} import get as {name}", f"{target}:get", f"{name}()"),
        (
            f"from {target} import V as {name}, get as {name}g",
            f"{target}:V,get",
            f"{name} + {name}g()",
        ),
    ]
    if above:
        forms.append((f"from {above} import {leaf} as {name}", f"{above}:{leaf}", f"{name}.V"))
    return chance.choice(forms)


def source(number: int, chance: random.Random) -> tuple[str, list[str]]:
    """The text of a module that imports some of those after it, and the edges it has."""
    lines, edges, values = ["V = __name__"], [], ["V"]
    # A package stands before its children: it may import them, they may not import it.
    later = MODULES[number + 1 :]
    for place, target in enumerate(chance.sample(later, min(len(later), chance.randrange(4)))):
        text, edge, value = statement(target, f"n{place}", chance)
        wrapping = chance.randrange(8)
        if wrapping == 0:
            text = f"try:\n    {text}\nexcept ImportError:\n    pass"
        elif wrapping == 1:
            text = f"if V:\n    {text}"
        lines.append(text)
        edges.append(edge)
        values.append(value)
        if chance.random() < 0.2:
            lines.append(f"used{place} = {value}")
    lines.append(f"def get():\n    return ' '.join([{', '.join(values)}])")
    if chance.random() < 0.2:
        lines.append("__all__ = ['V', 'get']")
    return "\n".join([*lines, ""]), edges


def lay_out(folder: Path, chance: random.Random) -> Iterator[tuple[str, list[str]]]:
    for number, module in enumerate(MODULES):
        text, edges = source(number, chance)
        place = module.replace(".", "/") + ("/__init__.py" if module in PACKAGES else ".py")
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        yield module, edges


@pytest.mark.parametrize("seed", SEEDS)
def test_no_operation_tells_a_planned_program_from_a_plain_one(
    seed: int, run_python: Run, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    for _ in range(5):
        arguments = (MODULES, dict(lay_out(tmp_path, chance)), seed)
        start = f"import sys, json\nsys.argv[1:] = [json.dumps({arguments!r})]\n"
        if not run_python(start + PROGRAM, env={"PYTHONPATH": str(tmp_path)}):
            return
    raise AssertionError("no random program works without a plan")
