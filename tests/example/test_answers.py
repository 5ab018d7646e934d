"""Both variants of the report function give the same answers, and the right ones."""

from __future__ import annotations

import csv
import hashlib
import hmac
import json
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
import seed

KINDS = ["lookup", "receipt", "report"]
MISSING = ["missing order", "missing month", "missing route"]
VARIANTS = ["plain", "tuned"]


def body(run):
    return json.loads(json.loads(run["answers"][0])["body"])


def cents(amount):
    return int((Decimal(str(amount)) * 100).to_integral_exact())


def order_of(event):
    order_id = event["pathParameters"]["order_id"]
    return next(order for order in seed.orders() if order["order_id"] == order_id)


def order_cents(order):
    return sum(line["quantity"] * cents(line["unit_price"]) for line in order["lines"])


@pytest.mark.parametrize("name", KINDS + MISSING)
def test_both_variants_give_the_same_bytes(runs, name):
    assert runs["tuned", name]["answers"] == runs["plain", name]["answers"]


@pytest.mark.parametrize("name", KINDS + MISSING)
def test_the_warm_answer_of_the_tuned_variant_is_the_first_one_again(runs, name):
    first, warm = runs["tuned", name]["answers"]
    assert warm == first


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_answered_with_success(runs, name):
    assert json.loads(runs["tuned", name]["answers"][0])["statusCode"] == 200


@pytest.mark.parametrize("name", MISSING)
def test_what_is_not_there_is_answered_with_404_and_named(runs, name):
    answer = json.loads(runs["tuned", name]["answers"][0])
    assert answer["statusCode"] == 404
    assert any(word in answer["body"] for word in ("A-9999", "1999-01", "GET /"))


def test_the_lookup_says_until_when_the_order_can_be_sent_back(runs, events):
    order = order_of(events["lookup"])
    last_day = date.fromisoformat(order["delivered_on"]) + timedelta(seed.SETTINGS["return_days"])
    assert body(runs["tuned", "lookup"]) == {
        "order_id": order["order_id"],
        "status": "delivered",
        "total": f"{order_cents(order) / 100:.2f}",
        "currency": seed.SETTINGS["currency"],
        "return_until": str(last_day),
    }


def test_the_receipt_has_a_price_for_each_line_of_the_order(runs, events):
    order = order_of(events["receipt"])
    assert len(order["lines"]) > 1
    prices = [(line["product"], cents(line["price"])) for line in receipt_lines(runs)]
    assert prices == [
        (line["product"], line["quantity"] * cents(line["unit_price"])) for line in order["lines"]
    ]


def receipt_lines(runs):
    return body(runs["tuned", "receipt"])["lines"]


def test_the_receipt_splits_the_total_into_net_and_tax(runs, events):
    receipt = body(runs["tuned", "receipt"])
    total = order_cents(order_of(events["receipt"]))
    assert cents(receipt["total"]) == total
    assert cents(receipt["net"]) + cents(receipt["vat"]) == total
    assert abs(cents(receipt["net"]) * 121 - total * 100) <= 121 // 2


def test_the_report_equals_sums_made_without_pandas(runs):
    revenue, by_day, by_product, by_category = 0, Counter(), Counter(), {}
    rows = list(csv.DictReader(seed.sales_csv().decode().splitlines()))
    for row in rows:
        amount = int(row["quantity"]) * cents(row["unit_price"])
        revenue += amount
        by_day[row["sold_on"]] += amount
        by_product[row["product"]] += amount
        by_category.setdefault(row["category"], Counter())[row["region"]] += amount
    report = body(runs["tuned", "report"])
    assert {name: cents(amount) for name, amount in report.pop("top_products").items()} == dict(
        by_product.most_common(seed.SETTINGS["top_products"])
    )
    assert {
        category: {region: cents(amount) for region, amount in regions.items()}
        for category, regions in report.pop("by_category").items()
    } == by_category
    assert cents(report.pop("revenue")) == revenue
    assert report == {
        "month": seed.MONTH,
        "currency": seed.SETTINGS["currency"],
        "sales": len(rows),
        "best_day": by_day.most_common(1)[0][0],
    }


def test_the_month_has_a_few_thousand_sales():
    assert 2000 <= len(seed.sales()) <= 9000


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", KINDS + MISSING)
def test_the_signature_is_that_of_the_body(runs, variant, name):
    answer = json.loads(runs[variant, name]["answers"][0])
    digest = hmac.new(seed.SIGNING_KEY.encode(), answer["body"].encode(), hashlib.sha256)
    assert answer["headers"]["x-signature"] == f"sha256={digest.hexdigest()}"


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", KINDS + MISSING)
def test_no_answer_holds_the_secret(runs, variant, name):
    assert seed.SIGNING_KEY not in "".join(runs[variant, name]["answers"])


@pytest.mark.parametrize(
    ("name", "is_loaded"), [("lookup", False), ("receipt", False), ("report", True)]
)
def test_the_tuned_variant_loads_pandas_only_for_the_report(runs, name, is_loaded):
    assert ("pandas" in runs["tuned", name]["modules"]) is is_loaded


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(("variant", "times"), [("plain", 2), ("tuned", 1)])
def test_the_tuned_variant_fetches_parameter_and_secret_once_for_two_events(
    runs, name, variant, times
):
    calls = Counter(runs[variant, name]["calls"])
    assert calls["ssm.GetParameter"] == times
    assert calls["secrets-manager.GetSecretValue"] == times


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_order_itself_is_read_anew_for_every_event(runs, variant):
    calls = Counter(runs[variant, "lookup"]["calls"])
    assert calls["dynamodb.GetItem"] == 2
