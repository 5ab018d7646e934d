"""What pandas says when an optional package is not there."""

import pandas as pd

frame = pd.DataFrame({"a": [1, 2]})
attempts = {
    "plot": lambda: frame.plot(),
    "hdf": lambda: frame.to_hdf("nowhere.h5", key="a"),
    "s3": lambda: pd.read_csv("s3://nowhere/file.csv"),
    "style": lambda: frame.style.to_html(),
    "numba": lambda: frame.rolling(2).mean(engine="numba"),
    "spss": lambda: pd.read_spss("nowhere.sav"),
}
for name, attempt in attempts.items():
    try:
        print(name, attempt())
    except Exception as error:  # noqa: BLE001
        print(name, type(error).__name__, str(error).splitlines()[0])
