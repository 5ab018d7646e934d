"""Startup budgets: what a function may load, open and take until it can serve, held by counts.

    project = Project.read(Path("pyproject.toml"))
    with Bench(MemoryStore(), project=project.folder, python=sys.executable) as bench:
        for budget in project.chosen([]):
            verdict = check(bench, budget, case_of(budget, project.folder), Baseline())

Nothing here needs the command-line and terminal libraries; only the command does.
"""

from __future__ import annotations

from .baseline import Baseline, Entry
from .bench import Bench
from .case import Case
from .check import Difference, Group, Verdict, check, measure
from .document import SCHEMA_VERSION, to_document
from .edges import Edge, ImportGraph
from .judge import Finding, judge
from .limits import LIMITS, Budget
from .project import Project, case_of, find_project
from .report import describe
from .startup import Counts, Module, Startup
from .store import MemoryStore, SharedStore, Store

__all__ = [
    "LIMITS",
    "SCHEMA_VERSION",
    "Baseline",
    "Bench",
    "Budget",
    "Case",
    "Counts",
    "Difference",
    "Edge",
    "Entry",
    "Finding",
    "Group",
    "ImportGraph",
    "MemoryStore",
    "Module",
    "Project",
    "SharedStore",
    "Startup",
    "Store",
    "Verdict",
    "case_of",
    "check",
    "describe",
    "find_project",
    "judge",
    "measure",
    "to_document",
]
