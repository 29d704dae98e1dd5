"""The edges of the query graph, as verbs.

Nodes are types in subgraphs, written `Product/reviews`. Three kinds of edges leave a node:

* a **field move** stays in the subgraph;
* an **entity move** goes to another subgraph (or back into the same one) with a representation of the object;
* a **downcast** narrows an abstract type; it has no record of its own: `QueryGraph.downcast`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.graph.field_set import Selections

if TYPE_CHECKING:
    from router.graph.node import Node


@dataclass(frozen=True, slots=True, eq=False)
class ContextNeed:
    """An argument filled from an ancestor: `@fromContext`.

    Example: `type User { price(currency: String @fromContext(field: "$shop { currency }")) }` below
    `type Shop @context(name: "shop")`.
    """

    argument: str
    type: str  #: SDL type of the argument
    selections: tuple[tuple[str, Selections], ...]  #: type that sets the context -> what to take there


@dataclass(frozen=True, slots=True, eq=False)
class FieldMove:
    """Resolves a field inside the subgraph where the object already is.

    Example: `Query/products -[products]-> Product/products`. With `requires` the subgraph resolves the field only for
    objects that came in by a representation with those fields: it must be entered first, even from itself.
    A field with `@provides` leads to a node that has more fields than the type has elsewhere in the subgraph.
    """

    name: str
    type: str  #: SDL type in the subgraph
    target: Node | None  #: None for leaves
    list_depth: int
    requires: Selections = ()
    context: tuple[ContextNeed, ...] = ()
    is_narrower: bool = False  #: clients see an interface or union where this subgraph has one of its objects


@dataclass(frozen=True, slots=True, eq=False)
class EntityMove:
    """Goes to a subgraph with a representation: `_entities(representations: [{__typename, …key}])`.

    Examples:

    * `User/users -(id)-> User/orders`: the plain case, by `@key(fields: "id")` of the target.
    * `User/users -(id as Account)-> Account/billing`: the target is an interface object, which knows the entity by
      its interface only; `representation_type` is the interface.
    * `Account/billing -(id)-> Account/users`: away from an interface object to where `Account` is a real interface:
      the only way to learn the concrete type.
    * `Query/a -()-> Query/b`: a root type has no key (`key` is empty and `is_root` set); the fetch is a root fetch.
    """

    source: Node
    target: Node
    key: Selections
    representation_type: str
    is_root: bool = False
