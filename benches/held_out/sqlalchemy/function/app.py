"""How many orders are open, from a table described without the mapper."""

from __future__ import annotations

from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, func, insert, select

metadata = MetaData()
orders = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("product", String(80), nullable=False),
    Column("status", String(20), nullable=False),
)
engine = create_engine("sqlite://")


def handler(event, context):
    with engine.begin() as connection:
        metadata.drop_all(connection)
        metadata.create_all(connection)
        connection.execute(insert(orders), event["orders"])
        query = select(orders.c.status, func.count()).group_by(orders.c.status)
        return {status: count for status, count in connection.execute(query)}  # noqa: C416
