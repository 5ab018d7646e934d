"""The asynchronous engine and session on SQLite."""

from __future__ import annotations

import asyncio

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncAttrs, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(AsyncAttrs, DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "note"
    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str]


async def main():
    try:
        engine = create_async_engine("sqlite+aiosqlite://")
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
            print((await connection.execute(text("select 1 + 1"))).scalar_one())
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        async with sessions() as session:
            session.add_all([Note(text="one"), Note(text="two")])
            await session.commit()
            notes = await session.stream_scalars(select(Note).order_by(Note.id.desc()))
            print([note.text async for note in notes])
        await engine.dispose()
    except (ImportError, ValueError) as error:
        print(type(error).__name__, error)


asyncio.run(main())
