"""Minimum spanning tree of a random weighted graph."""

from __future__ import annotations

import random

import igraph


def handler(event, context):
    generator = random.Random(event["seed"])
    random.seed(event["seed"])
    graph = igraph.Graph.Barabasi(event["size"], 10)
    graph.es["weight"] = [generator.randint(1, 1000) for _ in graph.es]
    tree = graph.spanning_tree(weights="weight")
    heaviest = max(tree.es, key=lambda edge: (edge["weight"], edge.tuple))
    return {
        "nodes": tree.vcount(),
        "edges": tree.ecount(),
        "weight": sum(tree.es["weight"]),
        "heaviest": {"between": heaviest.tuple, "weight": heaviest["weight"]},
    }
