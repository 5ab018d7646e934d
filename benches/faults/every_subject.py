"""All subjects by name: coldcache and its recipes first, then its peers."""

from __future__ import annotations

from faults.coldcache_subjects import OURS, RECIPES
from faults.subjects import PEERS, Subject

SUBJECTS: dict[str, type[Subject]] = {**OURS, **RECIPES, **PEERS}
