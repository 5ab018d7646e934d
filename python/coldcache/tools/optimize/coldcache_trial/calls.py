"""Registrations that cannot be listed afterwards, noted while they are made."""

from __future__ import annotations

import atexit
import codecs
import os
import sys

from .naming import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded in every function
    from typing import Any

__all__ = ["install", "noted"]

noted: list[tuple[str, str]] = []
"""What was registered: the kind of registry, and what for or with which callback."""


def install() -> None:
    """Put a listener before each function that registers something for good."""
    _listen(atexit, "register", "atexit", name_of)
    _listen(codecs, "register", "codecs.register", name_of)
    _listen(codecs, "register_error", "codecs.register_error", str)
    _listen(sys, "addaudithook", "sys.addaudithook", name_of)
    # Keyword arguments only: noted by its callbacks.
    register = os.register_at_fork

    def register_at_fork(**callbacks: Any) -> None:
        for when in sorted(callbacks):
            noted.append(("os.register_at_fork", f"{when} {name_of(callbacks[when])}"))
        register(**callbacks)

    os.register_at_fork = register_at_fork


def _listen(module: Any, function: str, kind: str, describe: Any) -> None:
    original = getattr(module, function)

    def listener(first: Any, /, *args: Any, **kwargs: Any) -> Any:
        noted.append((kind, describe(first)))
        return original(first, *args, **kwargs)

    listener.__name__ = listener.__qualname__ = function
    setattr(module, function, listener)
