"""Turn an invoice in XML into a page, and check its sums on the way."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from lxml import etree, html

NAMESPACES = {"i": "urn:example:invoice"}

stylesheet = etree.XSLT(etree.parse(Path(__file__).with_name("invoice.xsl")))


def handler(event, context):
    invoice = etree.fromstring(event["invoice"].encode())
    lines = invoice.xpath("//i:line", namespaces=NAMESPACES)
    total = sum(Decimal(line.get("quantity")) * Decimal(line.get("price")) for line in lines)
    page = html.fromstring(str(stylesheet(invoice)))
    return {
        "number": invoice.get("number"),
        "lines": len(lines),
        "total": str(total),
        "agrees": total == Decimal(invoice.findtext("i:total", namespaces=NAMESPACES)),
        "title": page.findtext(".//h1"),
        "page": html.tostring(page, encoding="unicode"),
    }
