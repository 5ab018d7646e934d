"""Pivot, melt, stack, explode, crosstab, cut, dummies."""

import pandas as pd

sales = pd.DataFrame(
    {
        "region": list("NNSSWW"),
        "month": [1, 2, 1, 2, 1, 2],
        "units": [5, 3, 8, 1, 2, 9],
        "tags": [["a"], ["a", "b"], [], ["c"], ["b"], ["a"]],
    }
)
wide = sales.pivot_table(index="region", columns="month", values="units", margins=True)
print(wide)
print(wide.stack().rename("units").reset_index())
print(sales.melt(id_vars=["region"], value_vars=["month", "units"]).tail(4))
print(sales.explode("tags").tags.value_counts(dropna=False))
print(pd.crosstab(sales.region, sales.units > 4, normalize="index"))
print(pd.cut(sales.units, [0, 3, 6, 9], labels=["low", "mid", "high"]).cat.codes.tolist())
print(pd.qcut(sales.units, 3).astype(str).tolist())
print(pd.get_dummies(sales[["region"]], dtype=int))
print(pd.wide_to_long(pd.DataFrame({"a1": [1], "a2": [2], "id": [7]}), "a", "id", "n"))
