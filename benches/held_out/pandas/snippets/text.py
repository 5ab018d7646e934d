"""Strings, regular expressions, missing values, string dtypes."""

import pandas as pd

names = pd.Series(["Ada Lovelace", "grace hopper", None, "Edsger W. Dijkstra"])
print(names.dtype, names.str.title().str.split(" ", n=1, expand=True))
print(names.str.extract(r"(?P<first>\w+) (?P<rest>.+)"))
print(names.str.contains("a", case=False, na=False).tolist(), names.str.len().tolist())
print(names.fillna("?").str.cat(sep="|"), names.str.replace(r"\W", "_", regex=True).tolist())
print(names.astype("string").str.normalize("NFC").str.casefold().isna().sum())
print(pd.to_numeric(pd.Series(["1", "x", "3.5"]), errors="coerce").tolist())
print(names.convert_dtypes().dtype, names.str.get_dummies(sep=" ").shape)
