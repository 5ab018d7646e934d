"""Where the data is: the report function's module, parameter and secret kept by AWS Powertools."""

from __future__ import annotations

import json
import os
from typing import BinaryIO

import boto3
from aws_lambda_powertools.utilities import parameters

# How long a changed setting or key may go unseen, in seconds.
KEEP_S = 300

s3 = boto3.client("s3")
orders_table = boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE"])


class NotFoundError(Exception):
    """There is no such order or export."""


def settings() -> dict:
    """Read the settings of the shop, a JSON document in a parameter."""
    name = os.environ["SETTINGS_NAME"]
    return json.loads(parameters.get_parameter(name, decrypt=True, max_age=KEEP_S))


def secret(name: str) -> str:
    """Fetch the current version of a secret."""
    return parameters.get_secret(name, max_age=KEEP_S)


def order(order_id: str) -> dict:
    """Fetch one order."""
    answer = orders_table.get_item(Key={"order_id": order_id})
    if "Item" not in answer:
        raise NotFoundError(f"no such order: {order_id}")
    return answer["Item"]


def export(month: str) -> BinaryIO:
    """Open the sales of a month, a stream of CSV."""
    key = f"sales/{month}.csv"
    try:
        return s3.get_object(Bucket=os.environ["EXPORTS_BUCKET"], Key=key)["Body"]
    except s3.exceptions.NoSuchKey:
        raise NotFoundError(f"no such report: {month}") from None
