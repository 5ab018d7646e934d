"""What customers ask about an order: where it is, and the receipt."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import shop

CENT = Decimal("0.01")


def status(order_id: str) -> dict:
    """Say where an order is and until when it can be sent back."""
    order = shop.order(order_id)
    settings = shop.settings()
    answer = {
        "order_id": order_id,
        "status": order["status"],
        "total": str(total(order)),
        "currency": settings["currency"],
    }
    if order["status"] == "delivered":
        last_day = date.fromisoformat(order["delivered_on"]) + timedelta(settings["return_days"])
        answer["return_until"] = last_day.isoformat()
    return answer


def receipt(order_id: str) -> dict:
    """List what was bought, with the tax that the prices include."""
    order = shop.order(order_id)
    settings = shop.settings()
    gross = total(order)
    net = (gross * 100 / (100 + settings["vat_percent"])).quantize(CENT)
    return {
        "order_id": order_id,
        "customer": order["customer"],
        "ordered_on": order["ordered_on"],
        "lines": [
            {
                "product": line["product"],
                "quantity": int(line["quantity"]),
                "price": str((line["quantity"] * line["unit_price"]).quantize(CENT)),
            }
            for line in order["lines"]
        ],
        "net": str(net),
        "vat": str(gross - net),
        "vat_percent": settings["vat_percent"],
        "total": str(gross),
        "currency": settings["currency"],
    }


def total(order: dict) -> Decimal:
    """Add up the lines of an order."""
    return sum(line["quantity"] * line["unit_price"] for line in order["lines"]).quantize(CENT)
