"""`log_filter`: what a log record needs to be found again by its request."""

from __future__ import annotations

import logging

from coldcache import _call


class _Correlation(logging.Filter):
    """Adds four attributes to every record and lets it pass."""

    def filter(self, record: logging.LogRecord) -> bool:
        found = _call.invocation()
        record.request_id = None if found is None else found.request_id
        record.trace_id = None if found is None else found.trace_id
        record.start_class = None if found is None else found.start_class
        record.init_id = None if found is None else found.init_id
        return True


def log_filter() -> logging.Filter:
    """Return a filter that lets every record pass and gives it four attributes.

    ``request_id``, ``trace_id``, ``start_class`` and ``init_id`` of the call under way; ``None``
    outside of one. For a handler of `logging`, so that it sees the records of all loggers:
    ``logging.getLogger().handlers[0].addFilter(coldcache.log_filter())``.
    """
    return _Correlation()
