"""Several levels, slices, alignment, sorting, duplicates, comparisons, copies."""

import copy
import pickle

import pandas as pd

index = pd.MultiIndex.from_product([["x", "y"], [1, 2, 3]], names=["k", "n"])
frame = pd.DataFrame({"v": range(6)}, index=index)
print(frame.loc[("x", slice(2, None)), :], frame.xs(2, level="n"), sep="\n")
print(frame.swaplevel().sort_index().index.tolist(), frame.groupby(level="k").v.cumsum().tolist())
other = frame.iloc[::2] * 10
print(frame.add(other, fill_value=0), frame.compare(frame + (frame > 3)), sep="\n")
print(frame.reset_index().drop_duplicates("k", keep="last"), frame.nlargest(2, "v"), sep="\n")
print(pickle.loads(pickle.dumps(frame)).equals(copy.deepcopy(frame)))
print(frame.T.memory_usage(deep=False).sum() > 0, frame.to_records().dtype.names)
pd.testing.assert_frame_equal(frame, frame.copy())
try:
    frame.loc[("z", 1)]
except KeyError as error:
    print("KeyError", error)
