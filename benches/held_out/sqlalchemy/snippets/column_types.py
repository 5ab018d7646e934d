"""Types: dates, decimals, JSON, enums, pickles, intervals, decorated, cast, collations."""

import datetime
import decimal
import enum
import uuid
import warnings

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    Enum,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    PickleType,
    Table,
    TypeDecorator,
    Unicode,
    Uuid,
    cast,
    create_engine,
    select,
    type_coerce,
)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Upper(TypeDecorator):
    impl = Unicode
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return value.upper()


table = Table(
    "t",
    MetaData(),
    Column("day", Date),
    Column("much", Numeric(8, 3)),
    Column("data", JSON),
    Column("colour", Enum(Colour)),
    Column("pickled", PickleType),
    Column("lasts", Interval),
    Column("raw", LargeBinary),
    Column("name", Upper),
    Column("key", Uuid),
    Column("yes", Boolean),
)
engine = create_engine("sqlite://")
with warnings.catch_warnings(record=True) as caught, engine.begin() as connection:
    warnings.simplefilter("always")
    table.create(connection)
    row = {
        "day": datetime.date(2026, 2, 28),
        "much": decimal.Decimal("1.250"),
        "data": {"a": [1, None]},
        "colour": Colour.BLUE,
        "pickled": {1, 2},
        "lasts": datetime.timedelta(hours=5),
        "raw": b"\0\1",
        "name": "ada",
        "key": uuid.UUID(int=7),
        "yes": True,
    }
    connection.execute(table.insert(), row)
    print(connection.execute(select(table)).mappings().one())
    print(
        connection.execute(
            select(cast(table.c.much, Integer), type_coerce(table.c.yes, Integer))
        ).one()
    )
    print(connection.execute(select(table.c.data["a"][0].as_integer())).scalar())
print(sorted(str(warning.message).splitlines()[0] for warning in caught))
