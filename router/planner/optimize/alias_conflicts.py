"""Fields that one document may not hold under one response key get aliases, which are undone in the answer.

`{ animal { ... on Cat { name } ... on Dog { name } } }` is valid for clients when the API schema says `name: String`
on both. If a subgraph declares `String!` on one of them, the document is not valid there ("Fields in Set Can Merge",
GraphQL specification 5.3.2): the second becomes `_name_0: name`, renamed when the answer arrives.
"""

from __future__ import annotations

from router.plan.nodes import EachItem, FlattenPath, Key, OnTypes, RenameKey
from router.planner.fetch_graph import FetchGraph, Step
from router.planner.selection_tree import SelectedField, SelectionTree

#: selections of one response position: the path to it, the type they are for, the tree
_Scope = tuple[FlattenPath, str | None, SelectionTree]


def alias_conflicts(graph: FetchGraph) -> bool:
    is_changed = False
    for step in graph.steps.values():
        if _resolve(step, [((), None, step.tree)]):
            is_changed = True
    return is_changed


def _resolve(step: Step, scopes: list[_Scope]) -> bool:
    """All scopes are selections of the same response objects, whatever their types."""
    is_changed = False
    by_key: dict[str, list[tuple[_Scope, SelectedField]]] = {}
    for scope in scopes:
        for selected in scope[2].fields.values():
            by_key.setdefault(selected.key, []).append((scope, selected))
        if scope[2].fragments:
            scopes.extend((scope[0], type_name, tree) for type_name, tree in scope[2].fragments.items())
    for key, entries in by_key.items():
        by_shape: dict[tuple[str, bool], list[tuple[_Scope, SelectedField]]] = {}
        for entry in entries:
            by_shape.setdefault(_shape(entry[1]), []).append(entry)
        for number, group in enumerate(by_shape.values()):
            if number:
                is_changed = True
                for scope, selected in group:
                    _rename(step, scope, selected, f"_{key}_{number}_alias")
            below = [
                ((*_path(scope), Key(key), *([EachItem()] * selected.list_depth)), None, selected.tree)
                for scope, selected in group
                if selected.tree is not None
            ]
            if below and _resolve(step, list(below)):
                is_changed = True
    return is_changed


def _shape(selected: SelectedField) -> tuple[str, bool]:
    """What must be equal for two fields to merge: lists and non-nulls always, the type itself only of leaves."""
    if selected.tree is None:
        return selected.type, True
    return "".join(c for c in selected.type if c in "[]!"), False


def _path(scope: _Scope) -> FlattenPath:
    path, type_name, _ = scope
    return path if type_name is None else (*path, OnTypes((type_name,)))


def _rename(step: Step, scope: _Scope, selected: SelectedField, alias: str) -> None:
    tree = scope[2]
    fields = list(tree.fields.values())
    step.output_rewrites.append(RenameKey((*_path(scope), Key(alias)), selected.key))
    selected.key = alias
    tree.fields = {(f.key, f.guards): f for f in fields}
