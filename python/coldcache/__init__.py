"""Shrink cold starts: initialise once, import lazily, keep results for the container's lifetime."""

# Nothing is imported here but the native module: this line of a handler is part of its cold start.
# Names that only matter when something went wrong, or in tests, are resolved when first used.

from coldcache._core import Cache, __version__, cached, flag, lazy, once, pending, resolve_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from coldcache import testing
    from coldcache.exceptions import (
        ColdcacheError,
        ConfigError,
        FlagError,
        LoadTimeout,
        PlanError,
        PoolSaturated,
        ReentrantLoadError,
        SerializationError,
        StoreError,
    )

__all__ = [
    "Cache",
    "ColdcacheError",
    "ConfigError",
    "FlagError",
    "LoadTimeout",
    "PlanError",
    "PoolSaturated",
    "ReentrantLoadError",
    "SerializationError",
    "StoreError",
    "__version__",
    "cached",
    "flag",
    "lazy",
    "once",
    "pending",
    "resolve_all",
    "testing",
]


def __getattr__(name: str) -> object:
    if name == "testing":
        # The import statement binds the submodule as an attribute: this runs once.
        import coldcache.testing  # noqa: PLC0415

        return coldcache.testing
    if name in __all__:
        from coldcache import exceptions  # noqa: PLC0415

        return getattr(exceptions, name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)
