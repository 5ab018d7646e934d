"""The schema of a startup document, for those that come from elsewhere: files, other processes."""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SCHEMA = "coldcache-startup"
VERSION = 1
MOST_STEPS = 512

_NUMBER = (int, float)
_TEXT_OR_NONE = (str, type(None))
_FIELDS: dict[str, Any] = {
    "coldcache": str,
    "python": str,
    "platform": str,
    "init_id": str,
    "start_source": str,
    "started_at": _NUMBER,
    "pid": int,
    "dropped": int,
    "start_class": _TEXT_OR_NONE,
    "start_rule": _TEXT_OR_NONE,
    "function_name": _TEXT_OR_NONE,
    "function_version": _TEXT_OR_NONE,
    "memory_mb": (int, type(None)),
    "moments": dict,
    "errors": dict,
    "phases": list,
    "steps": list,
}
_STEP: dict[str, Any] = {
    "id": int,
    "parent": (int, type(None)),
    "kind": str,
    "name": str,
    "begin_ms": _NUMBER,
    "ms": (*_NUMBER, type(None)),
    "error": _TEXT_OR_NONE,
    "tags": dict,
}
_PHASE: dict[str, Any] = {"name": str, "begin_ms": _NUMBER, "ms": _NUMBER}


def checked(document: object) -> dict[str, Any]:
    """Return the document if it is one of ours.

    Raises:
        ValueError: It is not; the message says where.
    """
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        message = f"this is no document of the schema {SCHEMA!r}"
        raise ValueError(message)
    if document.get("version") != VERSION:
        version = document.get("version")
        message = f"{SCHEMA} version {version!r} is not known here, only {VERSION}"
        raise ValueError(message)
    _check(document, _FIELDS, "the document")
    for name, at in document["moments"].items():
        _check_number(at, f"moment {name!r}")
    for name, count in document["errors"].items():
        _check_number(count, f"the count of {name!r}")
    for phase in document["phases"]:
        _check(phase, _PHASE, "a phase")
    if len(document["steps"]) > MOST_STEPS:
        message = f"there can be {MOST_STEPS} steps at most, got {len(document['steps'])}"
        raise ValueError(message)
    for place, step in enumerate(document["steps"]):
        _check(step, _STEP, f"step {place}")
        if step["id"] != place:
            message = f"step {place} has the id {step['id']}"
            raise ValueError(message)
        if step["parent"] is not None and not 0 <= step["parent"] < len(document["steps"]):
            message = f"step {place} is inside step {step['parent']}, which there is not"
            raise ValueError(message)
    return document


def _check(given: object, fields: dict[str, Any], what: str) -> None:
    if not isinstance(given, dict):
        message = f"{what} must be an object, got {type(given).__name__}"
        raise ValueError(message)
    for name, kind in fields.items():
        value = given.get(name)
        if name not in given or not isinstance(value, kind) or isinstance(value, bool):
            message = f"{what} has no usable {name!r}"
            raise ValueError(message)
        if isinstance(value, float) and not math.isfinite(value):
            message = f"{what} has no finite {name!r}"
            raise ValueError(message)


def _check_number(given: object, what: str) -> None:
    if isinstance(given, bool) or not isinstance(given, _NUMBER) or not math.isfinite(given):
        message = f"{what} must be a finite number, got {type(given).__name__}"
        raise ValueError(message)
