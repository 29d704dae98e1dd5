"""Plan nodes: the treaty between planner and executor, as plain data.

In: nothing. Out: frozen records that mean the same as Apollo's query plan nodes (same kinds, same printed and JSON
form, see `text.py` and `json.py`), plus two things Apollo's trees lack:

* every fetch has an `id` and names the fetches it `depends_on`, so an executor may start a fetch as soon as its
  inputs are there instead of waiting at the barriers of the tree;
* `BatchFetch`, as in Hive Router: several entity lookups of one subgraph, aliased into one request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from router.operation.model import OperationKind

# --- paths ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Key:
    """Step into an object by response key."""

    name: str


@dataclass(frozen=True, slots=True)
class EachItem:
    """Step into every item of a list; printed `@`."""


@dataclass(frozen=True, slots=True)
class OnTypes:
    """Go on only where `__typename` is one of these; printed `|[A|B]` behind the step before it."""

    names: tuple[str, ...]


PathStep: TypeAlias = Key | EachItem | OnTypes
FlattenPath: TypeAlias = tuple[PathStep, ...]


# --- what a fetch needs and what is done to it ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RequiredField:
    """A field of a representation. `source_key` is the response key under which the merged data holds it
    (differs from `name` when the fetch that brought it had to alias it)."""

    name: str
    source_key: str
    selections: tuple[RequiredSelection, ...] = ()  #: empty for a leaf


@dataclass(frozen=True, slots=True)
class RequiredFragment:
    """`... on T { }` inside a representation: taken only where the object's concrete type is `type_condition`
    or one of its possible types."""

    type_condition: str
    selections: tuple[RequiredSelection, ...]


RequiredSelection: TypeAlias = RequiredField | RequiredFragment


@dataclass(frozen=True, slots=True)
class SetValue:
    """Rewrite: put `value` at `path` (Apollo's ValueSetter). Interface objects send the interface's name as
    `__typename`."""

    path: FlattenPath
    value: str


@dataclass(frozen=True, slots=True)
class RenameKey:
    """Rewrite: rename the response key at the end of `path` (Apollo's KeyRenamer). Undoes aliases the planner had
    to invent."""

    path: FlattenPath
    key: str


Rewrite: TypeAlias = SetValue | RenameKey


@dataclass(frozen=True, slots=True)
class ContextRewrite:
    """Copy the value found at `path` (upwards steps are counted in `up`) into the variable `variable` of an entity
    fetch, for `@fromContext` arguments."""

    variable: str
    up: int
    path: FlattenPath


# --- nodes ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fetch:
    """One request to one subgraph. A root fetch has no `requires`; an entity fetch stands inside a `Flatten`,
    selects `_entities(representations: $representations)` and merges each answer into the object it was made from."""

    id: int
    service: str  #: subgraph name, as in `@join__graph(name:)`
    operation: str  #: GraphQL document to send, ready
    kind: OperationKind = OperationKind.QUERY
    operation_name: str | None = None
    variables: tuple[str, ...] = ()  #: client variables the document uses (never `representations`)
    requires: tuple[RequiredSelection, ...] = ()
    depends_on: tuple[int, ...] = ()
    input_rewrites: tuple[Rewrite, ...] = ()
    output_rewrites: tuple[Rewrite, ...] = ()
    context_rewrites: tuple[ContextRewrite, ...] = ()


@dataclass(frozen=True, slots=True)
class EntityBatch:
    """One aliased `_entities` field of a `BatchFetch`: objects found at any of `paths` share it."""

    alias: str  #: response key of the `_entities` field
    variable: str  #: name of its representations variable, without `$`
    paths: tuple[FlattenPath, ...]
    requires: tuple[RequiredSelection, ...]
    input_rewrites: tuple[Rewrite, ...] = ()
    output_rewrites: tuple[Rewrite, ...] = ()
    include_if: str | None = None  #: boolean variable that switches the field in the document (`@include(if:)`)


@dataclass(frozen=True, slots=True)
class BatchFetch:
    """Several entity lookups of one subgraph in one request. A batch whose representations are all empty is not
    sent; an empty entry is sent as an empty list."""

    id: int
    service: str
    operation: str
    entries: tuple[EntityBatch, ...]
    operation_name: str | None = None
    variables: tuple[str, ...] = ()
    depends_on: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Flatten:
    path: FlattenPath
    node: PlanNode


@dataclass(frozen=True, slots=True)
class Sequence:
    nodes: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class Parallel:
    nodes: tuple[PlanNode, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """Runs `if_clause` when the boolean variable is true, else `else_clause`."""

    variable: str
    if_clause: PlanNode | None = None
    else_clause: PlanNode | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """`primary` opens the stream; `rest` runs for every event with the event as its data."""

    primary: Fetch
    rest: PlanNode | None = None


@dataclass(frozen=True, slots=True)
class DeferredPart:
    label: str | None
    path: FlattenPath
    node: PlanNode | None
    depends_on: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Defer:
    primary: PlanNode | None
    deferred: tuple[DeferredPart, ...] = ()


PlanNode: TypeAlias = Fetch | BatchFetch | Flatten | Sequence | Parallel | Condition | Subscription | Defer


@dataclass(frozen=True, slots=True)
class QueryPlan:
    """`node` is None when no subgraph is needed (only introspection or `__typename`)."""

    node: PlanNode | None
