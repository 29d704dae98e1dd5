"""Enums: all values if only returned, the common values if only taken, and otherwise they must be equal."""

from __future__ import annotations

from router.compose.merge.applications import record_directives
from router.compose.merge.context import EnumUse, MergeContext, Sources, join, places, presence, present
from router.compose.merge.descriptions import merge_description
from router.compose.schema import EnumValue, TypeDefinition, applied


def merge_enum(context: MergeContext, merged: TypeDefinition) -> None:
    sources = context.types(merged)
    use = context.enum_uses.get(merged.name)
    if use is None:
        use = EnumUse(as_output="")
        context.report.hint(
            "UNUSED_ENUM_TYPE", f'Enum "{merged.name}" is not used; it gets all values of all subgraphs.', merged.name
        )
    for _, type_ in present(sources):
        for name in type_.values:
            merged.values.setdefault(name, EnumValue(name, merged.name))
    for value in list(merged.values.values()):
        _merge_value(context, sources, merged, value, use)
    if not merged.values:
        context.report.error(
            "EMPTY_MERGED_ENUM_TYPE",
            f'No value of enum "{merged.name}", which is used as input, is defined in all subgraphs.',
            places=places(context, sources),
        )


def _merge_value(
    context: MergeContext, types: Sources[TypeDefinition], merged: TypeDefinition, value: EnumValue, use: EnumUse
) -> None:
    sources: Sources[EnumValue] = {i: type_.values.get(value.name) for i, type_ in present(types)}
    merge_description(context, sources, value)
    record_directives(context, sources, value)
    for index, _ in present(sources):
        value.applications.append(join("enumValue", graph=context.graph(index)))
    if None not in sources.values():
        return
    where = presence(context, sources)
    if use.as_input is None:
        context.report.hint(
            "INCONSISTENT_ENUM_VALUE_FOR_OUTPUT_ENUM", f'Enum value "{value.coordinate}" is {where}.', value.coordinate
        )
        return
    if context.inaccessible is not None and applied(value, context.inaccessible):
        return
    if use.as_output is not None:
        context.report.error(
            "ENUM_VALUE_MISMATCH",
            f'Enum "{merged.name}" is used as input ("{use.as_input}") and as output ("{use.as_output}"), so its values'
            f' must be the same everywhere; but "{value.name}" is {where}.',
            places=places(context, types),
        )
        return
    context.report.hint(
        "INCONSISTENT_ENUM_VALUE_FOR_INPUT_ENUM",
        f'Enum value "{value.coordinate}" is left out of the supergraph: it is {where}.',
        value.coordinate,
    )
    del merged.values[value.name]
    context.removed.add(id(value))
