"""The shop behind API Gateway."""

from __future__ import annotations

import asgi
from shop import app


def handler(event, context):
    return asgi.call(app, event)
