"""Calls a WSGI application with the events of API Gateway (payload format 2.0)."""

from __future__ import annotations

import base64
import io
import sys


def call(application, event):
    """Answer one event."""
    http = event["requestContext"]["http"]
    body = event.get("body", "")
    data = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    environ = {
        "REQUEST_METHOD": http["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": event["rawPath"],
        "QUERY_STRING": event.get("rawQueryString", ""),
        "SERVER_NAME": event["requestContext"]["domainName"],
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": http["protocol"],
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(data),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in event.get("headers", {}).items():
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    answer = {}

    def start_response(status, headers, exc_info=None):
        answer["statusCode"] = int(status.partition(" ")[0])
        answer["headers"] = {name.lower(): value for name, value in headers}

    parts = application(environ, start_response)
    try:
        answer["body"] = b"".join(parts).decode()
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return answer
