"""The sales of a month, summed up from the export that the tills leave in S3."""

from __future__ import annotations

import pandas as pd

import shop


def monthly(month: str) -> dict:
    """Sum up the sales of a month, given as ``2026-09``."""
    sales = pd.read_csv(shop.export(month))
    sales["revenue"] = sales["quantity"] * sales["unit_price"]
    by_day = sales.groupby("sold_on")["revenue"].sum()
    by_product = sales.groupby("product")["revenue"].sum()
    by_category = sales.pivot_table(
        index="category", columns="region", values="revenue", aggfunc="sum", fill_value=0
    )
    settings = shop.settings()
    return {
        "month": month,
        "currency": settings["currency"],
        "sales": len(sales),
        "revenue": rounded(sales["revenue"].sum()),
        "best_day": by_day.idxmax(),
        "top_products": amounts(by_product.nlargest(settings["top_products"])),
        "by_category": {category: amounts(row) for category, row in by_category.iterrows()},
    }


def amounts(series: pd.Series) -> dict:
    """Turn a series into a dictionary of amounts, in the order of the series."""
    return {name: rounded(amount) for name, amount in series.items()}


def rounded(amount: float) -> float:
    """Round an amount to cents, as a plain float, for JSON."""
    return round(float(amount), 2)
