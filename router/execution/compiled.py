"""Plan + operation + supergraph -> `CompiledPlan`: everything that does not depend on one request, done once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import DocumentNode, GraphQLObjectType, is_object_type

from router.execution.generate import Projection
from router.execution.introspection import introspect, introspection_document
from router.execution.root_step import RootStep
from router.execution.run import Run
from router.execution.running import Schedule
from router.execution.schedule import schedule_plan
from router.execution.shape import Guards, ObjectShape, ShapeBuilder, guard_variables
from router.execution.steps import compile_step
from router.execution.typed.plan import TypedPlan, compile_typed
from router.operation.model import Operation
from router.plan.nodes import Fetch, QueryPlan, Subscription
from router.supergraph.model import Supergraph

#: shapes kept for one operation; one with more combinations of @skip/@include than this makes the rest anew each time
MAX_KEPT_SHAPES = 16
#: code is generated when an operation comes again: what is asked once is answered sooner without
GENERATE_AFTER_USES = 1


@dataclass(slots=True)
class ResponseShape:
    """The answer's shape under one assignment of the guards, and what was prepared for it."""

    root: ObjectShape
    guards: Guards
    introspection: DocumentNode | None
    known_introspection: Mapping[str, Any] | None = None
    typed: TypedPlan | None = None
    projection: Projection | None = None
    use_count: int = 0

    def generated(self) -> Projection | None:
        """The generated code, once it pays."""
        if self.projection is None and self.use_count > GENERATE_AFTER_USES:
            self.projection = Projection(self.root)
        return self.projection


@dataclass(frozen=True, slots=True)
class CompiledPlan:
    operation: Operation
    schedule: Schedule[Run]
    subscription: RootStep | None  #: the fetch that opens the stream
    supergraph: Supergraph
    root_type: GraphQLObjectType
    guard_variables: tuple[str, ...]
    kept_shapes: dict[tuple[bool, ...], ResponseShape] = field(default_factory=dict)

    def shape_for(self, variables: Mapping[str, Any]) -> ResponseShape:
        key = tuple([variables.get(name) is True for name in self.guard_variables])
        shape = self.kept_shapes.get(key)
        if shape is None:
            guards: Guards = dict(zip(self.guard_variables, key, strict=True))
            root = ShapeBuilder(self.supergraph.api_schema, guards).object_shape(
                self.root_type, self.operation.selections
            )
            shape = ResponseShape(root, guards, introspection_document(self.operation, guards))
            if len(self.kept_shapes) < MAX_KEPT_SHAPES:
                self.kept_shapes[key] = shape
        return shape

    def typed_for(self, shape: ResponseShape) -> TypedPlan | None:
        """The plan on typed objects, once it pays and while it does."""
        shape.use_count += 1
        if shape.use_count == GENERATE_AFTER_USES + 1:
            shape.typed = compile_typed(self.schedule, shape.root, shape.guards, self.supergraph)
        return shape.typed if shape.typed is not None and shape.typed.is_due() else None

    def introspection_for(self, shape: ResponseShape, variables: Mapping[str, Any]) -> Mapping[str, Any]:
        """Response key -> answer. Kept with the shape unless a variable may change it."""
        if shape.introspection is None:
            return {}
        known = shape.known_introspection
        if known is None:
            known = introspect(self.supergraph.api_schema, shape.introspection, variables)
            if not self.operation.variables:
                shape.known_introspection = known
        return known


def compile_plan(plan: QueryPlan, operation: Operation, supergraph: Supergraph) -> CompiledPlan:
    """Costs some tenths of a millisecond per fetch; keep the result beside the plan."""
    root_type = supergraph.api_schema.type_map.get(operation.root_type)
    if not is_object_type(root_type):
        raise LookupError(f"{operation.root_type} is not an object type of the API schema")
    scheduled = schedule_plan(plan.node, operation.kind)
    return CompiledPlan(
        operation=operation,
        schedule=Schedule.of(scheduled, [compile_step(fetch, supergraph) for fetch in scheduled]),
        subscription=_primary(plan, supergraph),
        supergraph=supergraph,
        root_type=root_type,
        guard_variables=guard_variables(operation.selections),
    )


def _primary(plan: QueryPlan, supergraph: Supergraph) -> RootStep | None:
    primary: Fetch | None = plan.node.primary if isinstance(plan.node, Subscription) else None
    return None if primary is None else RootStep.of(primary, supergraph)
