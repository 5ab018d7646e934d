"""Function folders written for one test, and the command run as a user runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

# Long beyond need: it only bounds a test that hangs.
PROCESS_TIMEOUT_S = 50


class Command(Protocol):
    def __call__(
        self, *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    place = tmp_path / "work"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


@pytest.fixture
def write_function(workplace: Path) -> Callable[..., str]:
    """Write ``folder/module.py`` and return the target's spec."""

    def write(source: str, *, folder: str = "plain", module: str = "app") -> str:
        path = workplace / folder / f"{module}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(source))
        return f"{folder}:{module}.handler"

    return write


@pytest.fixture
def write_event(workplace: Path) -> Callable[..., str]:
    """Write an event file and return its name."""

    def write(value: Any = None, *, name: str = "event.json", text: str | None = None) -> str:
        (workplace / name).write_text(json.dumps(value) if text is None else text)
        return name

    return write


@pytest.fixture
def command_environment(tmp_path: Path) -> dict[str, str]:
    """The environment of the command: this one's, with a temporary folder of its own."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    unwanted = {"FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "TMPDIR": str(temporary)}


@pytest.fixture
def needs_runtime_client() -> None:
    for name in ("click", "rich", "awslambdaric"):
        pytest.importorskip(name, reason=f"NOT TESTED: {name} of the extra 'tools' is missing")


@pytest.fixture
def run_lab_command(
    needs_runtime_client: None, workplace: Path, command_environment: dict[str, str]
) -> Command:
    """Run ``python -m coldcache lab`` to its end, both streams piped."""

    def run(
        *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "coldcache", "lab", *arguments],
            cwd=workplace,
            env={**command_environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=PROCESS_TIMEOUT_S,
            check=False,
        )

    return run


@pytest.fixture
def group_members() -> Callable[[int], list[int]]:
    """List the living processes of a group; zombies wait for their parent and run nothing."""

    def members(group: int) -> list[int]:
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                state, _, its_group = (entry / "stat").read_text().rpartition(")")[2].split()[:3]
            except OSError:
                continue  # ended while we looked
            if int(its_group) == group and state != "Z":
                found.append(int(entry.name))
        return found

    return members


@pytest.fixture
def group_ends(group_members: Callable[[int], list[int]]) -> Callable[[int], bool]:
    """Whether no process of a group is left, or will be in a moment."""

    def ends(group: int) -> bool:
        # Real time: after a kill the kernel ends the children of the killed process on its own.
        deadline = time.monotonic() + 10
        while group_members(group):
            if time.monotonic() > deadline:
                return False
            os.sched_yield()
        return True

    return ends
