"""The shop: products and orders."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, Field

app = FastAPI(title="Shop")


class Product(BaseModel):
    """Something to buy."""

    name: str
    price: int = Field(ge=0, description="in cents")
    stock: int = Field(ge=0)


class Line(BaseModel):
    """A product and how many of it."""

    product: str
    quantity: int = Field(gt=0, le=100)


class Order(BaseModel):
    """What a customer wants."""

    lines: list[Line] = Field(min_length=1)


class Accepted(BaseModel):
    """An order that will be sent."""

    total: int
    lines: int


PRODUCTS = {
    "lamp": Product(name="Lamp", price=1950, stock=12),
    "desk": Product(name="Desk", price=14000, stock=3),
    "chair": Product(name="Chair", price=4500, stock=0),
}


def catalogue():
    return PRODUCTS


Catalogue = Annotated[dict, Depends(catalogue)]


@app.get("/products/{product_id}")
async def product(product_id: str, products: Catalogue) -> Product:
    if product_id not in products:
        raise HTTPException(404, f"no product {product_id}")
    return products[product_id]


@app.post("/orders", status_code=201)
async def order(order: Order, products: Catalogue) -> Accepted:
    total = 0
    for line in order.lines:
        if line.product not in products:
            raise HTTPException(400, f"no product {line.product}")
        if products[line.product].stock < line.quantity:
            raise HTTPException(409, f"not enough of {line.product} left")
        total += products[line.product].price * line.quantity
    return Accepted(total=total, lines=len(order.lines))
