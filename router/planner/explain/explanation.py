"""The explanation of a plan, as data."""

from __future__ import annotations

from dataclasses import dataclass

from router.plan.nodes import QueryPlan


@dataclass(frozen=True, slots=True)
class Candidate:
    """A way to a field with all that is selected below it."""

    route: str  #: `stock by { id }`, a subgraph, or several of them for a field taken in parts
    why: str  #: why it won, lost, or gives no plan
    is_chosen: bool = False
    is_possible: bool = True
    request_count: int = 0  #: from where the choice is made, sharing with other fields not counted
    round_trip_count: int = 0


@dataclass(frozen=True, slots=True)
class Choice:
    """A field, where the planner stood, and what it chose from. The chosen candidate comes first, the impossible ones
    last."""

    path: str  #: response path, `products.@.price`
    field: str  #: `Product.price`
    subgraph: str | None  #: where the object is; None before any subgraph is entered
    purpose: str  #: `selected`, or whose key, requirement or context it is
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`choices` stand in the order of the query tree, keys and requirements before what they are for. Without a plan
    they are the fields that nobody could give, innermost first."""

    choices: tuple[Choice, ...]
    plan: QueryPlan | None
