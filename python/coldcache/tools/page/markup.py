"""HTML as values: what is not marked as HTML is escaped, in content and in attributes alike."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any, TypeAlias

from coldcache.tools.lab.failure import printable

__all__ = ["Content", "Html", "clean", "element", "inline_json", "join"]

_NAME_LIMIT = 300
_VOID = frozenset({"circle", "input", "line", "link", "meta", "path", "rect", "use"})
_FOREIGN = frozenset({"circle", "line", "path", "rect", "use"})  # of SVG: closed by a slash


class Html(str):
    """Text that is HTML already; only this module makes it from text that is not."""

    __slots__ = ()


Content: TypeAlias = "str | int | Iterable[Content] | None"
"""What an element may hold; plain text in it is escaped."""


def clean(value: str) -> str:
    """*value* without what a reader could not see, and not longer than a reader would want.

    Control codes, codes that turn the direction of writing, and halves of surrogate pairs, which
    no file in UTF-8 can hold, are shown by their escapes.
    """
    shown = value if value.isprintable() else printable(value)
    return shown if len(shown) <= _NAME_LIMIT else shown[:_NAME_LIMIT] + "…"


def join(contents: Content) -> Html:
    """The contents side by side, escaped where they are no HTML."""
    if contents is None:
        return Html("")
    if isinstance(contents, Html):
        return contents
    if isinstance(contents, str):
        return Html(html.escape(clean(contents)))
    if isinstance(contents, int):
        return Html(str(contents))
    return Html("".join(join(one) for one in contents))


def element(name: str, /, *contents: Content, **attributes: str | float | None) -> Html:
    """An element.

    Args:
        name: Its name, from the program, never from data.
        contents: What is in it, in order.
        attributes: By name; a trailing underscore is dropped, other ones become hyphens. ``None``
            and ``False`` leave the attribute out, ``True`` sets it without a value.
    """
    parts = [name]
    for key, value in attributes.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            parts.append(label)
        elif value is not None and value is not False:
            parts.append(f'{label}="{html.escape(_attribute(value))}"')
    opening = " ".join(parts)
    if name in _VOID and not contents:
        return Html(f"<{opening}/>" if name in _FOREIGN else f"<{opening}>")
    return Html(f"<{opening}>{join(contents)}</{name}>")


def _attribute(value: str | float) -> str:
    """An attribute's value as text; HTML has no place there."""
    if isinstance(value, float):
        return f"{value:.4g}"
    return clean(value) if isinstance(value, str) and not isinstance(value, Html) else str(value)


def inline_json(value: Any) -> Html:
    """JSON for the content of a script element, where no text of it can end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Html(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))
