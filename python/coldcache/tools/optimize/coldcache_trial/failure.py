"""An exception as plain values: its chain, its notes, the modules its traceback goes through."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded in every function
    from typing import Any

__all__ = ["describe"]

_CHAIN_LIMIT = 20
_FRAME_LIMIT = 200
_TEXT_LIMIT = 2000


def describe(error: BaseException) -> list[dict[str, Any]]:
    """The exception and those behind it, causes before contexts, each once.

    Args:
        error: An exception.

    Returns:
        A list of mappings: type, message, notes, names it tells, and frames from the outermost in.
    """
    chain: list[dict[str, Any]] = []
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending and len(chain) < _CHAIN_LIMIT:
        one = pending.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        chain.append(_one(one))
        pending += [one.__cause__, one.__context__]
    return chain


def _one(error: BaseException) -> dict[str, Any]:
    # `name` and `name_from` of ImportError, `name` of AttributeError and NameError.
    names = [getattr(error, attribute, None) for attribute in ("name", "name_from")]
    return {
        "type": type(error).__name__,
        "message": _text(error),
        "notes": [str(note)[:_TEXT_LIMIT] for note in getattr(error, "__notes__", ())],
        "names": [name for name in names if isinstance(name, str)],
        "frames": _frames(error.__traceback__),
    }


def _text(error: BaseException) -> str:
    try:
        return str(error)[:_TEXT_LIMIT]
    except Exception:  # noqa: BLE001 - a broken __str__ is the function's own
        return ""


def _frames(trace: Any) -> list[list[Any]]:
    frames: list[list[Any]] = []
    while trace is not None and len(frames) < _FRAME_LIMIT:
        code = trace.tb_frame.f_code
        name = trace.tb_frame.f_globals.get("__name__")
        frames.append([name if isinstance(name, str) else "", code.co_filename, trace.tb_lineno])
        trace = trace.tb_next
    return frames
