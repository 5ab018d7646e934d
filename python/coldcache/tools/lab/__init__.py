"""The lab: cold starts measured in fresh processes of the real Lambda runtime client.

    plan = LabPlan(target=Target.parse("src:app.handler"),
    events=Event.read_all([Path("order.json")])) result = run_lab(plan)

Nothing here needs the command-line and terminal libraries; only the command does.
"""

from __future__ import annotations

from .answers import Comparison, Difference, Fingerprint
from .document import SCHEMA_VERSION, to_document, write_document
from .errors import FunctionError, LabError, UsageError
from .event import Event
from .machine import Machine
from .plan import LabPlan, Role
from .result import METRICS, EventResult, LabResult, Metric, MetricResult, Sample
from .run import Observer, run_lab
from .sampler import ModuleCount
from .summary import Ratio, Summary
from .target import Target

__all__ = [
    "METRICS",
    "SCHEMA_VERSION",
    "Comparison",
    "Difference",
    "Event",
    "EventResult",
    "Fingerprint",
    "FunctionError",
    "LabError",
    "LabPlan",
    "LabResult",
    "Machine",
    "Metric",
    "MetricResult",
    "ModuleCount",
    "Observer",
    "Ratio",
    "Role",
    "Sample",
    "Summary",
    "Target",
    "UsageError",
    "run_lab",
    "to_document",
    "write_document",
]
