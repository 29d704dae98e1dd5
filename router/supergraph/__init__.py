"""The composed schema as a model: join metadata, API schema, the schema of every subgraph."""

from router.supergraph.errors import InvalidSupergraphError, SupergraphError, UnsupportedFeatureError
from router.supergraph.load import load_supergraph
from router.supergraph.model import (
    ContextArgument,
    FieldInfo,
    JoinField,
    JoinKey,
    JoinType,
    Subgraph,
    Supergraph,
    TypeInfo,
    TypeKind,
)

__all__ = [
    "ContextArgument",
    "FieldInfo",
    "InvalidSupergraphError",
    "JoinField",
    "JoinKey",
    "JoinType",
    "Subgraph",
    "Supergraph",
    "SupergraphError",
    "TypeInfo",
    "TypeKind",
    "UnsupportedFeatureError",
    "load_supergraph",
]
