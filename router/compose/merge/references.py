"""The type of a field, argument or input field: the widest returned, the narrowest taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from graphql import Node

from router.compose.graphql_rules import contains_in
from router.compose.merge.context import EnumUse, MergeContext, places, spread
from router.compose.schema import Kind
from router.compose.type_ref import TypeRef, base_name, is_strict_subtype


class Typed(Protocol):
    type: TypeRef
    node: Node | None

    @property
    def coordinate(self) -> str: ...


def merge_type_reference(
    context: MergeContext, sources: Mapping[int, Typed | None], merged: Typed, *, is_input: bool, what: str
) -> bool:
    """Sets the merged type; whether all subgraphs have exactly this type."""
    given = {index: source for index, source in sources.items() if source is not None}
    contains = contains_in(context.merged)
    result: TypeRef | None = None
    has_subtypes = is_incompatible = False
    for source in given.values():
        if result is None or result == source.type:
            result = source.type
        elif is_strict_subtype(result, source.type, contains):
            has_subtypes = True
            result = source.type if is_input else result
        elif is_strict_subtype(source.type, result, contains):
            has_subtypes = True
            result = result if is_input else source.type
        else:
            is_incompatible = True
    if result is not None:
        merged.type = result
        _record_enum_use(context, base_name(result), next(iter(given.values())).coordinate, is_input=is_input)
    is_argument = what == "argument"
    if is_incompatible:
        context.report.error(
            "FIELD_ARGUMENT_TYPE_MISMATCH" if is_argument else "FIELD_TYPE_MISMATCH",
            f'The types of {what} "{merged.coordinate}" do not fit together: {_types(context, given)}.',
            places=places(context, given),
        )
    elif has_subtypes:
        context.report.hint(
            "INCONSISTENT_BUT_COMPATIBLE_ARGUMENT_TYPE" if is_argument else "INCONSISTENT_BUT_COMPATIBLE_FIELD_TYPE",
            f'The types of {what} "{merged.coordinate}" differ; the supergraph uses "{merged.type}":'
            f" {_types(context, given)}.",
            merged.coordinate,
            places(context, given),
        )
    return not (is_incompatible or has_subtypes)


def _types(context: MergeContext, sources: Mapping[int, Typed]) -> str:
    return spread(context, dict(sources), lambda source: f'"{source.type}"')


def _record_enum_use(context: MergeContext, name: str, coordinate: str, *, is_input: bool) -> None:
    type_ = context.merged.types.get(name)
    if type_ is None or type_.kind is not Kind.ENUM:
        return
    before = context.enum_uses.get(name, EnumUse())
    if is_input:
        context.enum_uses[name] = EnumUse(before.as_input or coordinate, before.as_output)
    else:
        context.enum_uses[name] = EnumUse(before.as_input, before.as_output or coordinate)
