"""Objects as text that is the same in every process: where they are from, never their address."""

from __future__ import annotations

import types

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded in every function
    from typing import Any

__all__ = ["name_of"]

_NAMED = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
)


def name_of(thing: Any) -> str:
    """The qualified name of a function or class, for anything else that of its type.

    Looks at the type first: asking a stand-in of any kind for an attribute might load something.
    """
    kind = type(thing)
    if kind is types.MethodType:
        return f"{name_of(thing.__func__)} of {name_of(type(thing.__self__))}"
    if issubclass(kind, _NAMED):
        return f"{thing.__module__}.{thing.__qualname__}"
    return f"{kind.__module__}.{kind.__qualname__} instance"
