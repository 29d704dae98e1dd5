"""A fetch whose every field stands under the same guard is made only when the guard holds.

Example: `product { id reviews @include(if: $detailed) { body } }`. The entity fetch for `reviews` becomes
`Include(if: $detailed) { Fetch(…) }`, and its document needs no `@include`.
"""

from __future__ import annotations

from router.planner.fetch_graph import FetchGraph, Guards, Step
from router.planner.selection_tree import SelectionTree


def hoist_conditions(graph: FetchGraph) -> bool:
    is_changed = False
    for step in graph.steps.values():
        shared = _shared_guards(step)
        if shared:
            step.conditions = shared
            for tree in _tops(step):
                _strip(tree, shared)
            is_changed = True
    return is_changed


def _tops(step: Step) -> list[SelectionTree]:
    """The selections of the root object, or of the entities, with those for their single types."""
    tops = [step.tree]
    for tree in tops:
        tops.extend(tree.fragments.values())
    return tops


def _shared_guards(step: Step) -> Guards:
    shared: Guards | None = None
    for tree in _tops(step):
        for _, guards in tree.fields:
            shared = guards if shared is None else tuple(g for g in shared if g in guards)
            if not shared:
                return ()
    return shared or ()


def _strip(tree: SelectionTree, shared: Guards) -> None:
    fields = list(tree.fields.values())
    tree.fields = {}
    for selected in fields:
        selected.guards = tuple(g for g in selected.guards if g not in shared)
        before = tree.fields.get((selected.key, selected.guards))
        if before is None:
            tree.fields[selected.key, selected.guards] = selected
        elif before.tree is not None and selected.tree is not None:
            before.tree.absorb(selected.tree)
