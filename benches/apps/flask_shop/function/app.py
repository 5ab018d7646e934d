"""The shop behind API Gateway."""

from __future__ import annotations

import wsgi
from shop import app


def handler(event, context):
    return wsgi.call(app, event)
