"""The report page: a profile or an optimisation as one HTML file that needs nothing else.

The page holds its style and scripts inline, allowed by their hashes and nothing besides; a browser
that opens it asks no network for anything. All but zoom, search and sort works without scripts.
"""

from __future__ import annotations

from .page import render_page, write_page

__all__ = ["render_page", "write_page"]
