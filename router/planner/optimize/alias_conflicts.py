"""Fields that one document may not hold under one response key get aliases, which are undone in the answer.

`{ animal { ... on Cat { name } ... on Dog { name } } }` is valid for clients when the API schema says `name: String`
on both. If a subgraph declares `String!` on one of them, the document is not valid there ("Fields in Set Can Merge",
GraphQL specification 5.3.2): the second becomes `_name_0: name`, renamed when the answer arrives.
"""

from __future__ import annotations

from collections.abc import Iterable

from router.plan.nodes import EachItem, FlattenPath, Key, RenameKey
from router.planner.fetch_graph import FetchGraph, Step
from router.planner.selection_tree import SelectedField, SelectionTree

_Entry = tuple[SelectionTree, SelectedField]


def alias_conflicts(graph: FetchGraph) -> bool:
    is_changed = False
    for step in graph.steps:
        if _resolve(step, (), [step.tree]):
            is_changed = True
    return is_changed


def _resolve(step: Step, path: FlattenPath, trees: list[SelectionTree]) -> bool:
    """All trees are selections of the same response objects, whatever their types."""
    is_changed = False
    composites: list[tuple[str, list[_Entry]]] = []
    for key, entries in _by_key(trees).items():
        for number, group in enumerate(_by_shape(entries)):
            if group[0][1].tree is not None:
                composites.append((key, group))
            if number:
                is_changed = True
                alias = f"_{key}_{number}_alias"
                # no other field has this key, so the rename needs no type conditions
                step.output_rewrites.append(RenameKey((*path, Key(alias)), key))
                for tree, selected in group:
                    _rename(tree, selected, alias)
    # renames are undone in this order: those below look for their objects under the keys of the client, and those of
    # different groups may share one tree
    for key, group in composites:
        below = {id(s.tree): s.tree for _, s in group if s.tree is not None}
        lists = [EachItem()] * group[0][1].list_depth
        if _resolve(step, (*path, Key(key), *lists), list(below.values())):
            is_changed = True
    return is_changed


def _by_key(trees: list[SelectionTree]) -> dict[str, list[_Entry]]:
    """Adds to `trees` what stands beside them: their fragments, and once each what they spread."""
    by_key: dict[str, list[_Entry]] = {}
    spread_ids: set[int] = set()
    for tree in trees:
        for selected in tree.fields.values():
            by_key.setdefault(selected.key, []).append((tree, selected))
        trees.extend(tree.fragments.values())
        if tree.spreads:
            trees.extend(spread for spread in tree.spreads if id(spread) not in spread_ids)
            spread_ids.update(map(id, tree.spreads))
    return by_key


def _by_shape(entries: list[_Entry]) -> Iterable[list[_Entry]]:
    if len(entries) == 1:
        return (entries,)
    by_shape: dict[tuple[str, bool], list[_Entry]] = {}
    for entry in entries:
        by_shape.setdefault(_shape(entry[1]), []).append(entry)
    return by_shape.values()


def _shape(selected: SelectedField) -> tuple[str, bool]:
    """What must be equal for two fields to merge: lists and non-nulls always, the type itself only of leaves."""
    if selected.tree is None:
        return selected.type, True
    return "".join(c for c in selected.type if c in "[]!"), False


def _rename(tree: SelectionTree, selected: SelectedField, alias: str) -> None:
    fields = list(tree.fields.values())
    selected.key = alias
    tree.fields = {(f.key, f.guards): f for f in fields}
