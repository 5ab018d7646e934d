"""Calls an ASGI application with the events of API Gateway (payload format 2.0)."""

from __future__ import annotations

import asyncio
import base64


def call(application, event):
    """Answer one event."""
    return asyncio.run(answer(application, event))


async def answer(application, event):
    """Hand one request to the application and gather what it sends."""
    http = event["requestContext"]["http"]
    body = event.get("body", "")
    data = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    headers = event.get("headers", {})
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": http["method"],
        "scheme": "https",
        "path": event["rawPath"],
        "raw_path": event["rawPath"].encode(),
        "query_string": event.get("rawQueryString", "").encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": (http["sourceIp"], 0),
        "server": (event["requestContext"]["domainName"], 443),
    }
    incoming = [{"type": "http.request", "body": data, "more_body": False}]
    outgoing = []

    async def receive():
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message):
        outgoing.append(message)

    await application(scope, receive, send)
    start, *rest = outgoing
    return {
        "statusCode": start["status"],
        "headers": {name.decode(): value.decode() for name, value in start["headers"]},
        "body": b"".join(message.get("body", b"") for message in rest).decode(),
    }
