"""An event to hand to the function, read from a JSON file."""

from __future__ import annotations

import codecs
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .errors import UsageError

__all__ = ["EVENT_LIMIT_BYTES", "Event"]

EVENT_LIMIT_BYTES = 6 * 1024 * 1024
"""What the platform accepts as the event of a synchronous call."""


@dataclass(frozen=True)
class Event:
    """One event: its name in reports, and its bytes, which appear in none.

    Attributes:
        name: File name, or the path as given where two files share a name.
        body: The JSON text in UTF-8, as it is sent to the function.
    """

    name: str
    body: bytes = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Event:
        """Read one file and check that it is JSON.

        Raises:
            UsageError: The file is missing, unreadable, too large for the platform, or not JSON.
        """
        try:
            body = path.read_bytes()
        except FileNotFoundError:
            raise UsageError(f"the event file {str(path)!r} does not exist") from None
        except OSError as error:
            raise UsageError(
                f"the event file {str(path)!r} cannot be read: {error.strerror}"
            ) from None
        body = body.removeprefix(codecs.BOM_UTF8)
        if len(body) > EVENT_LIMIT_BYTES:
            raise UsageError(
                f"the event {str(path)!r} has {len(body)} bytes; "
                f"the platform accepts at most {EVENT_LIMIT_BYTES}"
            )
        try:
            json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            # Only the position: the text around it belongs to the user's payload.
            raise UsageError(
                f"the event {str(path)!r} is not JSON: {error.msg} "
                f"at line {error.lineno}, column {error.colno}"
            ) from None
        except UnicodeDecodeError as error:
            raise UsageError(
                f"the event {str(path)!r} is not JSON: no UTF-8 at byte {error.start}"
            ) from None
        except ValueError as error:
            raise UsageError(f"the event {str(path)!r} is not JSON: {error}") from None
        except RecursionError:
            raise UsageError(f"the event {str(path)!r} is nested too deeply") from None
        return cls(name=path.name, body=body)

    @classmethod
    def read_all(cls, paths: Sequence[Path]) -> tuple[Event, ...]:
        """Read several files and give each a name of its own.

        Raises:
            UsageError: As :meth:`read`, or no file is given, or the same path is given twice.
        """
        if not paths:
            raise UsageError("no event given: name at least one JSON file with --event")
        for position, path in enumerate(paths):
            if path in paths[:position]:
                raise UsageError(f"the event file {str(path)!r} is given twice")
        names = [path.name for path in paths]
        return tuple(
            cls(name=path.name if names.count(path.name) == 1 else str(path), body=event.body)
            for path, event in ((path, cls.read(path)) for path in paths)
        )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
