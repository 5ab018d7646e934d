"""The older ways: Query, imperative mapping, scoped sessions, versioned rows, bulk, baked results."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table, create_engine, func
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import aliased, backref, registry, relationship, scoped_session, sessionmaker

mapping = registry()
node = Table(
    "node",
    mapping.metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String),
    Column("parent_id", ForeignKey("node.id")),
    Column("version", Integer, nullable=False),
)


class Node:
    def __init__(self, name, **more):
        self.name = name
        for key, value in more.items():
            setattr(self, key, value)


children = relationship(
    Node, backref=backref("parent", remote_side=node.c.id), order_by=node.c.name
)
mapping.map_imperatively(
    Node, node, version_id_col=node.c.version, properties={"children": children}
)
engine = create_engine("sqlite://")
mapping.metadata.create_all(engine)
session = scoped_session(sessionmaker(engine))
session.add(Node("root", children=[Node("b"), Node("a", children=[Node("leaf")])]))
session.commit()
parent = aliased(Node)
query = session.query(Node.name, parent.name).outerjoin(parent, Node.parent).order_by(Node.name)
print(query.all(), session.query(func.count(Node.id)).scalar())
root = session.query(Node).filter_by(name="root").one()
print([child.name for child in root.children], root.version)
root.name = "top"
session.commit()
print(root.version, session.query(Node).filter(Node.name.startswith("t")).count())
try:
    session.query(Node).filter_by(name="nobody").one()
except NoResultFound as error:
    print("NoResultFound", error)
session.remove()
