"""Plan tree -> steps with dependencies.

A sequence in a plan is a barrier: everything before it waits for its slowest part. Fetches also say which fetches they
really depend on, so a step may start earlier. Plans without that information (or with ids that are not unique), and
mutations, whose order clients rely on, follow the tree.
"""

from __future__ import annotations

from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass
from typing import assert_never

from router.operation.model import Guard, OperationKind
from router.plan.nodes import (
    BatchFetch,
    Condition,
    Defer,
    Fetch,
    Flatten,
    FlattenPath,
    Parallel,
    PlanNode,
    Sequence,
    Subscription,
)


@dataclass(frozen=True, slots=True)
class ScheduledFetch:
    node: Fetch | BatchFetch
    path: FlattenPath  #: of the enclosing `Flatten`s; empty for root and batch fetches
    guards: tuple[Guard, ...]  #: all must hold, else the step is done without doing anything
    after: frozenset[int]  #: indexes of the steps that must be done first; always lower than its own


def schedule_plan(node: PlanNode | None, kind: OperationKind) -> tuple[ScheduledFetch, ...]:
    """Fetches in tree order. The primary fetch of a subscription is not among them."""
    walk = _Walk()
    if node is not None:
        walk.visit(node, frozenset(), (), ())
    if kind is not OperationKind.MUTATION and _names_its_dependencies(walk.steps):
        return _by_dependencies(walk.steps)
    return tuple(walk.steps)


class _Walk:
    def __init__(self) -> None:
        self.steps: list[ScheduledFetch] = []

    def visit(
        self, node: PlanNode, after: frozenset[int], path: FlattenPath, guards: tuple[Guard, ...]
    ) -> frozenset[int]:
        """The steps which what follows `node` in a sequence has to wait for."""
        match node:
            case Fetch() | BatchFetch():
                self.steps.append(ScheduledFetch(node, path, guards, after))
                return frozenset((len(self.steps) - 1,))
            case Flatten():
                return self.visit(node.node, after, path + node.path, guards)
            case Sequence():
                return self._in_turn(node.nodes, after, path, guards)
            case Parallel():
                ends = (self.visit(child, after, path, guards) for child in node.nodes)
                return frozenset[int]().union(*ends) or after
            case Condition():
                ends_at = frozenset[int]()
                for child, expected in ((node.if_clause, True), (node.else_clause, False)):
                    if child is not None:
                        ends_at |= self.visit(child, after, path, (*guards, Guard(node.variable, expected)))
                return ends_at or after
            case Subscription():
                return after if node.rest is None else self.visit(node.rest, after, path, guards)
            case Defer():
                # answered in one piece, as the specification of @defer allows
                parts = [node.primary, *(part.node for part in node.deferred)]
                return self._in_turn([part for part in parts if part is not None], after, path, guards)
            case _:
                assert_never(node)

    def _in_turn(
        self, nodes: SequenceOf[PlanNode], after: frozenset[int], path: FlattenPath, guards: tuple[Guard, ...]
    ) -> frozenset[int]:
        for child in nodes:
            after = self.visit(child, after, path, guards)
        return after


def _names_its_dependencies(steps: SequenceOf[ScheduledFetch]) -> bool:
    ids = {step.node.id for step in steps}
    if len(ids) < len(steps):
        return False
    for step in steps:
        is_entity_fetch = isinstance(step.node, BatchFetch) or bool(step.node.requires)
        if is_entity_fetch and step.after and not step.node.depends_on:
            return False
    # the id of a subscription's primary fetch is not among the steps: its data is there before any of them
    return True


def _by_dependencies(steps: SequenceOf[ScheduledFetch]) -> tuple[ScheduledFetch, ...]:
    index_by_id = {step.node.id: index for index, step in enumerate(steps)}
    scheduled = []
    for index, step in enumerate(steps):
        after = frozenset(index_by_id[number] for number in step.node.depends_on if number in index_by_id)
        if any(other >= index for other in after):
            return tuple(steps)  # not in an order in which they can run: trust the tree
        scheduled.append(ScheduledFetch(step.node, step.path, step.guards, after))
    return tuple(scheduled)
