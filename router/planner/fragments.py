"""Fragments dissolved: selections as units, each with the guards of all fragments around it."""

from __future__ import annotations

from typing import TypeAlias

from router.graph import Node, NodeKind, QueryGraph
from router.operation.model import Field, Guard, InlineFragment, Selection

Guards: TypeAlias = tuple[Guard, ...]
Unit: TypeAlias = tuple[Selection, Guards]


def flatten(graph: QueryGraph, node: Node, units: list[Unit]) -> list[Unit]:
    """On a node of one type: dissolves the fragments that match it and drops those that cannot; on an interface object,
    whose concrete type is not known, the narrowing ones stay."""
    flat: list[Unit] = []
    for selection, guards in units:
        inner_guards = join_guards(guards, selection.guards)
        if isinstance(selection, Field):
            flat.append((selection, inner_guards))
            continue
        objects = graph.object_types(node.type_name)
        matched = graph.object_types(selection.type_condition)
        if objects <= matched:
            flat.extend(flatten(graph, node, [(s, inner_guards) for s in selection.selections]))
        elif objects & matched and node.kind is NodeKind.INTERFACE_OBJECT:
            flat.append((selection, inner_guards))
    return flat


def spread(graph: QueryGraph, possible: tuple[str, ...], units: list[Unit]) -> list[Unit]:
    """On an abstract node: dissolves the fragments that match all objects the node can be."""
    flat: list[Unit] = []
    for selection, guards in units:
        inner_guards = join_guards(guards, selection.guards)
        if isinstance(selection, InlineFragment):
            matched = graph.object_types(selection.type_condition)
            if matched.issuperset(possible):
                flat.extend(spread(graph, possible, [(s, inner_guards) for s in selection.selections]))
                continue
        flat.append((selection, inner_guards))
    return flat


def join_guards(one: Guards, other: Guards) -> Guards:
    """Both, each guard once."""
    if not one or not other:
        return one or other
    return one + tuple(g for g in other if g not in one)
