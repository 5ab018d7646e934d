"""The same statements for the databases people run."""

from sqlalchemy import JSON, Column, DateTime, Enum, Integer, MetaData, Numeric, Table, func, select
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable, Index

table = Table(
    "t",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("kind", Enum("a", "b", name="kind")),
    Column("amount", Numeric(10, 2)),
    Column("at", DateTime(timezone=True), server_default=func.now()),
    Column("data", JSON),
)
index = Index("i", table.c.kind, table.c.amount.desc())
query = (
    select(table.c.id)
    .where(table.c.data["a"].as_string() == "x")
    .order_by(table.c.id)
    .limit(3)
    .offset(1)
)
for dialect in (postgresql, mysql, sqlite, oracle, mssql):
    made = dialect.dialect()
    print(
        made.name,
        CreateTable(table).compile(dialect=made),
        CreateIndex(index).compile(dialect=made),
    )
    print(query.compile(dialect=made, compile_kwargs={"literal_binds": True}))
upsert = postgresql.insert(table).values(id=1).on_conflict_do_nothing()
print(upsert.returning(table.c.id).compile(dialect=postgresql.dialect()))
print(
    postgresql.ARRAY(Integer),
    postgresql.JSONB(),
    postgresql.TSVECTOR().compile(postgresql.dialect()),
)
