"""Fields of objects and interfaces."""

from __future__ import annotations

from router.compose.facts import split_context
from router.compose.graphql_rules import contains_in
from router.compose.merge.applications import composes, record_field_directives
from router.compose.merge.arguments import merge_arguments
from router.compose.merge.context import MergeContext, Sources, join, places, present, spread, subgraphs_of
from router.compose.merge.descriptions import merge_description
from router.compose.merge.join_directives import add_join_directives
from router.compose.merge.override import Overrides
from router.compose.merge.references import merge_type_reference
from router.compose.schema import Field, InputValue, Kind, TypeDefinition
from router.compose.type_ref import is_strict_subtype
from router.compose.values import Value, same_value


def collect_fields(context: MergeContext, merged: TypeDefinition) -> dict[str, Sources[Field]]:
    """Field name -> its versions; None for subgraphs that have the type, or stand in for it, without the field."""
    types = context.types(merged)
    base: Sources[Field] = {}
    for index, subgraph in enumerate(context.subgraphs):
        stands_in = any(
            (i := subgraph.schema.types.get(name)) is not None and subgraph.is_interface_object(i)
            for name in merged.interfaces
        )
        if stands_in or has_type(context, index, merged.name):
            base[index] = None
    found: dict[str, Sources[Field]] = {}
    for index, type_ in present(types):
        for field in type_.fields.values():
            if not context.subgraphs[index].is_machinery_field(type_.name, field.name):
                found.setdefault(field.name, dict(base))[index] = field
    return found


def has_type(context: MergeContext, index: int, name: str) -> bool:
    """Every subgraph has a query type, if only for federation's own fields."""
    return name == "Query" or index in context.types_by_name[name]


def stand_ins(context: MergeContext, field: Field, index: int) -> list[Field]:
    """The fields of interface objects by which a subgraph that lacks the field's type provides it all the same."""
    merged = context.merged.types[field.parent]
    if merged.kind is not Kind.OBJECT or has_type(context, index, merged.name):
        return []
    found: list[Field] = []
    for name in merged.interfaces:
        if field.name not in context.merged.types[name].fields:
            continue
        type_ = context.types_by_name[name].get(index)
        if type_ is not None and type_.kind is Kind.OBJECT and field.name in type_.fields:
            found.append(type_.fields[field.name])
    return found


def merge_field(context: MergeContext, sources: Sources[Field], merged: Field, overrides: Overrides) -> None:
    if _is_external_everywhere(context, sources, merged):
        marking = [i for i, source in sources.items() if source is not None or stand_ins(context, merged, i)]
        context.report.error(
            "EXTERNAL_MISSING_ON_BASE",
            f'"{merged.coordinate}" is @external wherever it is listed: in {subgraphs_of(context, marking)}.',
            places=places(context, sources),
        )
        return
    resolved = _without_external(context, sources)
    merge_description(context, resolved, merged)
    record_field_directives(context, resolved, merged)
    merge_arguments(context, resolved, merged)
    # with interface objects a field may be @external wherever it is declared, and still resolved elsewhere
    declared = resolved if any(source is not None for source in resolved.values()) else sources
    all_equal = merge_type_reference(context, declared, merged, is_input=False, what="field")
    _check_external(context, sources, merged, all_equal=all_equal)
    _add_join_fields(context, sources, merged, overrides, all_equal=all_equal)
    add_join_directives(context, sources, merged)


def _is_external_everywhere(context: MergeContext, sources: Sources[Field], merged: Field) -> bool:
    for index, source in sources.items():
        facts = context.facts[index]
        versions = [source] if source is not None else stand_ins(context, merged, index)
        if not all(facts.is_external(version) for version in versions):
            return False
    return True


def _without_external(context: MergeContext, sources: Sources[Field]) -> Sources[Field]:
    resolved: Sources[Field] = {}
    for index, source in sources.items():
        if source is None or not context.facts[index].is_external(source):
            resolved[index] = source
            continue
        resolved[index] = None
        for use in source.applications:
            if composes(context, index, use.name):
                context.report.error(
                    "MERGED_DIRECTIVE_APPLICATION_ON_EXTERNAL",
                    f'@{use.name} on "{source.coordinate}" has no effect, because the field is @external there.',
                    places=[context.place(index, use.node)],
                )
    return resolved


def _check_external(context: MergeContext, sources: Sources[Field], merged: Field, *, all_equal: bool) -> None:
    contains = contains_in(context.merged)
    external = {i: s for i, s in present(sources) if context.facts[i].is_external(s)}
    wrong: dict[str, str] = {}
    for source in external.values():
        if source.type != merged.type and (all_equal or not is_strict_subtype(merged.type, source.type, contains)):
            wrong["EXTERNAL_TYPE_MISMATCH"] = merged.coordinate
        for name, argument in merged.arguments.items():
            own = source.arguments.get(name)
            if own is None:
                wrong["EXTERNAL_ARGUMENT_MISSING"] = argument.coordinate
                continue
            if own.type != argument.type and not is_strict_subtype(own.type, argument.type, contains):
                wrong["EXTERNAL_ARGUMENT_TYPE_MISMATCH"] = argument.coordinate
            if not same_value(own.default, argument.default):
                wrong["EXTERNAL_ARGUMENT_DEFAULT_MISMATCH"] = argument.coordinate
    for code, coordinate in wrong.items():
        types = spread(context, sources, lambda source: f'"{source.type}"')
        context.report.error(
            code,
            f'"{coordinate}" is declared differently where it is @external (in {subgraphs_of(context, external)}):'
            f" {types}.",
            places=places(context, sources),
        )


def _add_join_fields(
    context: MergeContext, sources: Sources[Field], merged: Field, overrides: Overrides, *, all_equal: bool
) -> None:
    if all_equal and not _needs_join_field(context, sources, merged, overrides):
        return
    for index, source in present(sources):
        label = overrides.labels.get(index)
        if index in overrides.unused and label is None:
            continue
        subgraph = context.subgraphs[index]
        override = subgraph.applied(source, "override")
        merged.applications.append(
            join(
                "field",
                graph=context.graph(index),
                requires=_field_set(context, index, source, "requires"),
                provides=_field_set(context, index, source, "provides"),
                override=override.arguments.get("from") if override else None,
                type=None if all_equal else str(source.type),
                external=context.facts[index].is_external(source) or None,
                usedOverridden=(index in overrides.used) or None,
                overrideLabel=label,
                contextArguments=_context_arguments(context, index, source) or None,
            )
        )


def _needs_join_field(context: MergeContext, sources: Sources[Field], merged: Field, overrides: Overrides) -> bool:
    """Without @join__field, a field is resolved alike by all subgraphs that have its type."""
    if overrides.used or overrides.labels:
        return True
    for index, source in sources.items():
        if source is None or index in overrides.unused:
            if has_type(context, index, merged.parent):
                return True
            continue
        subgraph = context.subgraphs[index]
        if (
            context.facts[index].is_external(source)
            or subgraph.applied(source, "provides")
            or subgraph.applied(source, "requires")
            or any(subgraph.applied(argument, "fromContext") for argument in source.arguments.values())
        ):
            return True
    return False


def _field_set(context: MergeContext, index: int, source: Field, directive: str) -> Value:
    use = context.subgraphs[index].applied(source, directive)
    return use.arguments.get("fields") if use else None


def _context_arguments(context: MergeContext, index: int, source: Field) -> list[dict[str, str]]:
    subgraph = context.subgraphs[index]
    found: list[dict[str, str]] = []
    for argument in source.arguments.values():
        use = subgraph.applied(argument, "fromContext")
        parsed = split_context(use.arguments.get("field")) if use else None
        if parsed is not None:
            found.append(_context_argument(subgraph.name, argument, *parsed))
    return found


def _context_argument(subgraph: str, argument: InputValue, context_name: str, selection: str) -> dict[str, str]:
    return {
        "context": f"{subgraph}__{context_name}",
        "name": argument.name,
        "type": str(argument.type),
        "selection": selection,
    }
