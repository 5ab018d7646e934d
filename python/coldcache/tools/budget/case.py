"""What is counted: a function, the event it is called with if any, and its variables."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from coldcache.tools.lab.event import Event
from coldcache.tools.lab.target import Target

__all__ = ["Case", "empty_function"]

_EMPTY_MODULE = "coldcache_empty_function"


@dataclass(frozen=True)
class Case:
    """One start.

    Attributes:
        target: The function.
        event: What it is called with once; without one the start ends with init.
        settings: Environment variables. Values appear nowhere.
    """

    target: Target
    event: Event | None = None
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def until(self) -> str:
        """Where the start ends."""
        return "init" if self.event is None else "first answer"

    @property
    def key(self) -> str:
        """The same for the same case, in any process; tells nothing of event and values."""
        facts = [
            str(self.target.folder),
            self.target.handler,
            None if self.event is None else hashlib.sha256(self.event.body).hexdigest(),
            sorted(self.settings.items()),
        ]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def empty_function(folder: Path) -> Target:
    """Write a handler that does nothing: what it costs to start it, no function can save.

    Args:
        folder: Where to; it is made. The module's name is one that no function has.
    """
    folder.mkdir()
    source = "def handler(event, context):\n    return None\n"
    (folder / f"{_EMPTY_MODULE}.py").write_text(source, encoding="utf-8")
    return Target("(empty function)", folder, _EMPTY_MODULE, "handler")
