"""Orders of customers: create, read, update, delete."""

from __future__ import annotations

import os

from sqlalchemy import create_engine, func, select
from sqlalchemy.orm import Session, selectinload

from models import Base, Customer, Order

engine = create_engine(os.environ.get("DATABASE_URL", "sqlite://"))
Base.metadata.create_all(engine)


def handler(event, context):
    with Session(engine) as session:
        answers = [ACTIONS[step["action"]](session, step) for step in event["steps"]]
        session.commit()
        open_orders = session.scalar(
            select(func.count()).select_from(Order).where(Order.status == "open")
        )
    return {"answers": answers, "open_orders": open_orders}


def create(session, step):
    customer = session.scalar(select(Customer).where(Customer.name == step["customer"]))
    if customer is None:
        customer = Customer(name=step["customer"], email=step.get("email"))
        session.add(customer)
    order = Order(product=step["product"], quantity=step["quantity"])
    customer.orders.append(order)
    session.flush()
    return as_dict(order)


def read(session, step):
    query = (
        select(Customer)
        .options(selectinload(Customer.orders))
        .where(Customer.name.like(step["customer"]))
        .order_by(Customer.name)
    )
    return {
        customer.name: [as_dict(order) for order in customer.orders]
        for customer in session.scalars(query)
    }


def update(session, step):
    query = select(Order).join(Order.customer).where(Customer.name == step["customer"])
    orders = session.scalars(query.order_by(Order.id)).all()
    for order in orders:
        order.status = step["status"]
    session.flush()
    return [as_dict(order) for order in orders]


def delete(session, step):
    customer = session.scalars(select(Customer).where(Customer.name == step["customer"])).one()
    count = len(customer.orders)
    session.delete(customer)
    return {"deleted": count}


def as_dict(order):
    return {"product": order.product, "quantity": order.quantity, "status": order.status}


ACTIONS = {"create": create, "read": read, "update": update, "delete": delete}
