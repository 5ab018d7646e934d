"""Shrink cold starts: initialise once, import lazily, keep results for the container's lifetime."""

# Nothing is imported here but the native module: this line of a handler is part of its cold start.
# Names that only matter when something went wrong, or in tests, are resolved when first used.

from time import perf_counter_ns as _clock

_began = _clock()

from coldcache._core import (  # noqa: E402 - loading it is most of what is timed
    Cache,
    __version__,
    _imported,
    cached,
    flag,
    lazy,
    once,
    pending,
    resolve_all,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from coldcache import testing
    from coldcache._call import invocation
    from coldcache._handler import handler
    from coldcache._lifecycle import (
        after_restore,
        before_snapshot,
        check_thaw,
        hook_runs,
        on_thaw,
    )
    from coldcache._log_filter import log_filter
    from coldcache._pool import pool
    from coldcache._preload import preload
    from coldcache._replay import side_effect
    from coldcache._resource import resource
    from coldcache._startup import startup
    from coldcache._step import step
    from coldcache._warm_up import last_warm_up, warm_up, warm_up_async
    from coldcache.exceptions import (
        ColdcacheError,
        ConfigError,
        FlagError,
        LoadTimeout,
        PlanError,
        PoolSaturated,
        PreloadError,
        ReentrantLoadError,
        SerializationError,
        SideEffectBlocked,
        StoreError,
        WarmUpError,
    )

__all__ = [
    "Cache",
    "ColdcacheError",
    "ConfigError",
    "FlagError",
    "LoadTimeout",
    "PlanError",
    "PoolSaturated",
    "PreloadError",
    "ReentrantLoadError",
    "SerializationError",
    "SideEffectBlocked",
    "StoreError",
    "WarmUpError",
    "__version__",
    "after_restore",
    "before_snapshot",
    "cached",
    "check_thaw",
    "flag",
    "handler",
    "hook_runs",
    "invocation",
    "last_warm_up",
    "lazy",
    "log_filter",
    "on_thaw",
    "once",
    "pending",
    "pool",
    "preload",
    "resolve_all",
    "resource",
    "side_effect",
    "startup",
    "step",
    "testing",
    "warm_up",
    "warm_up_async",
]


# Where names live that not every start uses; the exceptions are in a module of their own.
_HOMES = {
    "after_restore": "_lifecycle",
    "before_snapshot": "_lifecycle",
    "check_thaw": "_lifecycle",
    "handler": "_handler",
    "hook_runs": "_lifecycle",
    "invocation": "_call",
    "last_warm_up": "_warm_up",
    "log_filter": "_log_filter",
    "on_thaw": "_lifecycle",
    "pool": "_pool",
    "preload": "_preload",
    "resource": "_resource",
    "side_effect": "_replay",
    "startup": "_startup",
    "step": "_step",
    "warm_up": "_warm_up",
    "warm_up_async": "_warm_up",
}


def __getattr__(name: str) -> object:
    if name == "testing":
        # The import statement binds the submodule as an attribute: this runs once.
        import coldcache.testing  # noqa: PLC0415

        return coldcache.testing
    if name in __all__:
        home = f"coldcache.{_HOMES.get(name, 'exceptions')}"
        found = globals()[name] = getattr(__import__(home, fromlist=(name,)), name)
        return found
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted(__all__)


_imported(_began)
