"""Proves a query plan sound, or says where it is not.

In: a supergraph, a normalised operation, its plan. The plan is run symbolically: for every response position and every
runtime type there, which response keys the fetches bring, what they mean (field and arguments), from which fetch, and
under which guards. Checked on the way:

* every document is valid against the schema of its subgraph, and resolvable there: no external field that is neither
  key nor provided, no overridden one, and `@requires` met by the representation;
* every input of a fetch was brought before by a fetch it depends on, means what the field set says, and holds a key;
* every client selection is there in the end, for every runtime type, whenever its guards hold.

It knows nothing of how the planner works and shares only the records of plans and operations with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from router.operation.model import Guard, Operation
from router.plan.nodes import (
    BatchFetch,
    Condition,
    Fetch,
    Flatten,
    FlattenPath,
    PlanNode,
    QueryPlan,
)
from router.plan.walk import children
from router.supergraph import Supergraph
from tests.kit.plan_checker.client import ClientCheck
from tests.kit.plan_checker.facts import Facts
from tests.kit.plan_checker.fetches import FetchCheck
from tests.kit.plan_checker.positions import Guards, Position


@dataclass(frozen=True, slots=True)
class Located:
    """A fetch with where it stands in the plan."""

    node: Fetch | BatchFetch
    path: FlattenPath
    guards: Guards


def check_plan(supergraph: Supergraph, operation: Operation, plan: QueryPlan, labels: Iterable[str] = ()) -> list[str]:
    """What is wrong with the plan, one line each; empty when it is sound."""
    facts = Facts(supergraph, frozenset(labels))
    root = Position(frozenset({operation.root_type}))
    fetches = FetchCheck(facts, root)
    if plan.node is not None:
        for located in _locate(plan.node, (), frozenset()):
            fetches.run(located.node, located.path, located.guards)
    ClientCheck(facts, root).check(operation.selections, root, frozenset(), operation.kind.value)
    return facts.problems


def _locate(node: PlanNode, path: FlattenPath, guards: Guards) -> Iterator[Located]:
    match node:
        case Fetch() | BatchFetch():
            yield Located(node, path, guards)
        case Flatten():
            yield from _locate(node.node, (*path, *node.path), guards)
        case Condition():
            for clause, expected in ((node.if_clause, True), (node.else_clause, False)):
                if clause is not None:
                    yield from _locate(clause, path, guards | {Guard(node.variable, expected)})
        case _:
            for child in children(node):
                yield from _locate(child, path, guards)
