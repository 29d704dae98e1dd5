"""Input types have the fields that all their subgraphs define; arguments and input fields have one type and default."""

from __future__ import annotations

from router.compose.merge.applications import record_directives
from router.compose.merge.context import MergeContext, Sources, join, places, presence, present, spread, subgraphs_of
from router.compose.merge.descriptions import merge_description
from router.compose.merge.references import merge_type_reference
from router.compose.schema import InputValue, TypeDefinition, applied, is_required
from router.compose.values import ABSENT, Absent, Value, print_value, same_value


def merge_input_type(context: MergeContext, merged: TypeDefinition) -> None:
    types = context.types(merged)
    names = dict.fromkeys(name for _, type_ in present(types) for name in type_.inputs)
    for name in names:
        sources: Sources[InputValue] = {i: type_.inputs.get(name) for i, type_ in present(types)}
        field = _merge_input_field(context, sources, merged, name)
        is_hidden = context.inaccessible is not None and applied(field, context.inaccessible) is not None
        if None not in sources.values() or is_hidden:
            merged.inputs[name] = field
            continue
        context.removed.add(id(field))
        _report_missing(context, sources, field)
    if not merged.inputs:
        context.report.error(
            "EMPTY_MERGED_INPUT_TYPE",
            f'No field of input type "{merged.name}" is defined in all of its subgraphs.',
            places=places(context, types),
        )


def _merge_input_field(
    context: MergeContext, sources: Sources[InputValue], merged: TypeDefinition, name: str
) -> InputValue:
    first = next(source for _, source in present(sources))
    field = InputValue(name, f"{merged.name}.{name}", first.type)
    merge_description(context, sources, field)
    record_directives(context, sources, field)
    all_equal = merge_type_reference(context, sources, field, is_input=True, what="input field")
    if not all_equal or None in sources.values():
        for index, source in present(sources):
            type_ = None if all_equal else str(source.type)
            field.applications.append(join("field", graph=context.graph(index), type=type_))
    merge_default(context, sources, field, "INPUT_FIELD_DEFAULT_MISMATCH")
    return field


def _report_missing(context: MergeContext, sources: Sources[InputValue], field: InputValue) -> None:
    requiring = [index for index, source in present(sources) if is_required(source)]
    where = presence(context, sources)
    if requiring:
        context.report.error(
            "REQUIRED_INPUT_FIELD_MISSING_IN_SOME_SUBGRAPH",
            f'Input field "{field.coordinate}" is required in {subgraphs_of(context, requiring)}, but it is {where}.',
            places=places(context, sources),
        )
    else:
        context.report.hint(
            "INCONSISTENT_INPUT_OBJECT_FIELD",
            f'Input field "{field.coordinate}" is left out of the supergraph: it is {where}.',
            field.coordinate,
        )


def merge_default(context: MergeContext, sources: Sources[InputValue], merged: InputValue, code: str) -> None:
    """The default value, if all subgraphs have it; two different ones are an error."""
    defaults = [source.default for _, source in present(sources)]
    given = [default for default in defaults if default is not ABSENT]
    if not given:
        return
    described = dict(present(sources))
    if not all(same_value(given[0], other) for other in given):
        merged.default = given[0]
        context.report.error(
            code,
            f'"{merged.coordinate}" has different default values: {spread(context, described, _default)}.',
            places=places(context, described),
        )
    elif len(given) == len(defaults):
        merged.default = given[0]
    else:
        context.report.hint(
            "INCONSISTENT_DEFAULT_VALUE_PRESENCE",
            f'"{merged.coordinate}" has a default value in some subgraphs only, so none in the supergraph:'
            f" {spread(context, described, _default)}.",
            merged.coordinate,
        )


def _default(value: InputValue) -> str:
    default: Value | Absent = value.default
    return "no default" if isinstance(default, Absent) else print_value(default)
