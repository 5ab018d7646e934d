"""query, eval, where, assign, pipes, sparse and nullable types, options."""

import pandas as pd

frame = pd.DataFrame({"a": [1, 2, 3, 4], "b": [4.0, 3.5, None, 1.0]}).convert_dtypes()
print(frame.query("a > 1 and b < 4"), frame.eval("c = a * 2"), sep="\n")
print(frame.where(frame.a > 2), frame.mask(frame.b.isna(), 0), sep="\n")
print(frame.assign(d=lambda f: f.a**2).pipe(lambda f: f.describe()))
print(frame.dtypes, frame.sum(), frame.corr(), sep="\n")
sparse = pd.Series(pd.arrays.SparseArray([0, 0, 1, 0]))
print(sparse.sparse.density, sparse.dtype)
with pd.option_context("display.max_rows", 2, "display.precision", 1):
    print(frame)
print(pd.IntervalIndex.from_breaks([0, 1, 2]).get_indexer([0.5, 1.5]))
print(pd.array([1, None], dtype="Int64") + 1, pd.api.types.is_numeric_dtype(frame.a))
