"""The record `cache_info()` returns. Imported when somebody asks for it."""

from collections import namedtuple

# The field names are functools', so that what reads one record reads the other.
CacheInfo = namedtuple("CacheInfo", ["hits", "misses", "maxsize", "currsize"])
