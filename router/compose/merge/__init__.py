"""Merges validated subgraphs into a supergraph schema.

The order of the steps matters: types exist before anything refers to them; `implements` and unions are known before
field types are compared; enums come last, because how they merge depends on where they are used.
"""

from __future__ import annotations

from collections.abc import Sequence

from router.compose.merge.access import inherited_access
from router.compose.merge.applications import merge_pending_directives
from router.compose.merge.context import MergeContext
from router.compose.merge.definitions import add_directives, merge_directive_definitions
from router.compose.merge.enums import merge_enum
from router.compose.merge.features import prepare
from router.compose.merge.inputs import merge_input_type
from router.compose.merge.interface_objects import add_interface_object_fields
from router.compose.merge.interfaces import merge_interface
from router.compose.merge.objects import merge_object
from router.compose.merge.post import check_merged
from router.compose.merge.roots import merge_schema_element
from router.compose.merge.types import add_types, merge_common, merge_implements
from router.compose.merge.unions import merge_union
from router.compose.report import Report
from router.compose.schema import Kind
from router.compose.subgraph import Subgraph


def merge_subgraphs(subgraphs: Sequence[Subgraph], report: Report) -> MergeContext:
    """`subgraphs` are sorted by name. When the report has errors, the result is incomplete."""
    context = prepare(subgraphs, report)
    if report.has_errors():
        return context
    own = set(context.merged.types)
    add_types(context)
    add_directives(context)
    merged = [type_ for name, type_ in context.merged.types.items() if name not in own]
    for kind in (Kind.OBJECT, Kind.INTERFACE):
        for type_ in (t for t in merged if t.kind is kind):
            merge_implements(context, type_)
    context.inherited_access = inherited_access(context)
    for union in (t for t in merged if t.kind is Kind.UNION):
        merge_common(context, union)
        merge_union(context, union)
    merge_schema_element(context)
    for scalar in (t for t in merged if t.kind is Kind.SCALAR):
        merge_common(context, scalar)
    for kind, merge in (
        (Kind.INPUT_OBJECT, merge_input_type),
        (Kind.INTERFACE, merge_interface),
        (Kind.OBJECT, merge_object),
    ):
        for type_ in (t for t in merged if t.kind is kind):
            merge_common(context, type_)
            merge(context, type_)
    merge_directive_definitions(context)
    for enum in (t for t in merged if t.kind is Kind.ENUM):
        merge_common(context, enum)
        merge_enum(context, enum)
    if "query" not in context.merged.roots:
        report.error("NO_QUERIES", "No subgraph defines a query: a supergraph needs at least one.")
    merge_pending_directives(context)
    add_interface_object_fields(context)
    if not report.has_errors():
        check_merged(context)
    return context
