"""What a warm-up could run, and what has to come before what."""

from __future__ import annotations

import functools
import os

from coldcache import _step
from coldcache._core import Once, _declared, _pending_numbers, _resolve
from coldcache.exceptions import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from coldcache._replay import Replay

# Starts that the platform makes before a request comes.
_PREPAID = frozenset({"lambda-managed-instances", "provisioned-concurrency", "snap-start"})


class Node:
    """One thing that a warm-up could run.

    Attributes:
        key: What it is known by: the identity of the thing.
        name: Its name, made different from all others'.
        run: Runs it; of an asynchronous one the result has to be awaited.
        is_around: Whether the warm-up is called inside it.
        per_loop: Whether what it makes is for one event loop.
        needs: Nodes that have to be done before it.
        comes_last: Whether it waits for all others to end, however they do.
    """

    def __init__(self, thing: Any, run: Callable[[], Any], *, kind: str, name: str) -> None:
        self.key = id(thing)
        self.thing = thing
        self.kind = kind
        self.name = name
        self.run = run
        self.is_async = bool(getattr(thing, "is_async", False))
        settings = getattr(thing, "_settings", None)
        self.per_loop = self.is_async and bool(getattr(settings, "per_loop", False))
        # Asked for here, in the caller's thread: a warm-up inside it must not wait for its end.
        self.is_around = isinstance(thing, Once) and thing._runs_here()  # noqa: SLF001
        self.required = bool(getattr(thing, "required", False))
        self.warm = getattr(thing, "warm", True)
        self.needs: list[Node] = []
        self.comes_last = kind == "replay"

    def is_done(self) -> bool:
        """Whether there is nothing to run any more."""
        is_done = getattr(self.thing, "is_done", None)
        return bool(is_done()) if is_done is not None else False


class _Lazy:
    """A lazy name; they are loaded one after the other: the import system has locks of its own."""

    warm = "prepaid"

    def __init__(self, number: int) -> None:
        self.load = functools.partial(_resolve, number)


def start_kind() -> str:
    """Return what kind of start this is, as the platform says."""
    kind = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE")
    if kind:
        return kind
    return "on-demand" if os.environ.get("AWS_LAMBDA_FUNCTION_NAME") else "server"


def is_prepaid(kind: str) -> bool:
    """Whether no request waits for such a start."""
    return kind in _PREPAID or kind == "server"


def build(replay: Replay | None) -> list[Node]:
    """Return everything that declared itself, with what has to come before each.

    Raises:
        ConfigError: A step names another one that is not declared.
    """
    nodes: list[Node] = []
    steps = [step for step in _step.declared() if step.warm]
    wrapped = {id(step.__wrapped__) for step in steps}
    for thing in _declared():
        if not thing.warm:
            continue
        if isinstance(thing, Once):
            # A method needs an instance; what a step wraps runs as that step.
            if not thing.is_method and id(thing) not in wrapped:
                nodes.append(Node(thing, thing, kind="once", name=thing.name))
        else:
            nodes.append(Node(thing, thing._warm_up, kind=thing.kind, name=thing.name))  # noqa: SLF001
    nodes += [Node(step, step._warm_up, kind="step", name=step.name) for step in steps]  # noqa: SLF001
    _connect(nodes)
    previous: Node | None = None
    for number, shown in _pending_numbers():
        lazy = _Lazy(number)
        node = Node(lazy, lazy.load, kind="lazy", name=shown)
        node.needs = [previous] if previous is not None else []
        nodes.append(node)
        previous = node
    if replay is not None:
        nodes.append(Node(replay, replay._warm_up, kind="replay", name=replay.name))  # noqa: SLF001
    _tell_apart(nodes)
    return nodes


def deferred(nodes: list[Node]) -> set[int]:
    """Keys of the nodes that the first request does not need, and nothing it needs does."""
    wanted: set[int] = set()

    def want(node: Node) -> None:
        if node.key not in wanted:
            wanted.add(node.key)
            for one in node.needs:
                want(one)

    for node in nodes:
        if node.warm != "prepaid":
            want(node)
    return {node.key for node in nodes} - wanted


def needed_by_required(nodes: list[Node]) -> set[int]:
    """Keys of what is required, and of what that needs."""
    found: set[int] = set()

    def find(node: Node) -> None:
        if node.key not in found:
            found.add(node.key)
            for one in node.needs:
                find(one)

    for node in nodes:
        if node.required:
            find(node)
    return found


def _connect(nodes: list[Node]) -> None:
    by_key = {node.key: node for node in nodes}
    for node in nodes:  # a step stands for the function that it wraps
        inner = getattr(node.thing, "__wrapped__", None)
        if node.kind == "step" and isinstance(inner, Once):
            by_key[id(inner)] = node
    for node in nodes:
        _refuse_unknown_names(node)
        node.needs = list(_nearest(_before(node.thing), by_key, {node.key}))


def _before(thing: Any) -> list[Any]:
    found = _step.before(thing)
    inner = getattr(thing, "__wrapped__", None)
    return found + _step.before(inner) if isinstance(inner, Once) else found


def _nearest(things: Iterable[Any], by_key: dict[int, Node], seen: set[int]) -> Iterable[Node]:
    """Nodes among the things, and behind those that are no nodes themselves."""
    for thing in things:
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        node = by_key.get(id(thing))
        if node is None:
            yield from _nearest(_before(thing), by_key, seen)
        elif node.key not in seen or node.key == id(thing):
            yield node


def _refuse_unknown_names(node: Node) -> None:
    for one in getattr(node.thing, "after", ()):
        if isinstance(one, str) and _step.named(one) is None:
            known = ", ".join(repr(step.name) for step in _step.declared())
            message = f"step {node.name!r} comes after {one!r}, which no step is; there are {known}"
            raise ConfigError(message)


def _tell_apart(nodes: list[Node]) -> None:
    seen: dict[str, int] = {}
    for node in nodes:
        count = seen[node.name] = seen.get(node.name, 0) + 1
        if count > 1:
            node.name = f"{node.name} ({count})"
