"""Reads and writes a frame in the formats that people send."""

import io
import tempfile
from pathlib import Path

import pandas as pd

frame = pd.DataFrame(
    {
        "when": pd.to_datetime(["2026-01-01", "2026-02-01"]),
        "what": pd.Categorical(["a", "b"]),
        "much": [1.5, None],
        "text": ["x,y", "ü"],
    }
)
with tempfile.TemporaryDirectory() as folder:
    there = Path(folder)
    frame.to_csv(there / "f.csv.gz", index=False)
    print(pd.read_csv(there / "f.csv.gz", parse_dates=["when"]).dtypes)
    frame.to_json(there / "f.json", orient="records", lines=True, date_format="iso")
    print(pd.read_json(there / "f.json", lines=True))
    frame.to_parquet(there / "f.parquet")
    print(pd.read_parquet(there / "f.parquet").dtypes)
    frame.to_feather(there / "f.feather")
    print(pd.read_feather(there / "f.feather", columns=["text"]))
    frame.to_pickle(there / "f.pickle")
    print(pd.read_pickle(there / "f.pickle").equals(frame))
    frame.to_excel(there / "f.xlsx", sheet_name="sales", index=False)
    print(pd.read_excel(there / "f.xlsx", sheet_name=None))
    frame.drop(columns="what").to_stata(there / "f.dta", write_index=False, version=118)
    print(pd.read_stata(there / "f.dta"))
print(pd.read_fwf(io.StringIO("id  name\n 1  Ada\n 2  Grace\n")))
