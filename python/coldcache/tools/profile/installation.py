"""What is installed for the interpreter under test: the tracer, and where modules come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.interpreter import ask_interpreter
from coldcache.tools.lab.target import Target

__all__ = ["Installation", "inspect_installation"]

# Looks for the tracer the way the profiled process will: the function folder comes first.
_PROBE = """
import sys
sys.path[0:1] = [sys.argv[1]]
import json, sysconfig
try:
    import coldcache._core
except ImportError as error:
    tracer = str(error)
else:
    tracer = "" if hasattr(coldcache._core, "ImportTracer") else "it is too old"
stdlib = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
stdlib |= {path for path in sys.path if path.endswith("lib-dynload")}
print(json.dumps({"problem": tracer, "path": sys.path, "stdlib": sorted(stdlib)}))
"""


@dataclass(frozen=True)
class Installation:
    """Where the profiled interpreter finds modules.

    Attributes:
        folder: The function folder.
        path: Folders that are searched, in order; the function folder is the first.
        stdlib: Those of them that belong to the standard library.
    """

    folder: str
    path: tuple[str, ...]
    stdlib: frozenset[str]


def inspect_installation(
    python: Path, target: Target, environment: Mapping[str, str]
) -> Installation:
    """Ask an interpreter for its search path, and whether it has the tracer.

    Args:
        python: Absolute path of the interpreter.
        target: The function; a copy of coldcache in its folder counts as installed.
        environment: The scrubbed environment the function will get.

    Raises:
        UsageError: coldcache is not installed for it, or does not load.
    """

    def read(answer: Any) -> tuple[Installation, Any]:
        path, stdlib = tuple(answer["path"]), frozenset(answer["stdlib"])
        return Installation(str(target.folder), path, stdlib), answer["problem"]

    found, problem = ask_interpreter(
        python, _PROBE, target, environment, read, "did not say what is installed for it"
    )
    if problem:
        raise UsageError(
            "the tracer runs inside the profiled process, but coldcache cannot be used by "
            f"{str(python)!r}: {problem}; install it with: {python} -m pip install coldcache"
        )
    return found
