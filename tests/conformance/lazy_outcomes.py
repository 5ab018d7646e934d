"""What importing and using CPython 3.15's data files brings in the interpreter that runs this.

    python lazy_outcomes.py FOLDER QUESTIONS PLAN

FOLDER holds the package `test.test_lazy_import.data`. QUESTIONS is a JSON file: what to ask of
which module. PLAN is one with the edges to defer, or `own` (only what the files make lazy
themselves) or `all` (all their statements), both by 3.15's own means. Each question is asked in a
process of its own; the answers go to stdout as JSON.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import os
import sys
import types
import warnings
from pathlib import Path

PACKAGE = "test.test_lazy_import.data"


def describe(value: object) -> str:
    """A value in words that are the same in every interpreter."""
    if isinstance(value, types.ModuleType):
        return f"module {value.__name__}"
    if isinstance(value, list):
        return " ".join(name for name in value if not name.startswith("__"))
    if isinstance(value, str | int | None):
        return repr(value)
    kind = type(value).__name__
    return f"{kind} {value.__name__}" if isinstance(value, types.FunctionType) else kind


def explain(error: BaseException) -> str:
    """An error in words that are the same in every interpreter: without folders and hints."""
    text = f"{type(error).__name__}: {str(error).partition(' (')[0]}"
    return f"{text} [{type(error.__cause__).__name__}]" if error.__cause__ else text


def answer(module: str, question: str) -> str:
    """Import a module and do what the question says; what came of it."""
    try:
        imported = importlib.import_module(module)
        action, _, name = question.partition(" ")
        if action == "import":
            return "imported"
        if action == "look":
            return describe(dir(imported))
        if action == "reread":
            with contextlib.suppress(Exception):
                getattr(imported, name)
        if action == "call":
            return describe(getattr(imported, name)())
        return describe(getattr(imported, name))
    except Exception as error:  # noqa: BLE001 (an answer like any other)
        return explain(error)


def ask(module: str, question: str) -> str:
    """The answer, what was printed meanwhile, and which of the data modules are loaded then."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        text = answer(module, question)
    names = [n.removeprefix(PACKAGE + ".") for n in sys.modules if n.startswith(PACKAGE + ".")]
    return " | ".join([text, printed.getvalue().strip(), " ".join(sorted(names))])


def in_child(module: str, question: str) -> str:
    """The same in a process of its own, so that nothing is loaded yet."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(sending, "w") as out:
            out.write(ask(module, question))
        os._exit(0)
    os.close(sending)
    with os.fdopen(receiving) as answers:
        text = answers.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return text if status == 0 else f"crash {status}"


def prepare(plan: str) -> None:
    """Make the statements of the data files lazy by the means that this interpreter has."""
    if not hasattr(sys, "set_lazy_imports"):
        # Files call these; what they would bring about is in the plan already.
        sys.set_lazy_imports = lambda mode: None  # type: ignore[attr-defined]
        sys.set_lazy_imports_filter = lambda function: None  # type: ignore[attr-defined]
    if plan == "own":
        return
    if plan == "all":
        sys.set_lazy_imports("all")  # type: ignore[attr-defined]
        sys.set_lazy_imports_filter(  # type: ignore[attr-defined]
            lambda importer, *_: importer.startswith(PACKAGE)
        )
        return
    from coldcache._core import ImportPlan  # noqa: PLC0415 (CPython 3.15 goes without)

    if not ImportPlan(json.loads(Path(plan).read_text())).enable():
        sys.exit("the plan could not be enabled: imports stay eager here")


def main(folder: str, questions: str, plan: str) -> None:
    """Ask all questions and print the answers."""
    sys.path.insert(0, folder)
    importlib.import_module(PACKAGE)
    prepare(plan)
    # A thread that enabling a plan needed may be about still; it holds nothing.
    warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
    asked = json.loads(Path(questions).read_text())
    json.dump({m: {q: in_child(m, q) for q in asked[m]} for m in asked}, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
