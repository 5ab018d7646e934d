"""What a notebook or an editor looks at: names, documentation, info, versions of dtypes."""

import inspect
import io

import pandas as pd

print(len([name for name in dir(pd) if not name.startswith("_")]))
print(sorted(vars(pd.api)), sorted(pd.api.__all__))
print(inspect.signature(pd.DataFrame.merge), inspect.getmodule(pd.Series).__name__)
buffer = io.StringIO()
pd.DataFrame({"a": [1], "b": ["x"]}).info(buf=buffer)
print(buffer.getvalue())
print(pd.describe_option("display.width", _print_desc=False).splitlines()[0])
print(isinstance(pd.NA, type(pd.NA)), pd.NaT is pd.NaT, pd.Timestamp.max)


@pd.api.extensions.register_series_accessor("half")
class Half:
    """Half of a series."""

    def __init__(self, series):
        self.series = series

    def all(self):
        return self.series / 2


print(pd.Series([2, 4]).half.all().tolist())
from pandas import *  # noqa: E402, F403

print("DataFrame" in globals(), "read_csv" in globals(), Series([1]).sum())  # noqa: F405
