"""HTTP API of a shop: one order, the receipt of an order, the sales report of a month."""

from __future__ import annotations

import hashlib
import hmac
import json
import os

import coldcache

import orders
import report
import shop


@coldcache.handler
def handler(event: dict, context: object) -> dict:
    """Answer one request of API Gateway (payload format 2.0)."""
    route = event["routeKey"]
    path = event["pathParameters"]
    try:
        if route == "GET /orders/{order_id}":
            answer = orders.status(path["order_id"])
        elif route == "GET /orders/{order_id}/receipt":
            answer = orders.receipt(path["order_id"])
        elif route == "GET /reports/{month}":
            answer = report.monthly(path["month"])
        else:
            return respond(404, {"message": f"no such route: {route}"})
    except shop.NotFoundError as error:
        return respond(404, {"message": str(error)})
    return respond(200, answer)


def respond(status: int, answer: dict) -> dict:
    """Build a signed response: partners check the signature against the key they share with us."""
    body = json.dumps(answer)
    key = shop.secret(os.environ["SIGNING_KEY_NAME"])
    signature = hmac.new(key.encode(), body.encode(), hashlib.sha256).hexdigest()
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json", "x-signature": f"sha256={signature}"},
        "body": body,
    }
