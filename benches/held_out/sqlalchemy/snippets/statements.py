"""Joins, windows, common table expressions, unions, subqueries, cases, text."""

from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    bindparam,
    case,
    create_engine,
    exists,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    text,
    tuple_,
    union_all,
    update,
)

metadata = MetaData()
staff = Table(
    "staff",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("boss", Integer),
    Column("pay", Integer),
)
engine = create_engine("sqlite://")
with engine.begin() as connection:
    metadata.create_all(connection)
    rows = [(1, "Ada", None, 9), (2, "Grace", 1, 7), (3, "Edsger", 1, 7), (4, "Tony", 2, 5)]
    names = ["id", "name", "boss", "pay"]
    connection.execute(staff.insert(), [dict(zip(names, row, strict=True)) for row in rows])
    chain = select(staff.c.id, staff.c.name, literal(0).label("depth")).where(
        staff.c.boss.is_(None)
    )
    chain = chain.cte("chain", recursive=True)
    below = select(staff.c.id, staff.c.name, chain.c.depth + 1).join(
        chain, staff.c.boss == chain.c.id
    )
    chain = chain.union_all(below)
    print(
        connection.execute(
            select(chain.c.name, chain.c.depth).order_by(chain.c.depth, chain.c.name)
        ).all()
    )
    rank = func.rank().over(order_by=staff.c.pay.desc(), partition_by=staff.c.boss)
    print(connection.execute(select(staff.c.name, rank).order_by(staff.c.id)).all())
    band = case(
        (staff.c.pay > 8, "high"),
        (and_(staff.c.pay > 5, not_(staff.c.pay > 8)), "mid"),
        else_="low",
    )
    print(connection.execute(select(band, func.count()).group_by(band).order_by(band)).all())
    boss = staff.alias("boss")
    has_staff = exists().where(staff.c.boss == boss.c.id)
    print(
        connection.execute(select(boss.c.name).where(has_staff).order_by(boss.c.name))
        .scalars()
        .all()
    )
    both = union_all(
        select(staff.c.name).where(staff.c.pay < 6), select(literal_column("'nobody'"))
    )
    print(connection.execute(both).scalars().all())
    print(
        connection.execute(
            select(staff.c.id).where(tuple_(staff.c.boss, staff.c.pay).in_([(1, 7)]))
        ).all()
    )
    raised = update(staff).where(or_(staff.c.id == bindparam("who"))).values(pay=staff.c.pay + 1)
    connection.execute(raised, [{"who": 3}, {"who": 4}])
    print(
        connection.execute(
            text("select sum(pay) from staff where id > :least"), {"least": 1}
        ).scalar()
    )
