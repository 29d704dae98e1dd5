"""Two entity fetches of one subgraph for the same objects, in the same round trip, become one.

Example: `product` needs `price` from `inventory` for itself and `weight` for a requirement of `shipping`. The two
moves have different suppliers and so are different steps; if they can be made at the same time, one fetch does both.
"""

from __future__ import annotations

from router.planner.fetch_graph import FetchGraph, Step


def merge_siblings(graph: FetchGraph) -> bool:
    is_changed = False
    depths = graph.depths()
    groups: dict[tuple[object, ...], list[Step]] = {}
    for step in list(graph.steps.values()):
        if step.is_root:
            continue
        key = (depths[step.id], step.subgraph, step.place.path, step.input_guards, step.is_anonymous)
        heirs = groups.setdefault(key, [])
        heir = next((h for h in heirs if _can_merge(h, step)), None)
        if heir is None:
            heirs.append(step)
            continue
        heir.tree.absorb(step.tree)
        for source, tree in step.inputs.items():
            heir.add_input(source, step.typenames.get(source), tree)
        graph.replace(step, heir)
        is_changed = True
    return is_changed


def _can_merge(heir: Step, step: Step) -> bool:
    return all(heir.accepts(source, step.typenames.get(source), tree) for source, tree in step.inputs.items())
