"""Readiness for servers: a probe port, ASGI and WSGI middleware, hooks for gunicorn."""
