"""All subjects by name: coldcache first, then its peers."""

from __future__ import annotations

from faults.coldcache_subjects import OURS
from faults.subjects import PEERS, Subject

SUBJECTS: dict[str, type[Subject]] = {**OURS, **PEERS}
