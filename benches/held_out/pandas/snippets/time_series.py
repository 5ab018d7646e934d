"""Resampling, rolling windows, time zones, periods, offsets."""

import numpy as np
import pandas as pd

index = pd.date_range("2026-03-27", periods=96, freq="h", tz="Europe/Berlin")
load = pd.Series(np.arange(96) % 24, index=index, name="load")
print(load.resample("D").agg(["min", "max", "mean"]))
print(load.rolling("6h").mean().iloc[[0, 5, 50, 95]])
print(load.tz_convert("UTC").between_time("10:00", "12:00").head())
print(load.ewm(halflife="2h", times=index).mean().round(4).tail(3))
months = pd.period_range("2026-01", periods=4, freq="M")
print(pd.Series([1.0, None, None, 4.0], index=months).interpolate().to_timestamp())
print(pd.Timestamp("2026-11-23") + pd.offsets.BMonthEnd(2), pd.Timedelta("1 days 2h").components)
print(pd.bdate_range("2026-12-23", periods=4, holidays=["2026-12-25"], freq="C"))
