from typing import NamedTuple

class CacheInfo(NamedTuple):
    """What `cache_info()` returns: the fields of functools' record of the same name."""

    hits: int
    misses: int
    maxsize: int | None
    currsize: int
