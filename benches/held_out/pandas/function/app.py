"""Sum up sales by product."""

from __future__ import annotations

import io

import pandas as pd


def handler(event, context):
    sales = pd.read_csv(io.StringIO(event["csv"]))
    sales["revenue"] = sales["quantity"] * sales["price"]
    by_product = sales.groupby("product")["revenue"].sum().round(2)
    return {"rows": len(sales), "revenue": by_product.to_dict()}
