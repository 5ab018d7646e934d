"""Breadth-first search in a random graph."""

from __future__ import annotations

import random
from itertools import pairwise

import igraph


def handler(event, context):
    random.seed(event["seed"])
    graph = igraph.Graph.Barabasi(event["size"], 10)
    order, layers, parents = graph.bfs(event.get("start", 0))
    return {
        "visited": len(order),
        "depth": len(layers) - 1,
        "widest": max(end - start for start, end in pairwise(layers)),
        "last": order[-1],
        "parent_of_last": parents[order[-1]],
    }
