"""The Python that runs the function: which one it is, and whether it has the runtime client.

Asked from a short process of that interpreter, so that ``--python`` may name any virtual
environment.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from .errors import UsageError
from .target import Target

__all__ = ["Interpreter", "ask_interpreter", "find_python", "inspect_interpreter"]

_ANSWER_WITHIN_S = 20.0

_Answer = TypeVar("_Answer")

# Looks for the client the way `-m` will, function folder first, without importing it.
_PROBE = """
import sys
folder = sys.argv[1]
sys.path[0:1] = []
import json, platform
from importlib.machinery import PathFinder
spec = PathFinder.find_spec("awslambdaric", [folder, *sys.path])
version = None
if spec is not None:
    from importlib.metadata import PackageNotFoundError, version as version_of
    try:
        version = version_of("awslambdaric")
    except PackageNotFoundError:
        version = "unknown"
print(json.dumps({
    "python": platform.python_version(),
    "implementation": platform.python_implementation(),
    "minor": list(sys.version_info[:2]),
    "client": version,
}))
"""


@dataclass(frozen=True)
class Interpreter:
    """The interpreter of the samples.

    Attributes:
        path: Absolute path; symbolic links are kept, they select the virtual environment.
        python_version: For example ``3.11.7``.
        implementation: For example ``CPython``.
        minor: For example ``(3, 11)``.
        client_version: Version of awslambdaric, ``unknown`` for a copy without metadata.
    """

    path: Path
    python_version: str
    implementation: str
    minor: tuple[int, int]
    client_version: str


def find_python(name: str) -> Path:
    """The absolute path of an interpreter given as a path or as a command on ``PATH``.

    Raises:
        UsageError: There is no such executable file.
    """
    found = shutil.which(name)
    if found is None or Path(found).is_dir():
        raise UsageError(f"there is no Python interpreter {name!r} that can be run")
    # Not resolved: following the link of a virtual environment would leave it.
    return Path(found).absolute()


def ask_interpreter(
    python: Path,
    program: str,
    target: Target,
    environment: Mapping[str, str],
    read: Callable[[Any], _Answer],
    complaint: str,
) -> _Answer:
    """Run a short program in an interpreter, and read the JSON of its last line.

    Args:
        python: Absolute path of the interpreter.
        program: Gets the function folder as its argument.
        target: The function.
        environment: The scrubbed environment.
        read: Takes what is needed from the answer.
        complaint: What to say of the interpreter if it does not run or answers something else.

    Raises:
        UsageError: That is so.
    """
    try:
        run = subprocess.run(
            [str(python), "-", str(target.folder)],
            env=dict(environment),
            cwd=target.folder,
            input=program.encode(),
            capture_output=True,
            timeout=_ANSWER_WITHIN_S,
            check=True,
        )
        return read(json.loads(run.stdout.splitlines()[-1]))
    except (OSError, subprocess.SubprocessError, ValueError, LookupError, TypeError) as error:
        reason = error if isinstance(error, OSError) else type(error).__name__
        stderr = getattr(error, "stderr", None) or b""
        raise UsageError(
            f"{str(python)!r} {complaint} ({reason})",
            details=stderr.decode("utf-8", "replace").strip(),
        ) from None


def inspect_interpreter(path: Path, target: Target, environment: Mapping[str, str]) -> Interpreter:
    """Ask an interpreter who it is and whether the runtime client is there for *target*.

    Args:
        path: Absolute path of the interpreter.
        target: A client bundled in its folder counts as installed.
        environment: The scrubbed environment the samples will get.

    Raises:
        UsageError: It does not run, is not a Python of 3.10 or newer, or lacks the client.
    """

    def read(answer: Any) -> tuple[Interpreter, Any]:
        found = Interpreter(
            path=path,
            python_version=answer["python"],
            implementation=answer["implementation"],
            minor=(answer["minor"][0], answer["minor"][1]),
            client_version=answer["client"] or "",
        )
        return found, answer["client"]

    interpreter, client = ask_interpreter(
        path, _PROBE, target, environment, read, "did not answer as a Python interpreter"
    )
    if interpreter.minor < (3, 10):
        raise UsageError(
            f"{str(path)!r} is Python {interpreter.python_version}; the lab needs 3.10 or newer"
        )
    if client is None:
        raise UsageError(
            f"the runtime client awslambdaric is not installed for {str(path)!r}; "
            f"install it with: {path} -m pip install awslambdaric"
        )
    return interpreter
