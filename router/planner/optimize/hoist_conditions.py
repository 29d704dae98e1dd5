"""A fetch whose every field stands under the same guard is made only when the guard holds.

Example: `product { id reviews @include(if: $detailed) { body } }`. The entity fetch for `reviews` becomes
`Include(if: $detailed) { Fetch(…) }`, and its document needs no `@include`.
"""

from __future__ import annotations

from router.planner.fetch_graph import FetchGraph
from router.planner.fragments import Guards
from router.planner.selection_tree import SelectionTree


def hoist_conditions(graph: FetchGraph) -> bool:
    is_changed = False
    for step in graph.steps:
        shared = shared_guards(step.tree)
        if shared:
            step.conditions = shared
            strip_guards(step.tree, shared)
            is_changed = True
    return is_changed


def _tops(tree: SelectionTree) -> list[SelectionTree]:
    """The selections of an object, or of the entities, with those for their single types."""
    tops = [tree]
    for tree in tops:
        tops.extend(tree.fragments.values())
    return tops


def shared_guards(tree: SelectionTree) -> Guards:
    """Those of every field of the object. What other trees spread as well must keep its guards."""
    shared: Guards | None = None
    for top in _tops(tree):
        if top.spreads:
            return ()
        for _, guards in top.fields:
            shared = guards if shared is None else tuple(g for g in shared if g in guards)
            if not shared:
                return ()
    return shared or ()


def strip_guards(tree: SelectionTree, shared: Guards) -> None:
    for top in _tops(tree):
        _strip(top, shared)


def _strip(tree: SelectionTree, shared: Guards) -> None:
    fields = list(tree.fields.values())
    tree.fields = {}
    for selected in fields:
        selected.guards = tuple(g for g in selected.guards if g not in shared)
        tree.add_selected(selected)
