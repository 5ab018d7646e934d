"""The budgets of one run of tests: measured once, judged by each test that asks."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from coldcache.tools.lab.errors import UsageError

from .baseline import Baseline
from .bench import Bench
from .check import check, measure
from .limits import Budget
from .project import Project, case_of, find_project
from .report import describe
from .startup import Startup
from .store import MemoryStore, SharedStore

__all__ = ["NotCounted", "Session"]


class NotCounted(pytest.PytestWarning):
    """A limit of a budget could not be checked on this machine."""


class Session:
    """Measures for tests. `close` it.

    Args:
        folder: Where to look for the project's ``pyproject.toml``, there and around.
        shared: A folder for all processes of the run; without one, or where it is not there, each
            process measures for itself.

    Raises:
        UsageError: ``pyproject.toml`` says something wrong about budgets.
    """

    def __init__(self, folder: Path, *, shared: str | None = None) -> None:
        self._project = Project.read(find_project(folder))
        # Workers on another machine do not have the folder.
        is_shared = shared is not None and Path(shared).is_dir()
        store = SharedStore(Path(shared)) if shared and is_shared else MemoryStore()
        self._bench = Bench(store, project=self._project.folder, python=sys.executable)
        self._bench.__enter__()

    def close(self) -> None:
        """Remove what it made."""
        self._bench.__exit__(None, None, None)

    def budget(self, args: Sequence[Any], kwargs: Mapping[str, Any], *, where: str) -> Budget:
        """The budget that a marker names or holds.

        Args:
            args: Its positional arguments: at most the name of a budget.
            kwargs: Its keywords: the keys of a budget.
            where: What to call it in messages.

        Raises:
            UsageError: It is not written as one of the two.
        """
        if not args:
            return Budget.read(str(kwargs.get("function", "")), kwargs, where=where)
        if kwargs or len(args) > 1 or not isinstance(args[0], str):
            raise UsageError(
                f"{where} takes the name of a budget in pyproject.toml, or the keys of one as "
                "keywords, not both"
            )
        [budget] = self._project.chosen([args[0]])
        return budget

    def startup(self, budget: Budget) -> Startup:
        """What was counted for a budget.

        Raises:
            LabError: The function cannot be measured.
        """
        return measure(self._bench, budget, case_of(budget, self._project.folder), with_memory=True)

    def check(self, budget: Budget, *, is_looked_at: bool) -> tuple[str, str]:
        """Check a budget.

        Args:
            budget: The limits.
            is_looked_at: Whether the test asserts something itself, so that there need be no limit.

        Returns:
            What is exceeded, and what could not be counted: texts, empty where there is nothing.

        Raises:
            LabError: The function cannot be measured.
        """
        if not budget.has_limits:
            if is_looked_at:
                return "", ""
            raise UsageError(
                f"the budget {budget.name!r} sets no limit, so nothing could exceed it; set one, "
                "or assert on the fixture startup"
            )
        baseline = Baseline.read(self._project.baseline)
        case = case_of(budget, self._project.folder)
        verdict = check(self._bench, budget, case, baseline)
        missing = [
            f"{one.limit} of {budget.function}: {one.note}"
            for one in verdict.findings
            if one.status == "not counted"
        ]
        problem = describe(verdict) if verdict.is_exceeded else ""
        return problem, f"not counted: {'; '.join(missing)}" if missing else ""
