"""Group by in its many forms: transform, apply, named aggregations, several keys, windows."""

import numpy as np
import pandas as pd

generator = np.random.default_rng(1)
frame = pd.DataFrame(
    {
        "shop": generator.choice(["a", "b", "c"], 30),
        "day": pd.date_range("2026-01-01", periods=30),
        "sold": generator.integers(1, 20, 30),
    }
)
groups = frame.groupby("shop")
print(groups.agg(total=("sold", "sum"), last=("day", "max"), spread=("sold", np.ptp)))
print(groups.sold.transform("mean").round(3).head().tolist())
print(groups.sold.apply(lambda sold: sold.nlargest(2).tolist()))
print(frame.groupby(["shop", pd.Grouper(key="day", freq="W")]).sold.sum().unstack(fill_value=0))
print(groups.sold.rank(method="dense").head().tolist(), groups.ngroup().head().tolist())
print(groups.filter(lambda part: len(part) > 9).shop.unique().tolist())
print(groups.sold.describe().round(2))
print(groups.rolling(2, on="day").sold.mean().dropna().round(2).head(3))
