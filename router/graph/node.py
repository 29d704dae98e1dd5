"""Nodes of the query graph: a type in a subgraph."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from router.graph.edge import FieldMove
from router.graph.field_set import Selections


class NodeKind(Enum):
    OBJECT = "object"
    ABSTRACT = "abstract"  #: interface or union
    INTERFACE_OBJECT = "interface object"  #: an object here, an interface in other subgraphs
    ROOT = "root"  #: before any subgraph is entered; has no fields


class NodeFacts(Protocol):
    """Where nodes look things up once: the graph they belong to."""

    def find_move(self, node: Node, name: str) -> FieldMove | None: ...

    def find_possible(self, node: Node) -> tuple[str, ...]: ...

    def find_direct(self, node: Node, name: str) -> bool: ...


class Node:
    """One type in one subgraph, or a copy of it that a `@provides` has enriched. Compared by identity.

    What it knows is found out field by field, when first asked for: a plan touches few of the fields of a type.
    """

    __slots__ = (
        "_direct", "_facts", "_moves", "_possible", "id", "kind", "provided", "subgraph", "subgraph_index", "type_name",
    )  # fmt: skip

    def __init__(
        self,
        number: int,
        type_name: str,
        subgraph: str,
        subgraph_index: int,
        kind: NodeKind,
        provided: Selections,
        facts: NodeFacts,
    ) -> None:
        self.id = number
        self.type_name = type_name
        self.subgraph = subgraph
        self.subgraph_index = subgraph_index
        self.kind = kind
        self.provided = provided  #: what `@provides` adds; empty for the plain node
        self._facts = facts
        self._moves: dict[str, FieldMove | None] = {}
        self._direct: dict[str, bool] = {}
        self._possible: tuple[str, ...] | None = None

    def move(self, name: str) -> FieldMove | None:
        """How a field is resolved here, if it can be; `@requires` ones included, external ones only where provided."""
        try:
            return self._moves[name]
        except KeyError:
            move = self._moves[name] = self._facts.find_move(self, name)
            return move

    @property
    def possible(self) -> tuple[str, ...]:
        """Object types of an abstract node in this subgraph, sorted; empty for other nodes."""
        if self._possible is None:
            self._possible = self._facts.find_possible(self)
        return self._possible

    def is_direct(self, name: str) -> bool:
        """Whether an abstract node can take a field without naming the object types: all of them resolve it here."""
        known = self._direct.get(name)
        if known is None:
            known = self._direct[name] = self._facts.find_direct(self, name)
        return known

    def __repr__(self) -> str:
        return f"{self.type_name}/{self.subgraph}" + ("+" if self.provided else "")
