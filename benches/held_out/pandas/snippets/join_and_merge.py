"""Customers, orders and payments brought together in every way there is."""

import pandas as pd

customers = pd.DataFrame({"id": [1, 2, 3], "name": ["Ada", "Grace", "Edsger"]})
orders = pd.DataFrame({"customer": [1, 1, 2, 9], "total": [10.5, 3.0, 7.25, 1.0]})
for how in ("inner", "left", "right", "outer"):
    print(customers.merge(orders, left_on="id", right_on="customer", how=how, indicator=True))
print(customers.set_index("id").join(orders.groupby("customer").total.agg(["sum", "count"])))
left = pd.DataFrame({"at": pd.to_datetime(["2026-01-01", "2026-01-03"]), "a": [1, 2]})
right = pd.DataFrame({"at": pd.to_datetime(["2026-01-02", "2026-01-03"]), "b": [3, 4]})
print(pd.merge_asof(right, left, on="at"))
print(pd.concat([left, right], keys=["left", "right"]).reset_index(names=["side", "row"]))
