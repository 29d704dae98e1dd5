"""An object that several subgraphs give in parts is not asked for where its part is skipped.

Example: `config { theme limits @include(if: $detailed) }`, with `limits` from another subgraph. That one is asked for
`config @include(if: $detailed) { limits }`, so that the fetch falls away when the guard does not hold. The object
itself still comes with `theme`: guards are lifted only where another fetch asks for the same field at least as often.
This is about root fetches, which meet the same objects for certain.
"""

from __future__ import annotations

from router.operation.model import OperationKind
from router.planner.fetch_graph import FetchGraph
from router.planner.fragments import join_guards
from router.planner.optimize.hoist_conditions import shared_guards, strip_guards
from router.planner.selection_tree import SelectedField, SelectionTree


def lift_guards(graph: FetchGraph) -> bool:
    roots = [s.tree for s in graph.steps if s.is_root and not s.parents and s.kind is OperationKind.QUERY]
    is_changed = False
    for tree in roots:
        is_changed |= _lift(tree, [other for other in roots if other is not tree])
    return is_changed


def _lift(tree: SelectionTree, others: list[SelectionTree]) -> bool:
    """`others` are there whenever the tree is."""
    if not others:
        return False
    is_changed = False
    for selected in list(tree.fields.values()):
        if selected.tree is None:
            continue
        below = [f.tree for o in others for f in o.fields.values() if f.tree and _is_there_with(f, selected)]
        is_changed |= _lift(selected.tree, below)
        guards = shared_guards(selected.tree) if below else ()
        if guards:
            strip_guards(selected.tree, guards)
            del tree.fields[selected.key, selected.guards]
            selected.guards = join_guards(selected.guards, guards)
            tree.add_selected(selected)
            is_changed = True
    return is_changed


def _is_there_with(other: SelectedField, selected: SelectedField) -> bool:
    return other.key == selected.key and set(other.guards) <= set(selected.guards)
