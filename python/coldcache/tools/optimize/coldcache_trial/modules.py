"""Where the loaded modules came from, and the fingerprints of those whose edges a plan names."""

from __future__ import annotations

import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded in every function
    from collections.abc import Iterable
    from typing import Any

__all__ = ["describe_modules"]


def describe_modules(names: Iterable[str]) -> tuple[dict[str, str], dict[str, int]]:
    """Origins of all modules, fingerprints of those named.

    Args:
        names: Modules whose code matters; one without code of its own is left out.

    Returns:
        Origin by module, empty where none is known; fingerprint by module.
    """
    origins = {}
    for name, module in list(sys.modules.items()):
        spec = vars(module).get("__spec__") if isinstance(module, types.ModuleType) else None
        origin = getattr(spec, "origin", None)
        origins[name] = origin if isinstance(origin, str) else ""
    return origins, {name: value for name in names if (value := _fingerprint(name)) is not None}


def _fingerprint(name: str) -> int | None:
    from coldcache import _core  # noqa: PLC0415 - not needed by any other trial

    spec: Any = getattr(sys.modules.get(name), "__spec__", None)
    get_code = getattr(getattr(spec, "loader", None), "get_code", None)
    code = get_code(name) if get_code is not None else None
    return None if code is None else _core.fingerprint(code)
