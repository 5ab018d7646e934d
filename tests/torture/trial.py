"""Puts a subject on trial: one scenario in a child process, with a time limit."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import with_clocks  # noqa: E402
import with_tasks  # noqa: E402
import with_threads  # noqa: E402
from subjects import SUBJECTS  # noqa: E402
from verdict import Verdict  # noqa: E402

GROUPS = {
    "threads": with_threads.SCENARIOS,
    "tasks": with_tasks.SCENARIOS,
    "clocks": with_clocks.SCENARIOS,
}


def takes_part(name: str, group: str) -> bool:
    """Whether the subject offers at all what the group is about."""
    subject = SUBJECTS[name]
    if group == "clocks":
        return subject.has_ttl
    return getattr(subject, group) is not None


def trial(group: str, scenario: str, name: str, limit_s: float = 12) -> Verdict:
    """The verdict of a child process, or what became of it."""
    command = [sys.executable, str(HERE / "child.py"), group, scenario, name]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            printed, complaints = child.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            child.kill()
            return Verdict(False, "hangs")
    if child.returncode < 0:
        return Verdict(False, f"crash ({signal.Signals(-child.returncode).name})")
    if child.returncode > 0:
        return Verdict(False, complaints.strip().splitlines()[-1].partition(":")[0])
    return Verdict(*json.loads(printed.splitlines()[-1]))
