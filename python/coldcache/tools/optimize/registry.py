"""Which changes of the interpreter's registries matter, and which nobody can notice.

A deferred module that never runs does not write what it writes when it is loaded. That is harmless
where the entry can only be reached through that module itself; the rules are one function each.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from .case import Case
from .edges import lineage, top_package
from .outcome import Outcome

__all__ = ["Entry", "describe", "differing", "homes", "is_harmless"]

_NAMED = re.compile(r"<(?:a )?([\w.]+)>")

_WORDS = {
    "logging": "configures logging",
    "warnings": "sets a warnings filter",
    "registrations": "registers",
    "copyreg": "registers how to copy or pickle",
    "signals": "handles a signal",
    "environment": "sets the environment variable",
    "modules": "puts into sys.modules",
    "finders": "changes where modules are found",
    "capsules": "offers to compiled code",
    "settings": "changes the",
    "patches": "replaces",
    "tables": "writes into the table",
}


@dataclass(frozen=True)
class Entry:
    """An entry of a registry that is not as it is without a plan.

    Attributes:
        category: Which registry.
        key: Which entry.
        before: Its text without a plan; `None` where it is not there.
        after: Its text with the plan.
    """

    category: str
    key: str
    before: str | None
    after: str | None

    @property
    def place(self) -> tuple[str, str]:
        """Category and key."""
        return self.category, self.key


def differing(case: Case, planned: Outcome) -> Iterator[Entry]:
    """What differs from both runs without a plan, which agree about it."""
    one, other = (outcome.registries for outcome in case.plain)
    for category in sorted(one.keys() | planned.registries.keys()):
        if category == "tables":
            if category in planned.registries:
                yield from _missing_in_tables(case, planned)
            continue
        before, again = one.get(category, {}), other.get(category, {})
        after = planned.registries.get(category, {})
        for key in sorted(before.keys() | after.keys()):
            entry = Entry(category, key, before.get(key), after.get(key))
            if entry.before != again.get(key) or entry.before == entry.after:
                continue
            # Whoever needs a module that is not there imports it, and fails loudly if it cannot.
            is_there = None not in (entry.before, entry.after)
            if category != "modules" or is_there or "blocked" in (entry.before, entry.after):
                yield entry


def _missing_in_tables(case: Case, planned: Outcome) -> Iterator[Entry]:
    """Entries that the tables of loaded modules lack with the plan.

    Not those of a name that is still deferred, nor those that name things of modules that are not
    loaded: whoever asks for such a thing has loaded its module.
    """
    one, again = (outcome.registries.get("tables", {}) for outcome in case.plain)
    after = planned.registries.get("tables", {})
    for key in sorted((one.keys() & again.keys()) - after.keys()):
        module, place, text = key.split("|", 2)
        attribute = place.partition(".")[0]
        if text == "?" or module not in planned.modules or f"{module}|{attribute}|?" in after:
            continue
        named = _NAMED.findall(text)
        if named and not any(home in planned.modules for home in map(_home, named)):
            continue
        yield Entry("tables", key, one[key], None)


def homes(entry: Entry) -> tuple[str, ...]:
    """The modules of what an entry of a table names, each once."""
    if entry.category != "tables":
        return ()
    return tuple(dict.fromkeys(map(_home, _NAMED.findall(entry.key.split("|", 2)[2]))))


def _home(name: str) -> str:
    """The module in ``module.Class``; a class within a class has the same."""
    return name.rpartition(".")[0]


def is_harmless(entry: Entry, owner: str, planned: Collection[str], asked: Collection[str]) -> bool:
    """Whether nobody can notice the difference.

    Args:
        entry: Missing or different with the plan.
        owner: The module that writes it without a plan; empty where that is not known.
        planned: Names of the modules that are loaded with the plan.
        asked: Names of modules that any statement asks for.
    """
    if not owner:
        # A table that is filled by use, a cache for example; no module is missed.
        return entry.category == "tables"
    if entry.category == "tables" and _is_own_or_cache(entry.key, owner):
        return True
    # Compiled modules share one of these, and give themselves a second name that nobody imports.
    is_second = entry.key.startswith("_cython_") or entry.before == f"alias of {owner}"
    if entry.category == "modules" and is_second and entry.key not in asked:
        return True
    rule = _RULES.get(entry.category)
    return rule is not None and rule(entry, owner, planned)


def _is_own_or_cache(key: str, owner: str) -> bool:
    """Whether a table is the writer's own, or another package's private one.

    A module's own table is filled by its own body, with what there is. The private tables of
    another package are written by the functions of that package: caches of what was asked for.
    """
    module, place, _ = key.split("|", 2)
    is_private = any(part.startswith("_") for part in place.split("."))
    return module == owner or (is_private and top_package(module) != top_package(owner))


def describe(entry: Entry, owner: str) -> str:
    """The difference for a reader; values are left out, they may be secrets."""
    return f"{owner or 'something'} {_WORDS[entry.category]} {_readable(entry)}"


def _readable(entry: Entry) -> str:
    parts = entry.key.split("|")
    match entry.category:
        case "warnings":
            about = f" about {parts[2]!r}" if parts[2] else ""
            return f"({parts[0]} {parts[1].rpartition('.')[2]}{about})"
        case "registrations":
            return f"{parts[1]} with {parts[0]}"
        case "patches" | "capsules":
            return f"{parts[0]}.{parts[1]}"
        case "tables":
            return f"{parts[0]}.{parts[1]} ({'|'.join(parts[2:])[:60]})"
        case "finders":
            return f"({parts[0]}: {parts[1]})"
    return entry.key.partition(":")[2] or entry.key


def _package_is_gone(owner: str, planned: Collection[str]) -> bool:
    """Whether nothing of the owner's whole package is loaded."""
    top = top_package(owner)
    return not any(top_package(name) == top for name in planned)


def _logging(entry: Entry, owner: str, planned: Collection[str]) -> bool:
    # A package's own logger, and nobody of that package is there to log.
    kind, _, name = entry.key.partition(":")
    own = top_package(name) == top_package(owner)
    return kind == "logger" and own and _package_is_gone(owner, planned)


def _warnings(entry: Entry, owner: str, planned: Collection[str]) -> bool:
    # About a category that does not exist without the module, or about the package itself.
    _, category, message, module, _ = entry.key.split("|", 4)
    home = category.rpartition(".")[0]
    if home not in planned and home not in {"builtins", ""}:
        return True
    return top_package(owner) in message or top_package(owner) in module


def _registrations(entry: Entry, owner: str, planned: Collection[str]) -> bool:
    # A module that tidies up after itself; what it did not make it need not tidy up.
    kind, _, callback = entry.key.partition("|")
    if kind == "codecs.register_error":  # under a name of its own package, for its own use
        return callback.startswith(f"{top_package(owner)}.") and owner not in planned
    if kind not in {"atexit", "os.register_at_fork"}:
        return False
    words = (
        callback.split()
    )  # `after_in_child pkg.Pool.close of pkg.Pool`, the first for forks only
    home = top_package(words[kind == "os.register_at_fork"])
    return home == top_package(owner) or top_package(owner) in sys.stdlib_module_names


def _copyreg(entry: Entry, _owner: str, planned: Collection[str]) -> bool:
    # A type that cannot be met while its module is not loaded.
    kind, _, name = entry.key.partition(":")
    return kind == "type" and not any(one in planned for one in lineage(name) if one != name)


def _modules(entry: Entry, owner: str, planned: Collection[str]) -> bool:
    # Below a package that puts it there whenever it is imported, and it is imported before it.
    if entry.key == "__mp_main__":  # a second name for `__main__`, for multiprocessing's own use
        return top_package(owner) == "multiprocessing"
    return owner != entry.key and owner in lineage(entry.key) and owner not in planned


def _finders(entry: Entry, owner: str, planned: Collection[str]) -> bool:
    # A finder that serves a list of names, all below the module that puts it there.
    names = entry.key.split("|")[2:]
    own = all(owner in lineage(name) for part in names for name in part.split())
    return bool(names) and own and owner not in planned


def _capsules(entry: Entry, _owner: str, planned: Collection[str]) -> bool:
    # Who takes it imports the module in which it lies, and that offers it again.
    return entry.key.partition("|")[0] not in planned


_Rule = Callable[[Entry, str, Collection[str]], bool]
_RULES: Mapping[str, _Rule] = {
    "logging": _logging,
    "warnings": _warnings,
    "registrations": _registrations,
    "copyreg": _copyreg,
    "modules": _modules,
    "finders": _finders,
    "capsules": _capsules,
}
