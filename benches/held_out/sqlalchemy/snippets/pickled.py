"""Objects and statements that leave the process: pickles, serialized statements, mutable values."""

from __future__ import annotations

import pickle

from sqlalchemy import JSON, create_engine, select
from sqlalchemy.ext import serializer
from sqlalchemy.ext.mutable import MutableDict, MutableList
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, object_session
from sqlalchemy.orm.attributes import flag_modified, get_history


class Base(DeclarativeBase):
    pass


class Item(Base):
    __tablename__ = "item"
    id: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[dict] = mapped_column(MutableDict.as_mutable(JSON))
    tags: Mapped[list] = mapped_column(MutableList.as_mutable(JSON))


engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    item = Item(data={"a": 1}, tags=["x"])
    session.add(item)
    session.commit()
    item.data["b"] = 2
    item.tags.append("y")
    print(get_history(item, "data").added, session.is_modified(item))
    session.commit()
    print(item.data, item.tags)
    flag_modified(item, "tags")
    pickled = pickle.dumps(item)
back = pickle.loads(pickled)
print(back.data, object_session(back))
with Session(engine) as session:
    print(session.merge(back).tags)
    statement = serializer.dumps(select(Item.id).where(Item.id < 9))
    print(session.execute(serializer.loads(statement, Base.metadata, session)).all())
