"""The plan engine of the interpreter under test: where it is, and whether a plan takes effect."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.interpreter import ask_interpreter
from coldcache.tools.lab.target import Target

__all__ = ["Engine", "find_engine"]

_COMPLAINT = "did not tell about its plan engine"

# The function folder comes first, as it does for the function.
_FIND = """
import sys
sys.path[0:1] = [sys.argv[1]]
import json
folder = ""
try:
    import coldcache._core
except ImportError as error:
    problem = str(error)
else:
    import os
    problem = "" if hasattr(coldcache._core, "ImportPlan") else "it is too old"
    folder = os.path.dirname(os.path.abspath(coldcache.__file__))
print(json.dumps({"problem": problem, "folder": folder}))
"""
# The plan was applied, or not, before this runs.
_STATUS = """
import coldcache.auto, json
print(json.dumps({"status": coldcache.auto.status()}))
"""


@dataclass(frozen=True)
class Engine:
    """The engine that a function finds.

    Attributes:
        folder: Folder of its `coldcache` package.
    """

    folder: Path

    def settings(self, lock: Path, settings: Mapping[str, str]) -> dict[str, str]:
        """Environment variables that apply a lock at the start, as the exec wrapper does.

        Args:
            lock: The file.
            settings: What the user passes; a path for modules of theirs is kept.
        """
        entries = [str(self.folder / "auto" / "site")]
        if settings.get("PYTHONPATH"):
            entries.append(settings["PYTHONPATH"])
        return {"COLDCACHE_LOCK": str(lock), "PYTHONPATH": os.pathsep.join(entries)}

    def status(self, python: Path, target: Target, environment: Mapping[str, str]) -> str:
        """What the engine says of itself in a process with these variables."""
        return ask_interpreter(
            python, _STATUS, target, environment, lambda answer: str(answer["status"]), _COMPLAINT
        )


def find_engine(python: Path, target: Target, environment: Mapping[str, str]) -> Engine:
    """Look for the engine the way the function will.

    Args:
        python: Absolute path of the interpreter.
        target: The function; a copy of coldcache in its folder counts as installed.
        environment: The scrubbed environment the function will get.

    Raises:
        UsageError: coldcache is not installed for it, does not load, or is too old.
    """
    folder, problem = ask_interpreter(
        python,
        _FIND,
        target,
        environment,
        lambda answer: (Path(answer["folder"]), answer["problem"]),
        _COMPLAINT,
    )
    if problem:
        raise UsageError(
            "plans are applied inside the function's process, but coldcache cannot be used by "
            f"{str(python)!r}: {problem}; "
            f"install it with: {python} -m pip install coldcache"
        )
    return Engine(folder)
