"""The query graph: types in subgraphs, and the moves between them."""

from router.graph.edge import ContextNeed, EntityMove, FieldMove
from router.graph.field_set import Selections, list_depth, named_type, parse_field_set
from router.graph.graph import QueryGraph
from router.graph.node import Node, NodeKind
from router.supergraph import Supergraph


def build_query_graph(
    supergraph: Supergraph, labels: frozenset[str] = frozenset(), like: QueryGraph | None = None
) -> QueryGraph:
    """The graph under the given override labels (`percent(n)` labels included when drawn). Nodes come on demand.

    `like`, a graph of the same supergraph under other labels, saves parsing. Raises InvalidSupergraphError for a field
    set that cannot be read."""
    return QueryGraph(supergraph, labels, like)


__all__ = [
    "ContextNeed",
    "EntityMove",
    "FieldMove",
    "Node",
    "NodeKind",
    "QueryGraph",
    "Selections",
    "build_query_graph",
    "list_depth",
    "named_type",
    "parse_field_set",
]
