"""`startup`: the timeline of this start as data, as JSON, as a picture for a terminal, as spans.

The document is described in ``docs/handler.md``. Times in it are milliseconds from the start of the
process; nothing of events, answers, arguments or messages of errors is in it.
"""

from __future__ import annotations

import os
import sys
import time

from coldcache import _identity, _start_class
from coldcache._core import __version__, _log_warning, _timeline
from coldcache._startup_schema import MOST_STEPS, SCHEMA, VERSION, checked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_VARIABLE = "COLDCACHE_STARTUP_FILE"


class Startup:
    """The timeline of one start.

    Attributes:
        document: What `to_dict` returns.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    @classmethod
    def from_dict(cls, document: object) -> Startup:
        """Take a document that `to_dict` or `to_json` of another process made.

        Raises:
            ValueError: It is not of this schema, or of a version that is not known.
        """
        return cls(checked(document))

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The steps: ``id``, ``parent``, ``kind``, ``name``, ``begin_ms``, ``ms``, ``error``."""
        return list(self.document["steps"])

    @property
    def errors(self) -> dict[str, int]:
        """How often each type of error was raised in a step, an import or a hook."""
        return dict(self.document["errors"])

    def to_dict(self) -> dict[str, Any]:
        """The document, which JSON can hold."""
        return dict(self.document)

    def to_json(self) -> str:
        """The document as JSON."""
        import json  # noqa: PLC0415 - not every start writes it

        return json.dumps(self.document)

    def to_spans(
        self, *, trace_id: str | None = None, parent_span_id: str | None = None
    ) -> list[dict[str, Any]]:
        """The timeline as spans in the shape of OTLP's JSON, one for the start, one for each step.

        Args:
            trace_id: 32 hexadecimal digits; random by default.
            parent_span_id: 16 hexadecimal digits of the span around the start, if there is one.

        Returns:
            Dictionaries for the list ``spans`` of an OTLP document.

        Raises:
            ValueError: An id has another form.
        """
        from coldcache import _startup_spans  # noqa: PLC0415 - where somebody sends them

        return _startup_spans.spans(self.document, trace_id, parent_span_id)

    def __str__(self) -> str:
        from coldcache import _waterfall  # noqa: PLC0415 - where somebody looks

        return _waterfall.draw(self.document)

    def __repr__(self) -> str:
        return f"<coldcache.startup: {len(self.document['steps'])} steps>"


def startup() -> Startup:
    """Return the timeline of this start, as far as it has come.

    It goes from the start of the process to the first answer: the runs of `once`, resources, pools,
    `step`, `warm_up` and hooks, with ``COLDCACHE_TRACE_IMPORTS=1`` imports too, each inside the one
    that caused it. The first 512 steps are kept, the others counted.
    """
    recorded = _timeline()
    steps = recorded["steps"]
    imported = _start_class.imported_at(steps)
    began, source = _start_class.started(imported)
    origin = began * 1e9
    # What a parent did before the fork is older than this process.
    origin = min([origin, *(step[3] for step in steps)])
    if origin < began * 1e9:
        source = "import"

    def since(at: int) -> float:
        return round((at - origin) / 1e6, 3)

    moments = {name: since(at) for name, at in recorded["marks"].items()}
    rows: list[dict[str, Any]] = [
        {
            "id": number,
            "parent": parent,
            "kind": kind,
            "name": name,
            "begin_ms": since(begin),
            "ms": None if end is None else round((end - begin) / 1e6, 3),
            "error": error,
            "tags": dict(tags),
        }
        for number, (parent, kind, name, begin, end, error, tags) in enumerate(steps)
    ]
    errors = dict(recorded["errors"])
    dropped = recorded["dropped"] + _add_imports(rows, recorded["imports"], since, errors)
    identity = _identity.identity()
    start_class, rule = _start_class.latest or (None, None)
    if imported is not None:
        moments["coldcache"] = since(round(imported * 1e9))
    return Startup(
        {
            "schema": SCHEMA,
            "version": VERSION,
            "coldcache": __version__,
            "python": ".".join(map(str, sys.version_info[:3])),
            "platform": identity.platform,
            "function_name": identity.name,
            "function_version": identity.version,
            "memory_mb": identity.memory_mb,
            "pid": os.getpid(),
            "init_id": _start_class.init_id(),
            "started_at": round(time.time() - (time.perf_counter() - origin / 1e9), 6),
            "start_source": source,
            "start_class": start_class,
            "start_rule": rule,
            "moments": dict(sorted(moments.items(), key=lambda moment: moment[1])),
            "phases": _phases(moments),
            "steps": rows,
            "dropped": dropped,
            "errors": errors,
        }
    )


def write_if_asked() -> None:
    """Write the timeline to the file that the environment names, as its owner's alone."""
    path = os.environ.get(_VARIABLE)
    if not path:
        return
    path = path.replace("{pid}", str(os.getpid()))
    temporary = f"{path}.{os.getpid()}.tmp"
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with open(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            file.write(startup().to_json())
        os.replace(temporary, path)
    except OSError as error:
        _log_warning(f"{_VARIABLE} cannot be written ({type(error).__name__}: {error.strerror})")


def _phases(moments: dict[str, float]) -> list[dict[str, Any]]:
    """The parts of the start, one after the other, as far as they are known."""
    get = moments.get
    # coldcache is loaded by the bootstrap before anything else, or somewhere among the imports.
    before = "interpreter" if "coldcache.auto" in sys.modules else "before coldcache"
    ready = get("restored", get("init_end"))
    edges: list[tuple[str, float | None, float | None]] = [
        (before, 0.0, get("coldcache")),
        ("init", get("coldcache"), get("init_end", get("first_call"))),
        ("snapshot", get("init_end"), get("restored")),
        ("wait for the first event", ready, get("first_event")),
        ("first call", get("first_call"), get("first_return")),
        ("first answer", get("first_return"), get("first_answer")),
    ]
    return [
        {"name": name, "begin_ms": begin, "ms": round(max(0.0, end - begin), 3)}
        for name, begin, end in edges
        if begin is not None and end is not None
    ]


def _add_imports(
    rows: list[dict[str, Any]],
    imports: list[tuple[int, int | None, str, int, int, str | None]],
    since: Any,
    errors: dict[str, int],
) -> int:
    """Add what the tracer saw, the longest first; for how many there was no room."""
    failed_inside = {(parent, error) for _, parent, _, _, _, error in imports if error}
    for number, _, _, _, _, error in imports:
        # An import that fails fails those around it, until somebody catches it: counted once.
        if error is not None and (number, error) not in failed_inside:
            errors[error] = errors.get(error, 0) + 1
    room = max(0, MOST_STEPS - len(rows))
    longest = sorted(imports, key=lambda one: one[3] - one[4])[:room]
    places: dict[int, int] = {}
    own = len(rows)
    for number, parent, name, begin, end, error in sorted(longest, key=lambda one: one[3]):
        places[number] = len(rows)
        rows.append(
            {
                "id": len(rows),
                "parent": None if parent is None else places.get(parent),
                "kind": "import",
                "name": name,
                "begin_ms": since(begin),
                "ms": round((end - begin) / 1e6, 3),
                "error": error,
                "tags": {},
            }
        )
    _put_inside(rows[:own], rows[own:])
    return len(imports) - len(longest)


def _put_inside(steps: list[dict[str, Any]], imports: list[dict[str, Any]]) -> None:
    """Steps that imports ran, and imports that steps ran: who is around whom, by their times."""
    for inner, around in ((steps, imports), (imports, steps)):
        for row in inner:
            if row["parent"] is not None:
                continue
            end = row["begin_ms"] + (row["ms"] or 0.0)
            fitting = [
                one
                for one in around
                if one["begin_ms"] <= row["begin_ms"]
                and (one["ms"] is None or end <= one["begin_ms"] + one["ms"])
                and one["parent"] != row["id"]
            ]
            if fitting:
                row["parent"] = max(fitting, key=lambda one: one["begin_ms"])["id"]
