"""Recorded workloads: timestamps, and the two Azure Functions releases, plain or ``.gz``.

The format is told by the first line. A file that breaks its own format is refused with its name and
the line, before anything runs: a silently dropped call would change what is measured.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import math
import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from coldcache.tools.lab.errors import UsageError

from .arrivals import Recorded

__all__ = ["RecordedFunction", "read_trace"]

_MINUTE_S = 60.0
_TIME_COLUMNS = ("timestamp", "time", "arrival", "arrived_s", "ts")


@dataclass(frozen=True)
class RecordedFunction:
    """One function of a trace.

    Attributes:
        name: Short name for reports: the begin of its hash, or of the file's name.
        arrivals: Its calls.
    """

    name: str
    arrivals: Recorded


@dataclass(frozen=True)
class _File:
    path: Path
    header: list[str]
    rows: list[tuple[int, list[str]]]
    """Line number and cells; blank lines at the end are left out."""

    def wrong(self, line: int, what: str) -> UsageError:
        return UsageError(f"{str(self.path)!r}, line {line}: {what}")


def read_trace(
    path: Path, selectors: Sequence[str] = (), *, seed: int = 0
) -> tuple[RecordedFunction, ...]:
    """Read the functions of a recorded workload.

    Three formats, told by the first line:

    * one timestamp a line, in seconds or ISO 8601; in a table, the column ``timestamp``, ``time``,
      ``arrival``, ``arrived_s`` or ``ts``, or the first one. Ascending. Zero is the first call.
    * Azure Functions 2019: ``HashOwner,HashApp,HashFunction,Trigger`` and a column a minute with
      the number of calls. Their places within the minute are drawn from *seed*, evenly distributed.
    * Azure Functions 2021: ``app,func,end_timestamp,duration``; a call arrived at end - duration.
      Zero is the first arrival of the file.

    Args:
        path: The file.
        selectors: Which functions of an Azure file, by row from 1 (2019 only) or by the begin of
            their hash; all of them together make the workload. Without any, a file of timestamps.
        seed: Decides the places within a minute.

    Raises:
        UsageError: The file is missing or breaks its format, a selector matches no function or
            more than one, or a chosen function has no call.
    """
    file = _open(path)
    columns = {name.strip().lower(): place for place, name in enumerate(file.header)}
    if "hashfunction" in columns:
        return tuple(_azure_2019(file, columns, one, seed) for one in _needed(file, selectors))
    if {"func", "end_timestamp", "duration"} <= columns.keys():
        return _azure_2021(file, columns, selectors)
    if selectors:
        raise UsageError(
            f"{str(path)!r} is a list of timestamps, which has no functions to choose from; "
            f"got {', '.join(selectors)}"
        )
    return (_timestamps(file, columns),)


def _open(path: Path) -> _File:
    try:
        blob = path.read_bytes()
        text = (gzip.decompress(blob) if blob[:2] == b"\x1f\x8b" else blob).decode("utf-8-sig")
    except FileNotFoundError:
        raise UsageError(f"the trace {str(path)!r} does not exist") from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"the trace {str(path)!r} is not a text: no UTF-8 at byte {error.start}"
        ) from None
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"the trace {str(path)!r} cannot be read: {error}") from None
    reader = csv.reader(text.splitlines())
    rows: list[tuple[int, list[str]]] = []
    try:
        rows += ((reader.line_num, cells) for cells in reader)
    except csv.Error as error:
        raise UsageError(f"{str(path)!r}, line {reader.line_num}: not CSV: {error}") from None
    while rows and not any(cell.strip() for cell in rows[-1][1]):
        rows.pop()
    if not rows:
        raise UsageError(f"the trace {str(path)!r} is empty")
    first = rows[0][1]
    # A file without a heading begins with its first time.
    has_heading = (
        not first
        or _as_seconds(first[0]) is None
        or any(name.strip().lower() in _TIME_COLUMNS for name in first)
    )
    return _File(path, first if has_heading else [], rows[1:] if has_heading else rows)


def _needed(file: _File, selectors: Sequence[str]) -> Sequence[str]:
    if not selectors:
        raise UsageError(
            f"{str(file.path)!r} holds {len(file.rows)} functions; choose some after a '#', "
            "by row from 1 or by the begin of their hash, for example #3,17"
        )
    return selectors


def _timestamps(file: _File, columns: dict[str, int]) -> RecordedFunction:
    place = next((columns[name] for name in _TIME_COLUMNS if name in columns), 0)
    seconds: list[float] = []
    for line, cells in file.rows:
        text = cells[place].strip() if place < len(cells) else ""
        if not text:
            raise file.wrong(line, "the time is missing")
        value = _as_seconds(text)
        if value is None:
            raise file.wrong(line, f"neither a number of seconds nor an ISO 8601 time: {text!r}")
        if value < 0:
            raise file.wrong(line, f"a time must not be negative; got {text}")
        if seconds and value < seconds[-1]:
            raise file.wrong(line, f"the times are not sorted: {text} comes before the line above")
        seconds.append(value)
    if not seconds:
        raise UsageError(f"the trace {str(file.path)!r} has no arrivals")
    begin = seconds[0]
    shifted = [value - begin for value in seconds]
    name = file.path.name.partition(".")[0]
    return RecordedFunction(name, Recorded(shifted, _length(shifted)))


def _azure_2019(file: _File, columns: dict[str, int], selector: str, seed: int) -> RecordedFunction:
    place = columns["hashfunction"]
    minutes = [at for at, name in enumerate(file.header) if name.strip().isdigit()]
    if not minutes:
        raise file.wrong(1, "no column is a minute")
    line, cells = _choose(file, place, selector)
    draw = random.Random(f"{seed}/{cells[place]}")  # noqa: S311 - a workload, not a secret
    seconds: list[float] = []
    for number, at in enumerate(minutes):
        text = cells[at].strip() if at < len(cells) else ""
        if not text:
            raise file.wrong(line, f"the count of minute {file.header[at]} is missing")
        if not text.isdigit():
            raise file.wrong(
                line, f"minute {file.header[at]} must hold a count of 0 or more; got {text!r}"
            )
        seconds += sorted((number + draw.random()) * _MINUTE_S for _ in range(int(text)))
    if not seconds:
        raise file.wrong(line, f"the function {cells[place][:8]} has no arrivals")
    return RecordedFunction(cells[place][:8], Recorded(seconds, len(minutes) * _MINUTE_S))


def _choose(file: _File, place: int, selector: str) -> tuple[int, list[str]]:
    """The row of one function, by its number or the begin of its hash."""
    if selector.isdigit() and 1 <= int(selector) <= len(file.rows):
        return file.rows[int(selector) - 1]
    found = [row for row in file.rows if len(row[1]) > place and row[1][place].startswith(selector)]
    if len(found) != 1:
        what = "no function" if not found else f"{len(found)} functions"
        raise UsageError(
            f"{str(file.path)!r}: {selector!r} names {what}; give a row from 1 to "
            f"{len(file.rows)}, or enough of a hash"
        )
    return found[0]


def _azure_2021(
    file: _File, columns: dict[str, int], selectors: Sequence[str]
) -> tuple[RecordedFunction, ...]:
    calls: list[tuple[float, str]] = []
    for line, cells in file.rows:
        if len(cells) < len(file.header):
            raise file.wrong(line, f"{len(file.header)} columns expected; got {len(cells)}")
        numbers = {}
        for column in ("end_timestamp", "duration"):
            text = cells[columns[column]].strip()
            value = _as_number(text)
            if value is None:
                raise file.wrong(line, f"{column} must be a number of seconds; got {text!r}")
            if value < 0:
                raise file.wrong(line, f"{column} must not be negative; got {text}")
            numbers[column] = value
        calls.append((numbers["end_timestamp"] - numbers["duration"], cells[columns["func"]]))
    if not calls:
        raise UsageError(f"the trace {str(file.path)!r} has no arrivals")
    # Recorded by the end of the calls; sorted by arrival here.
    calls.sort()
    begin = calls[0][0]
    length_s = _length([time_s - begin for time_s, _ in calls])

    def recorded(name: str, chosen: Iterator[float]) -> RecordedFunction:
        return RecordedFunction(name, Recorded([one - begin for one in chosen], length_s))

    if not selectors:
        return (recorded(file.path.name.partition(".")[0], (time_s for time_s, _ in calls)),)
    functions = sorted({func for _, func in calls})
    results = []
    for selector in selectors:
        found = [func for func in functions if func.startswith(selector)]
        if len(found) != 1:
            what = "no function" if not found else f"{len(found)} functions"
            raise UsageError(
                f"{str(file.path)!r}: {selector!r} names {what}; give enough of a hash"
            )
        name = found[0]
        results.append(recorded(name[:8], (time_s for time_s, func in calls if func == name)))
    return tuple(results)


def _length(seconds: Sequence[float]) -> float:
    """A little beyond the last call: durations are half-open."""
    return math.nextafter(seconds[-1], math.inf)


def _as_number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _as_seconds(text: str) -> float | None:
    """Seconds, or an ISO 8601 time; one without an offset is UTC."""
    value = _as_number(text.strip())
    if value is not None:
        return value
    try:
        # Python 3.10 reads neither the Z nor seven digits of a second.
        moment = dt.datetime.fromisoformat(_iso(text.strip()))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.timezone.utc)
    return moment.timestamp()


def _iso(text: str) -> str:
    text = f"{text[:-1]}+00:00" if text[-1:] in {"Z", "z"} else text
    head, point, tail = text.partition(".")
    if not point:
        return text
    digits = len(tail) - len(tail.lstrip("0123456789"))
    return f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"
