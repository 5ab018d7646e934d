"""Joined and single table inheritance, hybrids, association proxies, composites, polymorphic loads."""

from __future__ import annotations

import dataclasses

from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.ext.associationproxy import AssociationProxy, association_proxy
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    MappedAsDataclass,
    Session,
    column_property,
    composite,
    mapped_column,
    relationship,
    with_polymorphic,
)


class Base(DeclarativeBase):
    pass


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Shape(Base):
    __tablename__ = "shape"
    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    place: Mapped[Point] = composite(mapped_column("x"), mapped_column("y"))
    labels: Mapped[list[Label]] = relationship()
    words: AssociationProxy[list[str]] = association_proxy(
        "labels", "word", creator=lambda word: Label(word=word)
    )
    __mapper_args__ = {"polymorphic_on": "kind", "polymorphic_identity": "shape"}


class Label(Base):
    __tablename__ = "label"
    id: Mapped[int] = mapped_column(primary_key=True)
    shape_id: Mapped[int] = mapped_column(ForeignKey("shape.id"))
    word: Mapped[str]


class Circle(Shape):
    __tablename__ = "circle"
    id: Mapped[int] = mapped_column(ForeignKey("shape.id"), primary_key=True)
    radius: Mapped[float]
    __mapper_args__ = {"polymorphic_identity": "circle"}

    @hybrid_property
    def diameter(self):
        return self.radius * 2


Circle.area = column_property(Circle.__table__.c.radius * Circle.__table__.c.radius * 3)


class Plain(MappedAsDataclass, Base):
    __tablename__ = "plain"
    id: Mapped[int] = mapped_column(init=False, primary_key=True)
    name: Mapped[str] = mapped_column(default="?")


engine = create_engine("sqlite://")
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add_all([Shape(place=Point(0, 1)), Circle(place=Point(2, 3), radius=1.5), Plain("a")])
    session.scalars(select(Circle)).one().words.append("round")
    session.commit()
    every = with_polymorphic(Shape, "*")
    for shape in session.scalars(select(every).order_by(every.id)):
        print(type(shape).__name__, shape.place, list(shape.words))
    circle = session.scalars(select(Circle).where(Circle.diameter > 2)).one()
    print(circle.diameter, circle.area, session.scalars(select(Plain)).one())
