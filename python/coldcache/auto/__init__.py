"""Deferred imports without a change to the code: importing this applies ``coldcache.lock``.

Where the file is found, and when it is not applied, is described in ``docs/bootstrap.md``. Whatever
is wrong with it, imports stay as they are, one line in the log says why, and nothing is raised.
"""

from __future__ import annotations

import os
import sys

from coldcache._core import ImportPlan, _log_warning, _stays_eager, flag
from coldcache._lock import Lock
from coldcache.exceptions import PlanError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["disable", "enable", "started_at", "status"]

_PREPAID = frozenset({"lambda-managed-instances", "provisioned-concurrency", "snap-start"})

_applied: ImportPlan | None = None
_status = "not applied: no coldcache.lock"


def enable(plan: str | os.PathLike[str] | Lock | Mapping[str, Iterable[str]]) -> bool:
    """Defer the imports of a plan from now on; modules that are loaded already stay as they are.

    Args:
        plan: A ``coldcache.lock``: its path, or read. Or the imports themselves: for the name of
            each importing module what it imports, ``a.b`` or ``m:x,y`` for names of ``m``.

    Returns:
        Whether the plan is applied. If not, a line in the log of ``coldcache`` says why.

    Raises:
        PlanError: The file cannot be read or is damaged.
        RuntimeError: Another plan is applied.
    """
    if isinstance(plan, (str, os.PathLike)):
        plan = Lock.read(plan)
    if isinstance(plan, Lock):
        misfit = plan.misfit(_folders())
        if misfit is not None:
            return _refuse(f"coldcache.lock does not fit: {misfit}; run coldcache optimize again")
        made = ImportPlan(plan.edges, fingerprints=plan.fingerprints)
    else:
        made = ImportPlan(dict(plan))
    if not made.enable():
        return _note("not applied: this interpreter stays eager, see the log")
    global _applied  # noqa: PLW0603 - one plan at a time is the interpreter's rule
    _applied = made
    return _note("applied")


def disable() -> None:
    """Stop deferring; what is deferred already is still imported when it is used."""
    global _applied  # noqa: PLW0603 - see enable
    if _applied is not None:
        _applied.disable()
        _applied = None
        _note("not applied: disabled")


def status() -> str:
    """Whether a plan is applied, and if not, why."""
    return _status


def started_at() -> float | None:
    """When the process was spawned, in seconds since the epoch, if the exec wrapper stamped it."""
    try:
        return float(os.environ["COLDCACHE_STARTED_AT"])
    except (KeyError, ValueError):
        return None


def _note(text: str) -> bool:
    global _status  # noqa: PLW0603 - what status() tells
    _status = text
    return text == "applied"


def _refuse(reason: str) -> bool:
    _stays_eager(reason)
    return _note(f"not applied: {reason}")


def _folders() -> list[str]:
    """Where distributions may be: what the platform's client adds to `sys.path` comes later."""
    folders = list(sys.path)
    root = os.environ.get("LAMBDA_TASK_ROOT")
    if root:
        minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
        folders += [root, "/opt/python", f"/opt/python/lib/python{minor}/site-packages"]
    # Beside coldcache itself: a layer, or the function's own folder.
    folders.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    return folders


def _find() -> str | None:
    path = os.environ.get("COLDCACHE_LOCK")
    if path:
        return path
    root = os.environ.get("LAMBDA_TASK_ROOT")
    if root:
        path = os.path.join(root, "coldcache.lock")
        if os.path.exists(path):
            return path
    return None


def _open_probe() -> None:
    """Answer probes from now on, if the environment says where."""
    if not os.environ.get("COLDCACHE_PROBE"):
        return
    try:
        from coldcache.web.probe import start_from_environment  # noqa: PLC0415 - where it is asked for

        start_from_environment()
    except Exception as error:  # noqa: BLE001 - whatever it is, the function has to start
        _log_warning(f"no probe: {type(error).__name__}: {error}")


def _preload() -> None:
    """Import what the workers share, if this process is one that forks them."""
    wanted = os.environ.get("COLDCACHE_PRELOAD", "")
    if wanted.lower() in ("", "0", "false", "off", "no"):
        return
    if wanted.lower() in ("1", "true", "on", "yes"):
        handler = os.environ.get("_HANDLER", "").replace("/", ".")
        if not handler or not os.environ.get("AWS_LAMBDA_MAX_CONCURRENCY"):
            return  # nothing says that there will be workers, or what they run
        wanted = handler.rpartition(".")[0]
    root = os.environ.get("LAMBDA_TASK_ROOT") or os.getcwd()
    if root not in sys.path:
        sys.path.insert(0, root)  # as the platform and servers do, a little later
    from coldcache._preload import preload  # noqa: PLC0415 - where it is asked for

    try:
        preload(*[name.strip() for name in wanted.split(",") if name.strip()])
    except Exception as error:  # noqa: BLE001 - the workers import it again, and tell of it
        _log_warning(f"no preload of {wanted}: {type(error).__name__}")


def _start() -> None:
    try:
        mode = os.environ.get("COLDCACHE_AUTO") or "auto"
        if mode not in ("always", "auto", "off"):
            _refuse(f"COLDCACHE_AUTO must be auto, always or off; got {mode!r}")
            return
        if mode == "off" or flag("COLDCACHE_EAGER", default=False):
            _note("not applied: switched off")
            return
        path = _find()
        if path is None:
            return
        prepaid = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE", "")
        if prepaid in _PREPAID and mode != "always":
            _note(f"not applied: the platform prepares this environment ({prepaid})")
            return
        enable(path)
    except PlanError as error:
        _refuse(str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the function has to start
        _refuse(f"{type(error).__name__}: {error}")


_open_probe()  # first: it is to answer while all else is imported
_start()
_preload()
