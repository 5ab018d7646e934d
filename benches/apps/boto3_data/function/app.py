"""Answer the changes of a table of orders: who is to be told what, and where the receipt is."""

from __future__ import annotations

import json
import os
from decimal import Decimal

import boto3
from boto3.dynamodb.types import TypeDeserializer

BUCKET = os.environ.get("RECEIPTS_BUCKET", "receipts")
EXPIRES_S = 3600

s3 = boto3.client("s3")
deserializer = TypeDeserializer()


def handler(event, context):
    messages = []
    for record in event["Records"]:
        if record["eventName"] == "REMOVE":
            continue
        order = to_python(record["dynamodb"]["NewImage"])
        total = sum(line["quantity"] * line["price"] for line in order["lines"])
        url = s3.generate_presigned_url(
            "get_object",
            Params={"Bucket": BUCKET, "Key": f"{order['order_id']}.pdf"},
            ExpiresIn=EXPIRES_S,
        )
        messages.append(
            {"to": order["email"], "order": order["order_id"], "total": total, "receipt": url}
        )
    return json.loads(json.dumps({"messages": messages}, default=as_text))


def to_python(image):
    """Turn a record as DynamoDB writes it into plain values."""
    return {name: deserializer.deserialize(value) for name, value in image.items()}


def as_text(value):
    """Spell amounts as text: they are money."""
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{value!r} cannot be written as JSON")
