"""The most important nodes of a random graph."""

from __future__ import annotations

import random

import igraph


def handler(event, context):
    random.seed(event["seed"])
    graph = igraph.Graph.Barabasi(event["size"], 10)
    ranks = graph.pagerank()
    best = sorted(range(len(ranks)), key=ranks.__getitem__, reverse=True)[: event["top"]]
    return {"top": [{"node": node, "rank": round(ranks[node], 9)} for node in best]}
