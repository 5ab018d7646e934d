"""The optimiser: a set of deferred imports, proved by the function's own events.

    plan = OptimizePlan(target=Target.parse("src:app.handler"),
    events=Event.read_all([Path("order.json")])) result = run_optimize(plan)

Nothing here needs the command-line and terminal libraries; only the command does.
"""

from __future__ import annotations

from .document import SCHEMA, to_document, write_document
from .edges import Edge
from .judge import Judgement, Verdict
from .plan import OptimizePlan
from .result import EdgeFate, OptimizeResult
from .run import Reporter, run_optimize
from .search import SearchResult

__all__ = [
    "SCHEMA",
    "Edge",
    "EdgeFate",
    "Judgement",
    "OptimizePlan",
    "OptimizeResult",
    "Reporter",
    "SearchResult",
    "Verdict",
    "run_optimize",
    "to_document",
    "write_document",
]
