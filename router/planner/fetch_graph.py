"""The fetch graph: fetches that depend on each other, before they become plan nodes.

Steps are mutable and are changed by the passes in `optimize/`. A step depends on another when that one brings the
object it starts from or a field of its representations.
"""

from __future__ import annotations

from router.operation.model import Guard, OperationKind
from router.plan.nodes import ContextRewrite, Rewrite
from router.planner.fragments import Guards
from router.planner.place import Place
from router.planner.representation import RepresentationTree
from router.planner.selection_tree import SelectionTree


class Step:
    """One request, or one part of a batched request. `inputs` is empty for root fetches."""

    __slots__ = (
        "conditions", "context_rewrites", "context_types", "depth", "id", "inputs", "is_root", "kind", "origins",
        "output_rewrites", "parents", "place", "requirement_guards", "source_guards", "subgraph", "tree", "typenames",
    )  # fmt: skip

    def __init__(
        self, number: int, subgraph: str, place: Place, parents: frozenset[int], depth: int, is_root: bool
    ) -> None:
        self.id = number
        self.subgraph = subgraph
        self.place = place
        self.parents: set[int] = set(parents)
        self.depth = depth  #: how many round trips come before it
        self.is_root = is_root
        self.kind = OperationKind.QUERY
        self.tree = SelectionTree()
        self.inputs: dict[str, RepresentationTree] = {}  #: source type -> what is sent for it
        #: source type -> the steps that bring the objects themselves
        self.origins: dict[str, set[int]] = {}
        self.typenames: dict[str, str] = {}  #: source type -> `__typename` to send, where it differs
        #: conditions of the objects looked up here; the same place is there several times if a field was selected under
        #: several guards
        self.source_guards: set[frozenset[Guard]] = set()
        self.requirement_guards: set[frozenset[Guard]] = set()  #: of those that send more than their key
        self.conditions: Guards = ()  #: conditions under which the step is run at all
        self.output_rewrites: list[Rewrite] = []
        self.context_types: dict[str, str] = {}  #: variables filled from ancestors -> their types
        self.context_rewrites: list[ContextRewrite] = []

    def __repr__(self) -> str:
        return f"Step({self.id} {self.subgraph} {self.place.path} <- {sorted(self.parents)})"

    def can_share(self, guards: frozenset[Guard], has_requirements: bool) -> bool:
        """Whether all that is sent is there whenever an object is. A requirement fetched under `@include(if: $a)` must
        not keep back objects which are there without it."""
        sources = self.source_guards | {guards}
        requirements = self.requirement_guards | ({guards} if has_requirements else set())
        return all(needed <= present for needed in requirements for present in sources)

    def accepts(
        self, source_type: str, typename: str | None, tree: RepresentationTree, origin: int, has_requirements: bool
    ) -> bool:
        """Objects that different steps bring to one place get their requirements at different times: what some of
        them send must not keep back others that do not have it yet. Objects of different types that are sent under one
        name are asked for the same fields, so all of them must send what these require."""
        mine = self.inputs.get(source_type)
        if typename is not None and (has_requirements or self.requirement_guards):
            fellows = [self.inputs[source] for source, name in self.typenames.items() if name == typename]
            if any(fellow is not mine for fellow in fellows) and not all(fellow == tree for fellow in fellows):
                return False
        if mine is None:
            return True
        if self.typenames.get(source_type) != typename:
            return False
        return mine.is_compatible(tree) if self.origins[source_type] == {origin} else mine == tree

    def add_input(self, source_type: str, typename: str | None, tree: RepresentationTree, origin: int) -> None:
        mine = self.inputs.get(source_type)
        if mine is None:
            self.inputs[source_type] = tree
        else:
            mine.absorb(tree)
        if typename is not None:
            self.typenames[source_type] = typename
        self.origins.setdefault(source_type, set()).add(origin)


class FetchGraph:
    """Steps in order of creation, which their ids count."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, subgraph: str, place: Place, parents: frozenset[int], is_root: bool) -> Step:
        depth = self.depth_below(parents)
        step = Step(len(self.steps), subgraph, place, parents, depth, is_root)
        self.steps.append(step)
        return step

    def depth_below(self, parents: frozenset[int]) -> int:
        """The round trip of a step with these parents: the first is 0."""
        return 1 + max([self.steps[parent].depth for parent in parents], default=-1)
