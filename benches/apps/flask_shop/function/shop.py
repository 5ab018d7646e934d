"""The shop: products, orders, a page."""

from __future__ import annotations

from flask import Flask, abort, jsonify, render_template, request, url_for

app = Flask(__name__)

PRODUCTS = {
    "lamp": {"name": "Lamp", "price": 1950, "stock": 12},
    "desk": {"name": "Desk", "price": 14000, "stock": 3},
    "chair": {"name": "Chair <folding>", "price": 4500, "stock": 0},
}


@app.get("/products/<product_id>")
def product(product_id):
    if product_id not in PRODUCTS:
        abort(404, description=f"no product {product_id}")
    return jsonify(**PRODUCTS[product_id], url=url_for("product", product_id=product_id))


@app.post("/orders")
def order():
    wanted = request.get_json()
    total = 0
    for line in wanted["lines"]:
        found = PRODUCTS.get(line["product"]) or abort(400, description="unknown product")
        if found["stock"] < line["quantity"]:
            abort(409, description=f"only {found['stock']} of {line['product']} left")
        total += found["price"] * line["quantity"]
    return jsonify(total=total, lines=len(wanted["lines"])), 201


@app.get("/")
def page():
    available = request.args.get("available", type=int)
    products = [item for item in PRODUCTS.values() if not available or item["stock"]]
    return render_template("page.html", products=products)


@app.errorhandler(400)
@app.errorhandler(404)
@app.errorhandler(409)
def failed(error):
    return jsonify(error=error.name, message=error.description), error.code
