"""The budgets of a project, as ``pyproject.toml`` has them."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from coldcache.tools.lab.errors import UsageError
from coldcache.tools.lab.event import Event
from coldcache.tools.lab.target import Target

from .case import Case
from .limits import Budget, nearest

__all__ = ["BASELINE_NAME", "Project", "case_of", "find_project"]

BASELINE_NAME = "coldcache-budget.json"
_TABLE = "tool.coldcache.budget"


@dataclass(frozen=True)
class Project:
    """What a ``pyproject.toml`` says about budgets.

    Attributes:
        file: The ``pyproject.toml``; it need not exist, then there are no budgets.
        baseline: Where the baseline is kept.
        budgets: By name, in the order of the file.
    """

    file: Path
    baseline: Path
    budgets: Mapping[str, Budget]

    @property
    def folder(self) -> Path:
        """The folder that functions, events and the baseline are named from."""
        return self.file.parent

    @classmethod
    def read(cls, file: Path) -> Project:
        """Read a file; one that is not there has no budgets.

        Raises:
            UsageError: It cannot be read, is not TOML, or says something wrong about budgets.
        """
        table = _budget_table(file)
        where = f"[{_TABLE}] in {file.name}"
        baseline = table.pop("baseline", BASELINE_NAME)
        if not isinstance(baseline, str) or not baseline:
            raise UsageError(f"{where}: baseline must be the path of a file; got {baseline!r}")
        budgets: dict[str, Budget] = {}
        for name, content in table.items():
            if not isinstance(content, Mapping):
                raise UsageError(
                    f"{where}: {name!r} is neither a table, as the budget of a function is, nor "
                    f"the key 'baseline'; write [{_TABLE}.NAME]"
                )
            place = f"[{_TABLE}.{name}] in {file.name}"
            budget = budgets[name] = Budget.read(name, content, where=place)
            if not budget.has_limits:
                raise UsageError(f"{place}: it sets no limit, so nothing could exceed it")
        return cls(file=file, baseline=file.parent / baseline, budgets=budgets)

    def chosen(self, names: Sequence[str]) -> list[Budget]:
        """The budgets of these names, or all of them.

        Raises:
            UsageError: There are none, or none of a name.
        """
        if not self.budgets:
            raise UsageError(
                f"there are no budgets in {str(self.file)!r}; write a table [{_TABLE}.NAME] with "
                'function = "src:app.handler" and a limit, for example modules = 150'
            )
        for name in names:
            if name not in self.budgets:
                close = nearest(name, self.budgets)
                raise UsageError(f"there is no budget {name!r} in {str(self.file)!r}{close}")
        return [self.budgets[name] for name in names or self.budgets]


def find_project(start: Path) -> Path:
    """The ``pyproject.toml`` of a folder or of the innermost one around it that has one."""
    for folder in (start, *start.parents):
        file = folder / "pyproject.toml"
        if file.is_file():
            return file
    return start / "pyproject.toml"


def case_of(budget: Budget, folder: Path, settings: Mapping[str, str] | None = None) -> Case:
    """What to count for a budget.

    Args:
        budget: The budget.
        folder: The project's folder.
        settings: More environment variables; they win over the budget's own.

    Raises:
        UsageError: Folder, module or event are missing or wrong.
    """
    place, colon, handler = budget.function.rpartition(":")
    spec = f"{folder / place}:{handler}" if colon and place else budget.function
    event = None if budget.event is None else Event.read(folder / budget.event)
    try:
        target = Target.parse(spec)
    except UsageError as error:
        raise UsageError(f"budget {budget.name!r}: {error}") from None
    return Case(target, event, {**budget.env, **(settings or {})})


def _budget_table(file: Path) -> dict[str, Any]:
    # The interpreter's own from 3.11 on; before that the package it came from, of the extra
    # `tools`. By name, because a type checker sees one version only.
    for name in ("tomllib", "tomli"):
        try:
            toml = importlib.import_module(name)
            break
        except ModuleNotFoundError:
            continue
    else:
        raise UsageError(
            "reading pyproject.toml with Python 3.10 needs the package tomli; "
            'install it with: pip install "coldcache[tools]"'
        )
    try:
        found = toml.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # ValueError: not TOML, not UTF-8
        reason = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"{str(file)!r} cannot be read: {reason}") from None
    for name in _TABLE.split("."):
        found = found.get(name, {})
        if not isinstance(found, dict):
            raise UsageError(f"{name!r} of [{_TABLE}] in {file.name} must be a table")
    return dict(found)
