"""The registries of the interpreter that any module may write to, as plain values.

Each category is a mapping of keys to texts, the same in every process that does the same. Nothing
is imported here: a registry whose module is not loaded is as it is at the start, and left out.
"""

# ruff: noqa: SLF001 - much of what modules write to has no public way to be listed
from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import os
import sys
import types

from . import calls
from .naming import name_of
from .tables import tables

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded in every function
    from collections.abc import Callable, Iterator
    from typing import Any

__all__ = ["CATEGORIES", "Base", "Snapshot", "snapshot"]

Snapshot = dict[str, dict[str, str]]  # subscripting dict is fine at run time

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType)
# Set by the runtime client for each event, or by us.
_OWN_VARIABLES = ("_X_AMZN_TRACE_ID", "COLDCACHE_", "AWS_LAMBDA_RUNTIME_API")
# Replaced by whoever watches imports, the plan's engine included.
_OWN_NAMES = frozenset({"builtins|__import__"})


class Base:
    """The modules that were there before the function, with everything callable in them."""

    def __init__(self) -> None:
        self.modules = {
            name: module
            for name, module in list(sys.modules.items())
            if isinstance(module, types.ModuleType)
        }
        self._callables = dict(self.walk())

    def walk(self) -> Iterator[tuple[str, Any]]:
        """Functions and classes of these modules, and functions of the classes they define."""
        for name, module in self.modules.items():
            for attribute, value in list(vars(module).items()):
                if isinstance(value, type):
                    yield f"{name}|{attribute}", value
                    if value.__module__ == name:
                        for inner, method in list(vars(value).items()):
                            if isinstance(method, _FUNCTIONS):
                                yield f"{name}|{attribute}.{inner}", method
                elif isinstance(value, _FUNCTIONS):
                    yield f"{name}|{attribute}", value

    def changes(self) -> dict[str, str]:
        """What somebody put in the place of these since, or added, or took away."""
        found = {}
        now = dict(self.walk())
        for key, value in now.items():
            if self._callables.get(key) is not value and key not in _OWN_NAMES:
                found[key] = name_of(value)
        for key in self._callables:
            if key not in now:
                found[key] = "gone or no function"
        return found


def snapshot(base: Base | None, only: frozenset[str] | None = None) -> Snapshot:
    """The registries as they are now.

    Args:
        base: Modules to look at for replaced functions; `None` looks at none.
        only: Names of the categories wanted; all by default.
    """
    found = {name: take() for name, take in CATEGORIES.items() if only is None or name in only}
    if base is not None and (only is None or "patches" in only):
        found["patches"] = base.changes()
    return found


def _logging() -> dict[str, str]:
    logging = sys.modules.get("logging")
    if logging is None:
        return {}
    found = {
        "setting:disable": str(logging.root.manager.disable),
        "setting:class": name_of(logging.getLoggerClass()),
        "setting:factory": name_of(logging.getLogRecordFactory()),
        "setting:raiseExceptions": str(logging.raiseExceptions),
    }
    for level, name in logging._levelToName.items():
        found[f"level:{level}"] = str(name)
    loggers = dict(logging.root.manager.loggerDict)
    for name, logger in [("root", logging.root), *loggers.items()]:
        if not isinstance(logger, logging.Logger):
            continue  # only a place in the tree
        # A handler that does nothing, as libraries are told to add: nobody can notice it.
        handlers = [one for one in logger.handlers if not isinstance(one, logging.NullHandler)]
        state = (
            f"level {logger.level}" if logger.level else "",
            "" if logger.propagate else "does not propagate",
            "disabled" if logger.disabled else "",
            *(f"handler {name_of(one)} level {one.level}" for one in handlers),
            *(f"filter {name_of(one)}" for one in logger.filters),
        )
        text = ", ".join(part for part in state if part)
        if text:
            found[f"logger:{name}"] = text
    return found


def _warning_filters() -> dict[str, str]:
    warnings = sys.modules.get("warnings")
    found = {}
    for action, message, category, module, line in getattr(warnings, "filters", ()):
        texts = [getattr(one, "pattern", one) or "" for one in (message, module)]
        found[f"{action}|{name_of(category)}|{texts[0]}|{texts[1]}|{line}"] = "set"
    return found


def _registrations() -> dict[str, str]:
    counts: dict[str, int] = {}
    for kind, what in calls.noted:
        counts[f"{kind}|{what}"] = counts.get(f"{kind}|{what}", 0) + 1
    return {key: str(count) for key, count in counts.items()}


def _copyreg() -> dict[str, str]:
    copyreg = sys.modules.get("copyreg")
    if copyreg is None:
        return {}
    found = {f"type:{name_of(kind)}": name_of(by) for kind, by in copyreg.dispatch_table.items()}
    for key, code in copyreg._extension_registry.items():
        found[f"extension:{key}"] = str(code)
    return found


def _signals() -> dict[str, str]:
    # The built-in half: `signal` itself would load enum.
    found = {}
    for one in _signal.valid_signals():
        handler = _signal.getsignal(one)
        text = str(int(handler)) if isinstance(handler, int) else name_of(handler)
        found[str(int(one))] = text
    return found


def _environment() -> dict[str, str]:
    # The values stay in a private file of the trial; reports tell names only.
    return {
        name: value for name, value in os.environ.items() if not name.startswith(_OWN_VARIABLES)
    }


def _odd_modules() -> dict[str, str]:
    """Entries that are not what importing that name puts there: aliases, stand-ins, blockers."""
    found = {}
    for key, value in list(sys.modules.items()):
        if value is None:
            found[key] = "blocked"
        elif not isinstance(value, types.ModuleType):
            found[key] = f"stand-in {name_of(value)}"
        else:
            spec = vars(value).get("__spec__")
            name = getattr(spec, "name", None)
            if key not in {name, "__main__"}:
                found[key] = f"alias of {name}" if name else "made by hand"
    return found


def _capsules() -> dict[str, str]:
    """Native interfaces that lie in modules: compiled code takes them from there by name.

    Who does not find one may go on without, with nothing where a function should be: pandas does,
    and its answers stay the same until it calls that function.
    """
    found = {}
    for name, module in list(sys.modules.items()):
        if isinstance(module, types.ModuleType):
            for attribute, value in list(vars(module).items()):
                if type(value).__name__ == "PyCapsule":  # a type without a public name
                    found[f"{name}|{attribute}"] = "capsule"
    return found


def _finders() -> dict[str, str]:
    found = {}
    for finder in sys.meta_path:
        text = name_of(finder)
        # Vendored packages: such a finder serves the names it was made for and no others.
        names = getattr(finder, "known_modules", None)
        if isinstance(names, dict):
            text += "|" + " ".join(sorted(names))
        found[f"meta_path|{text}"] = "set"
    for hook in sys.path_hooks:
        found[f"path_hooks|{name_of(hook)}"] = "set"
    for entry in sys.path:
        found[f"path|{entry}"] = "set"
    return found


def _settings() -> dict[str, str]:
    found = {
        f"sys.{name}": name_of(getattr(sys, name))
        for name in ("excepthook", "displayhook", "unraisablehook", "breakpointhook")
    }
    for name in ("stdin", "stdout", "stderr"):
        found[f"sys.{name}"] = name_of(getattr(sys, name))
    for name, ask in _ASKED.items():
        found[name] = ask()
    return found


def _ask(module: str, question: Callable[[Any], Any]) -> str:
    """What a loaded module answers; nothing for one that is not there, or is as it began."""
    found = sys.modules.get(module)
    answer = None if found is None else question(found)
    return "" if answer is None else str(answer)


def _gc_settings() -> str:
    import gc  # noqa: PLC0415 - built in

    return f"{gc.isenabled()} {gc.get_threshold()} {[name_of(one) for one in gc.callbacks]}"


def _locale() -> str:
    import _locale  # noqa: PLC0415 - built in

    return str(_locale.setlocale(_locale.LC_ALL, None))


def _decimal_context(decimal: Any) -> str:
    # Not its flags: those tell what was calculated.
    context = decimal.getcontext()
    traps = sorted(trap.__name__ for trap, is_set in context.traps.items() if is_set)
    return f"{context.prec} {context.rounding} {context.Emin} {context.Emax} {traps}"


def _start_method(context: Any) -> Any:
    return getattr(context._default_context._actual_context, "_name", None)


def _loop_policy(events: Any) -> str | None:
    policy = getattr(events, "_event_loop_policy", None)
    return None if policy is None else name_of(policy)


def _mime_maps(mimetypes: Any) -> str | None:
    if not mimetypes.inited:
        return None
    maps = (mimetypes.types_map, mimetypes.suffix_map, mimetypes.encodings_map)
    return " ".join(str(len(one)) for one in maps)


_ASKED: dict[str, Callable[[], str]] = {
    "recursion limit": lambda: str(sys.getrecursionlimit()),
    "switch interval": lambda: str(sys.getswitchinterval()),
    "dlopen flags": lambda: str(sys.getdlopenflags()),
    "digits of int": lambda: str(getattr(sys, "get_int_max_str_digits", int)()),
    "traceback limit": lambda: str(getattr(sys, "tracebacklimit", None)),
    "bytecode writing": lambda: str(not sys.dont_write_bytecode),
    "tracing": lambda: f"{sys.gettrace() is not None} {sys.getprofile() is not None}",
    "current folder": os.getcwd,
    "garbage collector": _gc_settings,
    "locale": _locale,
    "socket timeout": lambda: _ask("_socket", lambda it: it.getdefaulttimeout()),
    "decimal context": lambda: _ask("decimal", _decimal_context),
    "threading.excepthook": lambda: _ask("threading", lambda it: name_of(it.excepthook)),
    "start method": lambda: _ask("multiprocessing.context", _start_method),
    "event loop policy": lambda: _ask("asyncio.events", _loop_policy),
    "mimetypes": lambda: _ask("mimetypes", _mime_maps),
}

CATEGORIES: dict[str, Callable[[], dict[str, str]]] = {
    "logging": _logging,
    "warnings": _warning_filters,
    "registrations": _registrations,
    "copyreg": _copyreg,
    "signals": _signals,
    "environment": _environment,
    "modules": _odd_modules,
    "finders": _finders,
    "capsules": _capsules,
    "settings": _settings,
    "tables": tables,
}
"""Every category but the replaced functions, which need to know what was there before."""
