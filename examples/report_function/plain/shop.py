"""Where the data is: settings, secrets, orders and exports, all in AWS."""

from __future__ import annotations

import json
import os
from typing import BinaryIO

import boto3

ssm = boto3.client("ssm")
secrets_manager = boto3.client("secretsmanager")
s3 = boto3.client("s3")
orders_table = boto3.resource("dynamodb").Table(os.environ["ORDERS_TABLE"])


class NotFoundError(Exception):
    """There is no such order or export."""


def settings() -> dict:
    """Read the settings of the shop, a JSON document in a parameter."""
    return json.loads(parameter(os.environ["SETTINGS_NAME"]))


def parameter(name: str) -> str:
    """Fetch a parameter."""
    answer = ssm.get_parameter(Name=name, WithDecryption=True)
    return answer["Parameter"]["Value"]


def secret(name: str) -> str:
    """Fetch the current version of a secret."""
    answer = secrets_manager.get_secret_value(SecretId=name)
    return answer["SecretString"]


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
