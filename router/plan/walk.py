"""Walks over plan trees: children, fetches, and how many round trips a plan takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

from router.plan.nodes import (
    BatchFetch,
    Condition,
    Defer,
    Fetch,
    Flatten,
    FlattenPath,
    Parallel,
    PlanNode,
    QueryPlan,
    Sequence,
    Subscription,
)


def children(node: PlanNode) -> tuple[PlanNode, ...]:
    """Direct children, in the order in which they run or stand."""
    match node:
        case Fetch() | BatchFetch():
            return ()
        case Flatten():
            return (node.node,)
        case Sequence() | Parallel():
            return node.nodes
        case Condition():
            return tuple(n for n in (node.if_clause, node.else_clause) if n is not None)
        case Subscription():
            return (node.primary,) if node.rest is None else (node.primary, node.rest)
        case Defer():
            return tuple(n for n in (node.primary, *(part.node for part in node.deferred)) if n is not None)
        case _:
            assert_never(node)


def walk_fetches(plan: QueryPlan) -> Iterator[tuple[FlattenPath, Fetch | BatchFetch]]:
    """Every fetch with the path of the Flatten it stands in; a BatchFetch has its paths in its entries."""
    if plan.node is not None:
        yield from _walk(plan.node, ())


def _walk(node: PlanNode, path: FlattenPath) -> Iterator[tuple[FlattenPath, Fetch | BatchFetch]]:
    if isinstance(node, Fetch | BatchFetch):
        yield path, node
    below = (*path, *node.path) if isinstance(node, Flatten) else path
    for child in children(node):
        yield from _walk(child, below)


def fetch_count(plan: QueryPlan) -> int:
    """Requests made when every condition holds."""
    return sum(1 for _ in walk_fetches(plan))


def round_trips(plan: QueryPlan) -> int:
    """How many requests follow one another at most."""
    return 0 if plan.node is None else _round_trips(plan.node)


def _round_trips(node: PlanNode) -> int:
    below = [_round_trips(child) for child in children(node)]
    match node:
        case Fetch() | BatchFetch():
            return 1
        case Sequence() | Subscription():
            return sum(below)
        case _:
            return max(below, default=0)
