from __future__ import annotations

from instructions import Count, parse

PROFILE = """\
version: 1
events: Ir

ob=(1) /usr/bin/python
fl=(1) a.c
fn=(1) outer
10 100
cob=(2) /site/coldcache/_core.cpython-311-x86_64-linux-gnu.so
cfn=(2) hit
calls=3 20
+5 700
-2 50

ob=(2)
fn=(2)
20 30
* 4
cob=(1)
cfn=(3) lookup
calls=1 0
* 9

totals: 184
"""


def test_instructions_are_told_apart_by_the_object_they_lie_in():
    assert parse(PROFILE) == Count(all=184, own=34)
