"""Declarative classes, relationships, cascades, loading strategies, events of the session."""

from __future__ import annotations

from sqlalchemy import ForeignKey, create_engine, event, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    joinedload,
    mapped_column,
    relationship,
    selectinload,
    validates,
)


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    books: Mapped[list[Book]] = relationship(back_populates="author", cascade="all, delete-orphan")

    @validates("name")
    def check(self, key, name):
        if not name:
            raise ValueError(key)
        return name


class Book(Base):
    __tablename__ = "book"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")


seen = []
event.listen(Session, "before_flush", lambda session, *_: seen.append(len(session.new)))
event.listen(Author, "after_insert", lambda mapper, connection, target: seen.append(target.name))
engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add(Author(name="Ada", books=[Book(title="Notes"), Book(title="Letters")]))
    session.commit()
    for strategy in (joinedload, selectinload):
        author = session.scalars(select(Author).options(strategy(Author.books))).unique().one()
        print(author.name, [book.title for book in author.books])
    session.delete(author.books[0])
    session.commit()
    print(session.scalars(select(Book.title)).all(), seen)
    try:
        Author(name="")
    except ValueError as error:
        print("ValueError", error)
