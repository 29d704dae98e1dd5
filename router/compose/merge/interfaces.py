"""Interfaces have the fields of all subgraphs, interface objects included."""

from __future__ import annotations

from router.compose.merge.context import MergeContext, Sources, present
from router.compose.merge.fields import collect_fields, merge_field
from router.compose.merge.objects import hint_missing_field, overrides_of
from router.compose.report import name_list
from router.compose.schema import Field, Kind, TypeDefinition


def merge_interface(context: MergeContext, merged: TypeDefinition) -> None:
    types = context.types(merged)
    has_key = _check_keys(context, types, merged)
    _check_interface_objects(context, types, merged)
    fields = collect_fields(context, merged)
    for name, sources in fields.items():
        first = next(source for _, source in present(sources))
        merged.fields[name] = Field(name, merged.name, first.type)
    for name, sources in fields.items():
        field = merged.fields[name]
        if not has_key:
            hint_missing_field(context, types, field, "INCONSISTENT_INTERFACE_VALUE_TYPE_FIELD")
        merge_field(context, sources, field, overrides_of(context, sources, field))


def _check_keys(context: MergeContext, types: Sources[TypeDefinition], merged: TypeDefinition) -> bool:
    """Who can resolve the interface by key must know all implementations. Returns whether there is any key."""
    implementations = context.possible_types(merged.name)
    has_key = False
    for index, type_ in present(types):
        if type_.kind is not Kind.INTERFACE:
            continue
        subgraph = context.subgraphs[index]
        keys = subgraph.all_applied(type_, "key")
        has_key = has_key or bool(keys)
        resolvable = next((key for key in keys if key.arguments.get("resolvable") is not False), None)
        own = subgraph.schema.possible_types(type_.name)
        missing = [name for name in implementations if name not in own]
        if resolvable is not None and missing and len(own) < len(implementations):
            context.report.error(
                "INTERFACE_KEY_MISSING_IMPLEMENTATION_TYPE",
                f'"{merged.name}" has a resolvable key, but this subgraph does not define its implementing'
                f" {name_list(missing, 'type', 'types')}.",
                places=[context.place(index, resolvable.node)],
                subgraphs=(subgraph.name,),
            )
    return has_key


def _check_interface_objects(context: MergeContext, types: Sources[TypeDefinition], merged: TypeDefinition) -> None:
    """An interface object stands for all implementations, so none of them can be defined beside it."""
    implementations = context.possible_types(merged.name)
    for index, type_ in present(types):
        subgraph = context.subgraphs[index]
        defined = [name for name in implementations if name in subgraph.schema.types]
        if subgraph.is_interface_object(type_) and defined:
            context.report.error(
                "INTERFACE_OBJECT_USAGE_ERROR",
                f'"{merged.name}" is an @interfaceObject, so this subgraph cannot define its implementing'
                f" {name_list(defined, 'type', 'types')}.",
                places=[context.place(index, type_.node)],
                subgraphs=(subgraph.name,),
            )
