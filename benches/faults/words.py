"""The sentences of the page; the figures come from the run."""
# ruff: noqa: E501 - one sentence a line, as in all documents

from __future__ import annotations

INTRODUCTION = """\
# Reliability: the same faults for everybody

<!-- Written by benches/reliability.py; do not edit by hand. -->

Real servers on loopback are restarted, cut off, frozen and rotated while {callers} callers make {calls} calls for each fault.
The same is done to coldcache and to the usual ways of keeping a connection for the life of a container.

- Date: {date}
- Machine: {machine}, {processors} processors, {memory:.0f} GiB, {system}; load when it began: {load:.1f}
- Servers: {servers}
- Python: {python}; {packages}
- Command: `python benches/reliability.py`

## How to read it

A call is a sum that the server does, with other numbers each time: an answer to somebody else's question is a **wrong answer**.
A call that takes longer than {hang:.0f} s is a **hang**; its caller is written off and the others go on.
Every trial is a process of its own, with servers of its own; {workers} run at a time.
Limits are the same for all: {timeout} s for connecting (and for an answer, where the client can limit that), {wait} s for a free connection; pools have {size}.
*Recovery* is the number of calls that each caller needed after the fault's end until one was answered, at worst; *never* means that the last call still failed.
Where a caller was written off, its recovery is *never* as well.

Cells give the calls that failed, then the recovery if it took more than the first call.
**Bold** means: no wrong answer, no hang, every error documented and within {late:.0f} s, every caller answered at its first call after the fault.
An empty cell: the fault cannot happen there.
Peers are set up as their own documentation says: SQLAlchemy gets a pool of its own in a forked child, passwords are read when the function starts.
"""

HEALTHY = """\
## What it costs while nothing is wrong

One `with` block that does nothing, on a healthy connection, in one interleaved run: wall time, median and quartiles.
Statements are counted in the server's own log, over {uses} uses.
"""

ROTATION = """\
## Rotation

The secret is changed in the secrets manager, the password in PostgreSQL, and the sessions under the old one are ended.
Then {callers} callers make the next calls, spread over all resources that depend on the secret.
Fetches are counted by the secrets manager, rebuilds are new connections.
"""
