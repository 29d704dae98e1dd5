"""The cost model: what a part of a plan costs, as one integer.

A cost is a set of fetches, written as a bit mask: bit `level * subgraph_count + subgraph_index` stands for "one
request to that subgraph, `level` round trips below here". Two lookups of one subgraph on one level are one request
(they are batched), so the cost of two parts taken together is the union of their masks, and sharing is seen by the
search without any bookkeeping. A part that hangs below another is shifted down by the levels of the latter.

The weight orders costs: requests first, then round trips (Apollo's planner weighs 1000 to 100 likewise).
"""

from __future__ import annotations

_REQUEST = 1000
_ROUND_TRIP = 100


def weight(cost: int, subgraph_count: int) -> int:
    return cost.bit_count() * _REQUEST + levels(cost, subgraph_count) * _ROUND_TRIP


def levels(cost: int, subgraph_count: int) -> int:
    """How many round trips follow one another."""
    return (cost.bit_length() + subgraph_count - 1) // subgraph_count


def below(cost: int, level: int, subgraph_count: int) -> int:
    """The same fetches, `level` round trips later."""
    return cost << (level * subgraph_count)


def request(subgraph_index: int, level: int, subgraph_count: int) -> int:
    return 1 << (level * subgraph_count + subgraph_index)
