"""Everything coldcache raises of its own.

.. code-block:: text

    ColdcacheError
    ├── ReentrantLoadError   (RuntimeError)   a load waits for itself; the message names the ring
    ├── LoadTimeout          (TimeoutError)   gave up waiting for a load
    ├── PoolSaturated        (TimeoutError)   every object of a pool is in use
    ├── ConfigError          (ValueError)     a setting that cannot be used
    │   └── FlagError        (ValueError)     an environment flag that is neither on nor off
    ├── StoreError                            a shared store failed, with no fallback
    ├── PlanError                             a lazy plan that does not fit this program
    ├── WarmUpError          (RuntimeError)   a required step of a warm-up is not done
    ├── PreloadError         (RuntimeError)   something is not safe to fork with
    ├── SideEffectBlocked    (RuntimeError)   a declared side effect, in a replayed sample event
    └── SerializationError                    a value that a store cannot hold

Exceptions of the functions you decorate come out as themselves. Wrong arguments raise `TypeError`
or `ValueError`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from coldcache._preload import PreloadReport
    from coldcache._warm_report import WarmUpReport


class ColdcacheError(Exception):
    """Base of everything coldcache raises of its own."""


class ReentrantLoadError(ColdcacheError, RuntimeError):
    """A load waits, directly or through others, for itself. The message names the ring."""


class LoadTimeout(ColdcacheError, TimeoutError):  # noqa: N818
    """A caller gave up waiting: for a load that another caller runs, or for one that may hang."""


class PoolSaturated(ColdcacheError, TimeoutError):  # noqa: N818
    """Every object of a pool is in use and none came back in time.

    Attributes:
        size: How many objects the pool has at most.
        waiters: How many other callers were waiting.
        holder: Who has had an object for longest: function, file and line, thread or task.
        held_for: For how many seconds.
    """

    size: int = 0
    waiters: int = 0
    holder: str | None = None
    held_for: float = 0.0


class ConfigError(ColdcacheError, ValueError):
    """A setting that cannot be used."""


class FlagError(ConfigError):
    """An environment flag that is neither on nor off. The message does not show its value."""


class StoreError(ColdcacheError):
    """A shared store failed and there was nothing to fall back to."""


class PlanError(ColdcacheError):
    """A lazy plan that does not fit this program or this interpreter."""


class SerializationError(ColdcacheError):
    """A value that a store cannot hold, or bytes that it should not have held."""


class WarmUpError(ColdcacheError, RuntimeError):
    """A required step of `warm_up` failed or was not done in time.

    Attributes:
        report: The report of the warm-up.
    """

    report: "WarmUpReport | None" = None


class PreloadError(ColdcacheError, RuntimeError):
    """A strict `preload` found something that is not safe to fork with.

    Attributes:
        report: The report of the preload.
    """

    report: "PreloadReport | None" = None


class SideEffectBlocked(ColdcacheError, RuntimeError):  # noqa: N818
    """A function declared as a side effect was called while a sample event was replayed."""
