"""The `schema` element and the root types."""

from __future__ import annotations

from router.compose.merge.applications import record_directives
from router.compose.merge.context import MergeContext, Sources
from router.compose.merge.descriptions import merge_description
from router.compose.merge.join_directives import add_join_directives
from router.compose.schema import ROOT_NAMES, SchemaElement
from router.compose.subgraph import Subgraph


def merge_schema_element(context: MergeContext) -> None:
    sources: Sources[SchemaElement] = {i: s.schema.element for i, s in enumerate(context.subgraphs)}
    element = context.merged.element
    merge_description(context, sources, element)
    record_directives(context, sources, element)
    for kind, name in ROOT_NAMES.items():
        if any(_has_fields(subgraph, kind) for subgraph in context.subgraphs):
            context.merged.roots[kind] = name
    add_join_directives(context, sources, element)


def _has_fields(subgraph: Subgraph, kind: str) -> bool:
    name = subgraph.schema.roots.get(kind)
    type_ = subgraph.schema.types.get(name) if name else None
    return type_ is not None and any(not subgraph.is_machinery_field(type_.name, field) for field in type_.fields)
