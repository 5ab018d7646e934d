"""What is installed for the interpreter under test: the tracer, and where modules come from."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.target import Target

__all__ = ["Installation", "inspect_installation"]

_PROBE_TIMEOUT_S = 20.0

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
    try:
        run = subprocess.run(
            [str(python), "-", str(target.folder)],
            env=dict(environment),
            cwd=target.folder,
            input=_PROBE.encode(),
            capture_output=True,
            timeout=_PROBE_TIMEOUT_S,
            check=True,
        )
        answer = json.loads(run.stdout.splitlines()[-1])
        problem = answer["problem"]
        found = Installation(str(target.folder), tuple(answer["path"]), frozenset(answer["stdlib"]))
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError) as error:
        stderr = getattr(error, "stderr", None) or b""
        raise UsageError(
            f"{str(python)!r} did not say what is installed for it ({type(error).__name__})",
            details=stderr.decode("utf-8", "replace").strip(),
        ) from None
    if problem:
        raise UsageError(
            "the tracer runs inside the profiled process, but coldcache cannot be used by "
            f"{str(python)!r}: {problem}; install it with: {python} -m pip install coldcache"
        )
    return found
