"""One execution environment with the platform's lifecycle, each part of it a switch."""

from __future__ import annotations

from .environment import Environment
from .options import FULL_PROCESSOR_MB, Extensions, Initialization, Life
from .records import CallRecord, EndRecord, Outcome, StartClass, StartRecord
from .supervisor import Supervisor, supervised
from .template import Template

__all__ = [
    "FULL_PROCESSOR_MB",
    "CallRecord",
    "EndRecord",
    "Environment",
    "Extensions",
    "Initialization",
    "Life",
    "Outcome",
    "StartClass",
    "StartRecord",
    "Supervisor",
    "Template",
    "supervised",
]
