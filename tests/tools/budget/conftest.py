"""A project with a function three modules deep, and the command and pytest run in it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

PROCESS_TIMEOUT_S = 50


class Project:
    """The files of one project, in the current folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def budget(self, *lines: str, name: str = "orders") -> None:
        """Write pyproject.toml with one budget of these lines."""
        self.write("pyproject.toml", "\n".join([f"[tool.coldcache.budget.{name}]", *lines]) + "\n")


class Run(Protocol):
    def __call__(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]: ...


@pytest.fixture
def project(workplace: Path, needs_runtime_client: None) -> Project:
    """``src/app.py`` imports ``layer``, that imports ``deep``, and that nothing."""
    made = Project(workplace)
    made.write("src/app.py", "import layer\ndef handler(event, context):\n    return 1\n")
    made.write("src/layer.py", "import deep\n")
    made.write("src/deep.py", "VALUE = 1\n")
    return made


def _runner(start: list[str], project: Project, environment: dict[str, str]) -> Run:
    # Neither our own run's workers nor a workflow that runs it are the command's business.
    inner = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("GITHUB_", "PYTEST_"))
    }

    def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *start, *arguments],
            cwd=project.folder,
            env={**inner, **env},
            capture_output=True,
            text=True,
            timeout=PROCESS_TIMEOUT_S,
            check=False,
        )

    return run


@pytest.fixture
def run_budget(project: Project, command_environment: dict[str, str]) -> Run:
    """Run ``coldcache budget``."""
    return _runner(["coldcache", "budget"], project, command_environment)


@pytest.fixture
def run_pytest(project: Project, command_environment: dict[str, str]) -> Run:
    """Run pytest on the project, with the plugin that is installed."""
    options = ["pytest", "-q", "-p", "no:cacheprovider", "--rootdir=."]
    return _runner(options, project, command_environment)


@pytest.fixture
def left_behind(command_environment: dict[str, str]) -> Callable[[], list[str]]:
    """What the command left in its temporary folder."""
    return lambda: sorted(path.name for path in Path(command_environment["TMPDIR"]).iterdir())
