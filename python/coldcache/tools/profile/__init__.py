"""The profiler: what a function imports, when, why, and what each import costs.

    plan = ProfilePlan(target=Target.parse("src:app.handler"),
    events=Event.read_all([Path("order.json")])) result = run_profile(plan)

Nothing here needs the command-line and terminal libraries; only the command does.
"""

from __future__ import annotations

from .distributions import Share
from .document import SCHEMA_VERSION, to_document
from .formats import to_chrome_trace, to_collapsed, to_speedscope
from .importtime import read_importtime
from .plan import ProfilePlan
from .record import STEPS, Import, Phase
from .result import Profile, ProfileResult
from .run import run_profile

__all__ = [
    "SCHEMA_VERSION",
    "STEPS",
    "Import",
    "Phase",
    "Profile",
    "ProfilePlan",
    "ProfileResult",
    "Share",
    "read_importtime",
    "run_profile",
    "to_chrome_trace",
    "to_collapsed",
    "to_document",
    "to_speedscope",
]
