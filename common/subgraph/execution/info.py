"""What resolvers get as `info`: graphql-core's `GraphQLResolveInfo`, made when something in it is asked for."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLObjectType, GraphQLResolveInfo
from graphql.execution.executor import Executor
from graphql.pyutils import Path as GraphQLPath

from common.subgraph.execution.run import Path, Run, keys_of


@dataclass(frozen=True, slots=True, eq=False)
class FieldSpec:
    """A selected field of an object type: what is known of it before anything runs."""

    #: holds schema, fragments and operation
    executor: Executor[Any]
    parent_type: GraphQLObjectType
    definition: GraphQLField
    key: str
    nodes: list[FieldNode]


class LazyInfo:
    """Stands for a `GraphQLResolveInfo`. Nearly all resolvers read the context only."""

    #: Strawberry's addition; requests that carry some are not run here
    operation_extensions = None

    def __init__(self, spec: FieldSpec, run: Run, path: Path) -> None:
        self._spec = spec
        self._run = run
        self._path = path
        self.context = run.context

    @cached_property
    def complete(self) -> GraphQLResolveInfo[Any]:
        spec = self._spec
        first, *others = keys_of(self._path)
        path = GraphQLPath(None, first, None)
        for key in others:
            path = path.add_key(key)
        made = spec.executor.build_resolve_info(spec.definition, spec.nodes, spec.parent_type, path)
        return made._replace(context=self.context, variable_values=self._run.variables)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.complete, name)
