"""Nodes of the query graph: a type in a subgraph."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

from router.graph.edge import FieldMove
from router.graph.field_set import Selections


class NodeKind(Enum):
    OBJECT = "object"
    ABSTRACT = "abstract"  #: interface or union
    INTERFACE_OBJECT = "interface object"  #: an object here, an interface in other subgraphs
    ROOT = "root"  #: before any subgraph is entered; has no fields


class Node:
    """One type in one subgraph, or a copy of it that a `@provides` has enriched. Compared by identity.

    `moves`, `possible` and `direct` are found out when first looked at, by `fill`.
    """

    __slots__ = (
        "_fill", "direct", "id", "kind", "moves", "possible", "provided", "subgraph", "subgraph_index", "type_name",
    )  # fmt: skip

    #: the fields that can be resolved here, `@requires` ones included; external ones only where provided
    moves: dict[str, FieldMove]
    #: object types in this subgraph, sorted; for abstract nodes
    possible: tuple[str, ...]
    #: fields an abstract node can take without naming the object types, because all of them resolve it here
    direct: frozenset[str]

    def __init__(
        self,
        number: int,
        type_name: str,
        subgraph: str,
        subgraph_index: int,
        kind: NodeKind,
        provided: Selections,
        fill: Callable[[Node], None],
    ) -> None:
        self.id = number
        self.type_name = type_name
        self.subgraph = subgraph
        self.subgraph_index = subgraph_index
        self.kind = kind
        self.provided = provided  #: what `@provides` adds; empty for the plain node
        self._fill = fill

    def __getattr__(self, name: str) -> Any:
        """Reached only while a slot is unset."""
        if name not in ("direct", "moves", "possible"):
            raise AttributeError(name)
        self._fill(self)
        return getattr(self, name)

    def __repr__(self) -> str:
        return f"{self.type_name}/{self.subgraph}" + ("+" if self.provided else "")
