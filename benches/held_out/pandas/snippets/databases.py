"""Frames to and from SQLite, in pieces."""

import sqlite3
import warnings

import pandas as pd

connection = sqlite3.connect(":memory:")
frame = pd.DataFrame({"id": range(5), "name": list("abcde")})
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    frame.to_sql("things", connection, index=False)
    print(pd.read_sql("select count(*) as n from things where id > 1", connection))
    pieces = pd.read_sql_query("select * from things", connection, chunksize=2, index_col="id")
    for piece in pieces:
        print(piece.T)
print([str(warning.message) for warning in caught])
print(pd.io.sql.get_schema(frame, "things"))
connection.close()
