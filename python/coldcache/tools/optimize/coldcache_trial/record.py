"""What happens in a trial, and the file it is written to at the end."""

from __future__ import annotations

import builtins
import os
import sys
import time

from .failure import describe
from .naming import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded in every function
    from typing import Any, NoReturn

    from . import registries
    from .watch import Watch

__all__ = ["Record"]

_WARNING = 30  # logging.WARNING, before logging is loaded
_MESSAGE_LIMIT = 4000
_FAILED_LIMIT = 500


class Record:
    """Takes stock of a trial: answers, errors, logs, warnings, modules, the plan's own report."""

    def __init__(self, trial: dict[str, Any], began_ns: int) -> None:
        self._trial = trial
        self._process = os.getpid()
        self._plan: Any = None
        self._tracer: Any = None
        self._base: registries.Base | None = None
        self._watch: Watch | None = None
        self._logs: list[list[Any]] = []
        self._warnings: list[list[str]] = []
        self._exceptions: list[dict[str, Any]] = []
        self._failed_imports: list[list[Any]] = []
        self._json: Any = None
        self._import: Any = None
        self._own_ns = 0
        self.result: dict[str, Any] = {
            "began_ns": began_ns,
            "calls": [],
            "before": 0,
            "rows_init": None,
            "rows_first": None,
            "modules_init": None,
            "modules_first": None,
        }

    def install(self, trial: dict[str, Any]) -> None:
        """Put tracer and plan in, before anything else is imported, as the bootstrap does."""
        if trial["tracer"]:
            from coldcache._core import ImportTracer  # noqa: PLC0415

            self._tracer = ImportTracer(path=trial["tracer"])
            self._tracer.install()
        if trial["edges"] is not None:
            from coldcache._core import ImportPlan  # noqa: PLC0415

            self._plan = ImportPlan(trial["edges"], observe=self._note_failed_import)
            self.result["enabled"] = bool(self._plan.enable())
            self._import = builtins.__import__
        from . import calls, registries  # noqa: PLC0415

        calls.install()
        self._registries = registries
        if trial["watch"]:
            from .watch import Watch  # noqa: PLC0415

            self._watch = Watch(trial["watch"])

    def client_loaded(self) -> None:
        """Begin to listen: what listens to logs and warnings needs them loaded."""
        self._json = sys.modules["json"]
        logging: Any = sys.modules["logging"]
        warnings: Any = sys.modules["warnings"]
        handle = logging.Logger.handle
        show = warnings._showwarnmsg_impl  # noqa: SLF001 - below what users may replace

        def note_record(logger: Any, record: Any) -> Any:
            if record.levelno >= _WARNING:
                self._note_log(record)
            return handle(logger, record)

        def note_warning(message: Any) -> Any:
            text = f"{message.category.__name__}: {message.message}"
            self._warnings.append([text[:_MESSAGE_LIMIT], str(message.filename)])
            return show(message)

        logging.Logger.handle = note_record
        warnings._showwarnmsg_impl = note_warning  # noqa: SLF001

    def init_begins(self) -> None:
        """The client is there, the function is about to be imported."""
        start_ns = time.monotonic_ns()
        if self._plan is not None:
            self.result["before"] = len(self._plan.report())
        self._base = self._registries.Base()
        if self._watch is not None:
            self._watch.begin(self._base)
        self._own_ns += time.monotonic_ns() - start_ns

    def call_begins(self) -> None:
        """The client asks for an event."""
        now_ns = time.monotonic_ns()
        if self.result["modules_init"] is None:
            self.result["init_ns"] = now_ns - self._own_ns
            self.result["modules_init"] = list(sys.modules)
            self.result["rows_init"] = self._rows()
        self.result["calls"].append({"handed_ns": time.monotonic_ns()})

    def call_ends(
        self, *, answer: str | None = None, kind: str = "", error: str | bytes | None = None
    ) -> None:
        """The client posts an answer, or an error as JSON text."""
        if os.getpid() != self._process:
            os._exit(0)  # a child that the function forked answers too
        call = self.result["calls"][-1]
        call["answered_ns"] = time.monotonic_ns()
        call.update(answer=answer, kind=kind, error=self._error(error), logs=self._logs)
        call["warnings"] = self._warnings
        self._logs, self._warnings = [], []
        if self.result["modules_first"] is None:
            self.result["modules_first"] = list(sys.modules)
            self.result["rows_first"] = self._rows()
        if error is not None or len(self.result["calls"]) == len(self._trial["events"]):
            self.finish()

    def init_failed(self, error: Any) -> NoReturn:
        """The client posts that the function cannot be imported."""
        if os.getpid() != self._process:
            os._exit(0)
        self.result["init_error"] = self._error(error)
        self.result["logs"] = self._logs
        self.finish()

    def note_exception(self, error: BaseException) -> None:
        """Keep an exception that passes through to the client."""
        self._exceptions = describe(error)

    def ended(self, error: BaseException) -> None:
        """The function ended its process by an exception, `SystemExit` for example."""
        self.note_exception(error)
        self.result["exit"] = self._error({"errorType": type(error).__name__, "errorMessage": ""})

    def finish(self) -> NoReturn:
        """Take the last stock, write everything, end the process as the platform does: at once."""
        result, plan = self.result, self._plan
        result["modules"] = list(sys.modules)
        if plan is not None:
            result["rows"] = [list(row) for row in plan.report()]
            result["failures"] = [list(pair) for pair in plan.failures()]
            result["failed_imports"] = self._failed_imports
            if builtins.__import__ is not self._import:
                result["replaced"] = name_of(builtins.__import__)
        if self._watch is not None:
            result["effects"] = self._watch.end()
        result["peak_kb"] = _peak_kb()
        categories = {*self._registries.CATEGORIES, "patches"}
        if not self._trial["tables"]:
            categories.discard("tables")
        result["registries"] = self._registries.snapshot(self._base, frozenset(categories))
        if self._trial["describe"] is not None:
            from .modules import describe_modules  # noqa: PLC0415

            result["origins"], result["fingerprints"] = describe_modules(self._trial["describe"])
        import json  # noqa: PLC0415 - the client may not have come so far

        path = self._trial["result"]
        with open(path + ".part", "w", encoding="utf-8", errors="surrogatepass") as file:
            # Not `json.dumps`: the function may have replaced that.
            file.write(json.JSONEncoder().encode(result))
        os.replace(path + ".part", path)
        os._exit(0)

    def _rows(self) -> list[str] | None:
        return None if self._plan is None else [row[2] for row in self._plan.report()]

    def _error(self, error: Any) -> dict[str, Any] | None:
        """The error as the client words it, and the exceptions behind it."""
        if error is None:
            return None
        if isinstance(error, (str, bytes)):
            text = error.decode() if isinstance(error, bytes) else error
            error = self._json.JSONDecoder().decode(text)
        return {
            "type": str(error.get("errorType", "")),
            "message": str(error.get("errorMessage", ""))[:_MESSAGE_LIMIT],
            "trace": [str(line) for line in error.get("stackTrace") or ()],
            "chain": self._exceptions,
        }

    def _note_failed_import(self, importer: str, edge: str, error: BaseException) -> None:
        """Somebody may pass over it, so that nobody else sees why."""
        if len(self._failed_imports) < _FAILED_LIMIT:
            self._failed_imports.append([importer, edge, describe(error)])

    def _note_log(self, record: Any) -> None:
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001 - logging itself reports that and goes on
            message = str(record.msg)
        chain = describe(record.exc_info[1]) if record.exc_info and record.exc_info[1] else []
        self._logs.append([record.name, record.levelname, message[:_MESSAGE_LIMIT], chain])


def _peak_kb() -> int | None:
    try:
        # As bytes: decoding might load a codec.
        with open("/proc/self/status", "rb") as file:
            for line in file:
                if line.startswith(b"VmHWM:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return None
