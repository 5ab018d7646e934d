"""Render a table as a page."""

from __future__ import annotations

from chameleon import PageTemplate

TABLE = PageTemplate(
    """\
<table xmlns="http://www.w3.org/1999/xhtml"
       xmlns:tal="http://xml.zope.org/namespaces/tal">
  <tr tal:repeat="row python: rows">
    <td tal:repeat="cell python: row">
      <span tal:define="column python: repeat.cell.index"
            tal:attributes="class column % 2 and 'odd'"
            tal:content="python: cell + 1"/>
    </td>
  </tr>
</table>"""
)


def handler(event, context):
    rows = [[row * column for column in range(event["columns"])] for row in range(event["rows"])]
    page = TABLE.render(rows=rows)
    return {"length": len(page), "start": page[:200]}
