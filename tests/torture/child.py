"""Runs one scenario on one subject, prints the verdict: `python child.py GROUP SCENARIO SUBJECT`.

Ends at once afterwards, whatever threads the subject left behind.
"""

from __future__ import annotations

import json
import os
import sys
import warnings

import with_clocks
import with_tasks
import with_threads
from subjects import SUBJECTS
from verdict import Verdict


def verdict(group: str, scenario: str, name: str) -> Verdict:
    subject = SUBJECTS[name]
    if group == "threads":
        return with_threads.SCENARIOS[scenario](subject.threads)
    if group == "tasks":
        return with_tasks.SCENARIOS[scenario](subject.tasks)
    if group == "clocks by hand":
        with with_clocks.by_hand() as shift:
            return with_clocks.SCENARIOS[scenario](subject, shift)
    try:
        shift = with_clocks.shifter()
    except with_clocks.NoShiftingError as reason:
        return Verdict(False, f"not tested: {reason}")
    return with_clocks.SCENARIOS[scenario](subject, shift)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # what peers warn of is not what is asked here
    print(json.dumps(verdict(*sys.argv[1:])), flush=True)
    os._exit(0)
