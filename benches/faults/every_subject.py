"""All subjects: the peers, and coldcache where it offers what is tried."""

from __future__ import annotations

from faults.subjects import PEERS, Subject

SUBJECTS: dict[str, type[Subject]] = dict(PEERS)
