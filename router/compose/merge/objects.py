"""Object types have the fields of all subgraphs."""

from __future__ import annotations

from router.compose.merge.context import MergeContext, Sources, places, present, subgraphs_of
from router.compose.merge.fields import collect_fields, merge_field, stand_ins
from router.compose.merge.override import Overrides, check_overrides
from router.compose.merge.sharing import check_sharing
from router.compose.schema import Field, TypeDefinition


def merge_object(context: MergeContext, merged: TypeDefinition) -> None:
    types = context.types(merged)
    fields = collect_fields(context, merged)
    is_entity = _hint_inconsistent_entity(context, types, merged)
    if not fields:
        # a query type that only had federation's own fields
        del context.merged.types[merged.name]
        context.merged.types_changed()
        context.removed.add(id(merged))
        return
    root = context.merged.root_kind(merged.name)
    for name, sources in fields.items():
        first = next(source for _, source in present(sources))
        merged.fields[name] = Field(name, merged.name, first.type)
    for name, sources in fields.items():
        field = merged.fields[name]
        if not is_entity and root is None:
            hint_missing_field(context, types, field, "INCONSISTENT_OBJECT_VALUE_TYPE_FIELD")
        overrides = overrides_of(context, sources, field)
        if root == "subscription":
            _refuse_shared_subscription(context, sources, field)
        merge_field(context, sources, field, overrides)
        check_sharing(context, sources, field, overrides)


def overrides_of(context: MergeContext, sources: Sources[Field], field: Field) -> Overrides:
    if not any(context.subgraphs[i].applied(source, "override") for i, source in present(sources)):
        return Overrides()
    others = {i: stand_ins(context, field, i) for i, source in sources.items() if source is None}
    return check_overrides(context, sources, field, others)


def hint_missing_field(context: MergeContext, types: Sources[TypeDefinition], field: Field, code: str) -> None:
    """For types without keys, where no subgraph can fetch from another what it lacks."""
    lacking = [
        index
        for index, type_ in present(types)
        if field.name not in type_.fields and not all(map(context.facts[index].is_external, type_.fields.values()))
    ]
    if lacking:
        having = [index for index, type_ in present(types) if field.name in type_.fields]
        context.report.hint(
            code,
            f'"{field.coordinate}" is defined in {subgraphs_of(context, having)}, but not in'
            f" {subgraphs_of(context, lacking)}.",
            field.coordinate,
        )


def _hint_inconsistent_entity(context: MergeContext, types: Sources[TypeDefinition], merged: TypeDefinition) -> bool:
    """Whether the type has a key in any subgraph."""
    keyed = [index for index, type_ in present(types) if context.subgraphs[index].applied(type_, "key")]
    other = [index for index, _ in present(types) if index not in keyed]
    if merged.name == "Query":
        other = [index for index in range(len(context.subgraphs)) if index not in keyed]
    if keyed and other:
        context.report.hint(
            "INCONSISTENT_ENTITY",
            f'"{merged.name}" has a @key in {subgraphs_of(context, keyed)}, but not in {subgraphs_of(context, other)}.',
            merged.name,
            places(context, types),
        )
    return bool(keyed)


def _refuse_shared_subscription(context: MergeContext, sources: Sources[Field], field: Field) -> None:
    shared = [i for i, source in present(sources) if context.subgraphs[i].applied(source, "shareable")]
    if shared:
        context.report.error(
            "INVALID_FIELD_SHARING",
            f'"{field.coordinate}" cannot be @shareable: a subscription comes from one subgraph.',
            places=places(context, {i: sources[i] for i in shared}),
        )
