"""What a user decided about one resource or pool, checked."""

from coldcache import _options, _rotation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_CO_GENERATOR = 0x20
_CO_COROUTINE = 0x80
_CO_ITERABLE_COROUTINE = 0x100
_CO_ASYNC_GENERATOR = 0x200
_Function = type(lambda: None)
_WARM = (True, False, "prepaid")


class Settings:
    """Options in the form in which they are used."""

    __slots__ = (
        "after",
        "auth_errors",
        "check",
        "close",
        "depends_on",
        "is_async",
        "max_age",
        "max_idle",
        "min_idle",
        "name",
        "on_fork",
        "on_restore",
        "per_loop",
        "reset",
        "retry_on",
        "secrets",
        "size",
        "timeout",
        "warm",
    )

    def __init__(self, given: "dict[str, Any]") -> None:
        self.check = _options.function("check", given["check"])
        self.close = _options.function("close", given["close"])
        self.reset = _options.function("reset", given.get("reset"))
        self.max_age = _options.seconds("max_age", given["max_age"])
        self.max_idle = _options.seconds("max_idle", given["max_idle"])
        self.timeout = _options.seconds("timeout", given["timeout"])
        self.retry_on = _options.exceptions("retry_on", given.get("retry_on", ()))
        self.secrets = _rotation.parse(given["depends_on"])
        self.depends_on = given["depends_on"]
        self.auth_errors = _judge(given["auth_errors"], self.secrets)
        self.after = _options.callables("after", given["after"])
        self.on_fork = _options.word("on_fork", given.get("on_fork", "reset"), ("keep", "reset"))
        self.on_restore = _options.word(
            "on_restore", given["on_restore"], ("keep", "check", "reset")
        )
        per_loop = given.get("per_loop")
        self.per_loop = per_loop if per_loop is None else _options.truth("per_loop", per_loop)
        self.name = _options.name(given["name"])
        self.warm = given["warm"]
        if not any(self.warm is one or self.warm == one != 1 for one in _WARM):
            _options.mistyped("warm", self.warm, "True, False or 'prepaid'")
        self.is_async = False
        self.size = self.min_idle = 0
        if "size" in given:
            self.size = _options.count("size", given["size"], least=1)
            self.min_idle = _options.count("min_idle", given["min_idle"], least=0)
            if self.min_idle > self.size:
                _options.invalid("min_idle", self.min_idle, f"at most size ({self.size})")

    def of(self, what: str, factory: "Callable[..., Any]") -> "Settings":
        """Return a copy for this factory, which is checked."""
        copy = Settings.__new__(Settings)
        for slot in self.__slots__:
            setattr(copy, slot, getattr(self, slot))
        flags = _check(what, factory)
        copy.is_async = bool(flags & (_CO_COROUTINE | _CO_ITERABLE_COROUTINE))
        if copy.per_loop is None:
            copy.per_loop = copy.is_async
        return copy


def _judge(given: "Any", secrets: tuple[_rotation.Secret, ...]) -> "Any":
    if given is None:
        return None
    if not secrets:
        message = "auth_errors= says when depends_on= is fetched again: name the secrets as well"
        raise TypeError(message)
    if callable(given) and not isinstance(given, type):
        return given
    return _options.exceptions("auth_errors", given)


def _check(what: str, factory: "Any") -> int:
    """Refuse what cannot be a factory; the flags of its code."""
    if not callable(factory):
        _options.mistyped(f"what {what} is put on", factory, "a function that makes the object")
    inner = factory
    while not isinstance(inner, type) and (hasattr(inner, "__func__") or hasattr(inner, "func")):
        inner = inner.__func__ if hasattr(inner, "__func__") else inner.func  # methods, partials
    label = getattr(inner, "__qualname__", type(inner).__name__)
    code = getattr(inner, "__code__", None)
    if code is None:
        return 0
    if code.co_flags & (_CO_GENERATOR | _CO_ASYNC_GENERATOR):
        message = (
            f"{label} is a generator function: {what} wants one that returns the "
            "object, and what comes after the yield as close="
        )
        raise TypeError(message)
    if isinstance(factory, _Function):
        defaults = len(factory.__defaults__ or ())
        wanted = code.co_varnames[: code.co_argcount - defaults]
        named = set(factory.__kwdefaults__ or ())
        only = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        wanted += tuple(one for one in only if one not in named)
        if wanted:
            message = (
                f"{label} wants arguments ({', '.join(wanted)}): the factory of a "
                f"{what} is called without any"
            )
            raise TypeError(message)
    return int(code.co_flags)
