"""Pools, their events, savepoints, isolation, errors, URLs."""

import sqlalchemy
from sqlalchemy import create_engine, event, exc, make_url, text
from sqlalchemy.pool import NullPool, QueuePool, SingletonThreadPool, StaticPool

for pool in (NullPool, QueuePool, SingletonThreadPool, StaticPool):
    engine = create_engine("sqlite://", poolclass=pool)
    seen = []
    for name in ("connect", "checkout", "checkin", "close"):
        event.listen(engine, name, lambda *_, name=name: seen.append(name))
    with engine.connect() as connection:
        print(pool.__name__, connection.execute(text("select 1")).scalar(), end=" ")
    engine.dispose()
    print(seen)
engine = create_engine("sqlite://", echo=False, isolation_level="SERIALIZABLE")
with engine.begin() as connection:
    connection.execute(text("create table t (a integer unique)"))
    with connection.begin_nested() as savepoint:
        connection.execute(text("insert into t values (1)"))
        savepoint.rollback()
    print(connection.execute(text("select count(*) from t")).scalar())
    connection.execute(text("insert into t values (1)"))
    for statement in ("insert into t values (1)", "select * from nothing"):
        try:
            connection.execute(text(statement))
        except exc.SQLAlchemyError as error:
            print(type(error).__name__, error.orig)
url = make_url("postgresql+psycopg://u:secret@db.example.com:5432/shop?sslmode=require")
print(url, url.host, dict(url.query))
for broken in ("nothing://x", "no url"):
    try:
        create_engine(broken)
    except exc.ArgumentError as error:
        print(type(error).__name__, error)
print(sqlalchemy.inspect(engine).dialect.name)
