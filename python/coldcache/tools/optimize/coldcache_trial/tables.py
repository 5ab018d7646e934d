"""What modules wrote into each other's tables: dicts, lists, sets at module level and in objects.

A package often has registries of its own: options, formats, handlers by name. Whoever defers the
module that writes to one of them misses an entry, and nothing fails until somebody asks for it.
Nothing is looked up by name here: a name that is still deferred must not be loaded by looking.
"""

from __future__ import annotations

import sys
import types

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded in every function
    from collections.abc import Iterator
    from typing import Any

__all__ = ["tables"]

_STANDARD = frozenset(sys.stdlib_module_names) | {"__main__", "__mp_main__", "coldcache"}
_STANDARD |= {"coldcache_trial", "awslambdaric"}
_LARGEST = 1000  # entries; a larger table is data
_KINDS = (dict, list, set)
_CALLABLE = (type, types.FunctionType, types.BuiltinFunctionType)


def tables(only: frozenset[str] | None = None) -> dict[str, str]:
    """Entries of all tables, and names that may hold one but are deferred (with a `?`).

    Args:
        only: Names of the modules to look at; all that are not the interpreter's by default.
    """
    found = {}
    for name, module in list(sys.modules.items()):
        if not isinstance(module, types.ModuleType) or name.partition(".")[0] in _STANDARD:
            continue
        if only is not None and name not in only:
            continue
        for attribute, value in list(vars(module).items()):
            if type(attribute) is not str:  # a name of the plan's that is still deferred
                found[f"{name}|{str.__str__(attribute)}|?"] = "deferred"
            elif not attribute.startswith("__"):
                for place, table in _tables_of(name, attribute, value):
                    for entry in _entries(table):
                        found[f"{name}|{place}|{entry}"] = "set"
    return found


def _tables_of(module: str, attribute: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, _KINDS):
        yield attribute, value
        return
    if isinstance(value, type):
        owned = dict(vars(value)) if value.__module__ == module else {}
    elif isinstance(value, types.FunctionType):
        registry = getattr(value, "registry", None)  # of functools.singledispatch
        owned = {"registry": dict(registry)} if isinstance(registry, types.MappingProxyType) else {}
    elif type(value).__module__.partition(".")[0] == module.partition(".")[0]:
        # Not of an object that answers for itself: asking it may load something.
        asked: object = type(value).__getattribute__
        is_plain = asked is object.__getattribute__
        held = getattr(value, "__dict__", None) if is_plain else None
        owned = dict(held) if type(held) is dict else {}
    else:
        owned = {}
    for inner, table in owned.items():
        if type(inner) is str and not inner.startswith("__") and isinstance(table, _KINDS):
            yield f"{attribute}.{inner}", table


def _entries(table: Any, depth: int = 0) -> Iterator[str]:
    if len(table) > _LARGEST:
        return
    for key in list(table):
        if type(key) is str and key.startswith("__"):
            continue  # of the interpreter: `__builtins__` in the globals of compiled modules
        text = _text(key)
        yield text
        if depth == 0 and isinstance(table, dict) and type(key) is str:
            inner = dict.get(table, key)
            if isinstance(inner, _KINDS):
                for entry in _entries(inner, 1):
                    yield f"{text}/{entry}"


def _text(key: Any, depth: int = 0) -> str:
    if type(key) in (str, bytes, int, float, bool) or key is None:
        return repr(key)
    if isinstance(key, _CALLABLE):
        return f"<{getattr(key, '__module__', '')}.{getattr(key, '__qualname__', '')}>"
    name = _own_name(key)
    if name:
        return f"<{name}>"
    if type(key) in (tuple, frozenset) and depth < 2:
        return "(" + ",".join(sorted(_text(one, depth + 1) for one in key)) + ")"
    return f"<a {type(key).__module__}.{type(key).__qualname__}>"


def _own_name(thing: Any) -> str:
    """Module and name of what is no function but tells both as one does: cached, compiled, wrapped.

    Not of an object that answers for itself: asking it may load something.
    """
    kind = type(thing)
    is_native = type(kind.__getattribute__) is types.WrapperDescriptorType
    if not is_native or hasattr(kind, "__getattr__") or issubclass(kind, types.ModuleType):
        return ""
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    return f"{module}.{name}" if type(module) is str and type(name) is str else ""
