"""Environments of functions written for one test, and a look at what they leave behind."""

from __future__ import annotations

import contextlib
import json
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("awslambdaric", reason="NOT TESTED: awslambdaric is missing")
if sys.platform != "linux":
    pytest.skip("NOT TESTED: a life needs Linux", allow_module_level=True)

from coldcache.tools.lab.environment import base_environment, sample_environment
from coldcache.tools.lab.interpreter import Interpreter, find_python, inspect_interpreter
from coldcache.tools.lab.life import CallRecord, Environment, Life, Template
from coldcache.tools.lab.target import Target

# Only bounds a call that hangs.
LONG_S = 30.0

# What every function gets to note things for the test: one JSON value a line.
NOTES = """
import json as _json, os as _os
def note(*values):
    with open(_os.environ["NOTES"], "a") as file:
        file.write(_json.dumps(values) + "\\n")
"""


@dataclass
class Function:
    """A function, and what it noted so far."""

    target: Target
    interpreter: Interpreter
    settings: dict[str, str]
    notes_file: Path
    folder: Path

    @property
    def notes(self) -> list[list[Any]]:
        """What the function noted, in order."""
        if not self.notes_file.exists():
            return []
        text = self.notes_file.read_text()
        complete = text[: text.rfind("\n") + 1]  # the function may be writing
        return [json.loads(line) for line in complete.splitlines()]

    def noted(self, what: str) -> list[Any]:
        """The second values of the notes that begin with *what*."""
        return [rest[0] if rest else None for first, *rest in self.notes if first == what]

    def environment(self, life: Life | None = None, **options: Any) -> Environment:
        """An environment of this function."""
        options = {"scratch": self.folder / "scratch", "call_timeout_s": LONG_S, **options}
        return Environment(self.target, self.interpreter, self.settings, life or Life(), **options)

    def template(self, life: Life, **options: Any) -> Template:
        """A template of this function."""
        options = {"scratch": self.folder / "template", "call_timeout_s": LONG_S, **options}
        return Template(self.target, self.interpreter, self.settings, life, **options)


@pytest.fixture(scope="session")
def interpreter(tmp_path_factory: pytest.TempPathFactory) -> Interpreter:
    folder = tmp_path_factory.mktemp("probe")
    (folder / "app.py").touch()
    target = Target.parse(f"{folder}:app.handler")
    return inspect_interpreter(
        find_python(sys.executable), target, base_environment(folder, folder)
    )


@pytest.fixture(scope="session")
def pycache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bytecode shared by all tests, so that a start costs what it does later."""
    return tmp_path_factory.mktemp("pycache")


@pytest.fixture
def function(tmp_path: Path, interpreter: Interpreter, pycache: Path) -> Callable[..., Function]:
    """Write a function; ``note(what, value)`` is there for it to use."""

    def write(source: str, **settings: str) -> Function:
        home, folder = tmp_path / "home", tmp_path / "function"
        for place in (home, folder):
            place.mkdir(exist_ok=True)
        (folder / "app.py").write_text(NOTES + textwrap.dedent(source))
        target = Target.parse(f"{folder}:app.handler")
        base = base_environment(home, pycache)
        notes = tmp_path / "notes"
        own = {"NOTES": str(notes), **settings}
        return Function(
            target, interpreter, sample_environment(base, target, interpreter, own), notes, tmp_path
        )

    return write


@pytest.fixture
def call() -> Callable[..., CallRecord]:
    """Call with an event of the given fields, and expect an answer."""

    def call(environment: Environment, **event: Any) -> CallRecord:
        record = environment.call(json.dumps(event).encode())
        assert record.outcome == "ok", environment.failure
        return record

    return call


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    with contextlib.suppress(OSError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False


@pytest.fixture
def nothing_left(function: Callable[..., Function], tmp_path: Path) -> Iterator[None]:
    """Afterwards no process is left that was given this test's folder, and no new socket."""
    before = open_sockets()
    yield
    marker = str(tmp_path).encode()
    left = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and is_alive(int(entry.name)):
            with contextlib.suppress(OSError):
                if marker in (entry / "environ").read_bytes():
                    left.append(entry.name)
    assert left == []
    assert open_sockets() <= before


def open_sockets() -> int:
    """How many sockets this process has open."""
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            count += str(entry.readlink()).startswith("socket:")
    return count
