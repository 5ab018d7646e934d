"""Tables read back from a database: inspection, reflection, automap."""

from sqlalchemy import MetaData, Table, create_engine, inspect, text
from sqlalchemy.ext.automap import automap_base
from sqlalchemy.orm import Session

engine = create_engine("sqlite://")
with engine.begin() as connection:
    connection.execute(
        text("create table city (id integer primary key, name varchar(40) not null)")
    )
    connection.execute(
        text(
            "create table street (id integer primary key, city_id integer references city, x real)"
        )
    )
    connection.execute(text("create unique index city_name on city (name)"))
    connection.execute(text("insert into city values (1, 'Ulm')"))
    connection.execute(text("insert into street values (5, 1, 2.5)"))
inspector = inspect(engine)
print(
    inspector.get_table_names(), inspector.get_indexes("city"), inspector.get_foreign_keys("street")
)
print([(column["name"], str(column["type"])) for column in inspector.get_columns("street")])
metadata = MetaData()
street = Table("street", metadata, autoload_with=engine)
print(repr(street.c.x), sorted(metadata.tables))
base = automap_base()
base.prepare(autoload_with=engine)
with Session(engine) as session:
    found = session.query(base.classes.street).one()
    print(found.id, found.city.name, [street.x for street in found.city.street_collection])
