"""Fill a local AWS with what the report function reads: settings, a key, orders, a month of sales.

The rows are generated and always the same. Run as ``python seed.py http://127.0.0.1:PORT``.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sys
from datetime import date, timedelta
from decimal import Decimal
from urllib.parse import urlsplit

import boto3

REGION = "eu-west-1"
ORDERS_TABLE = "shop-orders"
EXPORTS_BUCKET = "shop-exports"
SETTINGS_NAME = "/shop/settings"
SIGNING_KEY_NAME = "shop/signing-key"
SIGNING_KEY = "a-key-for-the-demo-only-7f3c"
MONTH = "2026-09"

SETTINGS = {"currency": "EUR", "return_days": 30, "vat_percent": 21, "top_products": 5}
REGIONS = ("east", "north", "south", "west")
CATALOGUE = {
    "bags": (("backpack", "64.90"), ("messenger bag", "79.50"), ("tote bag", "19.95")),
    "books": (("atlas", "42.00"), ("cook book", "28.99"), ("novel", "12.50")),
    "garden": (("lantern", "33.25"), ("plant pot", "9.99"), ("watering can", "24.49")),
    "kitchen": (("chef knife", "89.00"), ("kettle", "54.95"), ("mug", "8.75"), ("pan", "39.90")),
}
PRODUCTS = [
    (category, product, price)
    for category, products in CATALOGUE.items()
    for product, price in products
]


def sales(count: int = 4000) -> list[dict]:
    """Generate the sales of the month.

    Args:
        count: Number of rows.
    """
    dice = random.Random(MONTH)
    rows = []
    for number in range(1, count + 1):
        category, product, price = dice.choice(PRODUCTS)
        rows.append(
            {
                "sale_id": f"S-{number:05}",
                "sold_on": f"{MONTH}-{dice.randint(1, 30):02}",
                "region": dice.choice(REGIONS),
                "category": category,
                "product": product,
                "quantity": dice.randint(1, 6),
                "unit_price": price,
            }
        )
    return rows


def sales_csv() -> bytes:
    """Write the sales of the month as CSV, with a line of column names."""
    rows = sales()
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def orders(count: int = 200) -> list[dict]:
    """Generate orders as DynamoDB items; every other one is delivered.

    Args:
        count: Number of orders.
    """
    dice = random.Random(ORDERS_TABLE)
    items = []
    for number in range(1, count + 1):
        ordered_on = date(2026, 9, 1) + timedelta(days=dice.randrange(30))
        item = {
            "order_id": f"A-{number:04}",
            "customer": f"customer-{dice.randrange(90):02}@shop.example",
            "ordered_on": ordered_on.isoformat(),
            "status": "delivered" if number % 2 == 0 else dice.choice(("packed", "shipped")),
            "lines": [
                {"product": product, "quantity": dice.randint(1, 4), "unit_price": Decimal(price)}
                for _, product, price in dice.sample(PRODUCTS, dice.randint(1, 5))
            ],
        }
        if item["status"] == "delivered":
            delivered_on = ordered_on + timedelta(days=dice.randint(1, 6))
            item["delivered_on"] = delivered_on.isoformat()
        items.append(item)
    return items


def seed(endpoint_url: str) -> None:
    """Fill the AWS at *endpoint_url*, which must be on this machine.

    Raises:
        ValueError: *endpoint_url* is not on this machine.
    """
    if urlsplit(endpoint_url).hostname not in {"127.0.0.1", "::1", "localhost"}:
        raise ValueError(f"endpoint_url must be on this machine, got {endpoint_url!r}")
    session = boto3.Session("demo", "demo", region_name=REGION)

    def client(service):
        return session.client(service, endpoint_url=endpoint_url)

    client("ssm").put_parameter(
        Name=SETTINGS_NAME, Value=json.dumps(SETTINGS), Type="SecureString", Overwrite=True
    )
    client("secretsmanager").create_secret(Name=SIGNING_KEY_NAME, SecretString=SIGNING_KEY)
    s3 = client("s3")
    s3.create_bucket(
        Bucket=EXPORTS_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    s3.put_object(Bucket=EXPORTS_BUCKET, Key=f"sales/{MONTH}.csv", Body=sales_csv())
    table = session.resource("dynamodb", endpoint_url=endpoint_url).create_table(
        TableName=ORDERS_TABLE,
        KeySchema=[{"AttributeName": "order_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "order_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    with table.batch_writer() as batch:
        for item in orders():
            batch.put_item(Item=item)


if __name__ == "__main__":
    seed(sys.argv[1])
