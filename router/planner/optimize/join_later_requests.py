"""A fetch that nobody waits for soon travels with a later request to the same subgraph.

Example: `product { stock canAfford }`, both from `shop`, but `canAfford` requires `price` from elsewhere. Two requests
to `shop` would be made, one at once and one after `price` is there; the second can look up `stock` as well. The two
lookups stay apart inside the request (they are batched, not merged), so that `stock` arrives even if `price` does not.
The number of round trips does not grow: a step moves only to where everything that depends on it is still later.
"""

from __future__ import annotations

from router.planner.fetch_graph import FetchGraph, Step


def join_later_requests(graph: FetchGraph) -> bool:
    if len({step.depth for step in graph.steps}) < 3:
        return False
    is_changed = False
    requests: dict[tuple[int, str], list[Step]] = {}
    dependents: dict[int, list[Step]] = {step.id: [] for step in graph.steps}
    for step in graph.steps:
        if not step.is_root and not step.context_types:
            requests.setdefault((step.depth, step.subgraph), []).append(step)
        for parent in step.parents:
            dependents[parent].append(step)
    for depth, subgraph in sorted(requests, key=lambda key: (-key[0], key[1])):
        steps = requests[depth, subgraph]
        latest = min((d.depth for step in steps for d in dependents[step.id]), default=len(graph.steps))
        later = min((d for d, name in requests if name == subgraph and depth < d < latest), default=None)
        if later is None:
            continue
        for step in steps:
            step.parents |= {p for other in requests[later, subgraph] for p in other.parents}
            step.depth = later
            for parent in step.parents:
                dependents[parent].append(step)
        requests[later, subgraph].extend(steps)
        del requests[depth, subgraph]
        is_changed = True
    return is_changed
