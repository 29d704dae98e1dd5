"""Fields that implementations have only because an interface object provides them."""

from __future__ import annotations

from router.compose.merge.applications import merge_inherited
from router.compose.merge.context import MergeContext, Sources, join
from router.compose.merge.override import Overrides
from router.compose.merge.sharing import check_sharing
from router.compose.schema import Application, Element, Field, InputValue, Kind, TypeDefinition


def add_interface_object_fields(context: MergeContext) -> None:
    for type_ in list(context.merged.of_kind(Kind.OBJECT)):
        for name in type_.interfaces:
            interface = context.merged.types[name]
            for field in interface.fields.values():
                if field.name not in type_.fields and _is_provided(context, name, field.name):
                    _add_field(context, type_, field)


def _is_provided(context: MergeContext, interface: str, field_name: str) -> bool:
    for index, type_ in context.types_by_name[interface].items():
        if context.subgraphs[index].is_interface_object(type_):
            field = type_.fields.get(field_name)
            if field is not None and not context.facts[index].is_external(field):
                return True
    return False


def _add_field(context: MergeContext, type_: TypeDefinition, of_interface: Field) -> None:
    field = Field(of_interface.name, type_.name, of_interface.type, description=of_interface.description)
    type_.fields[field.name] = field
    for directive, name in context.access.items():
        merge_inherited(context, name, context.inherited_access.get(f"{field.coordinate}@{directive}", []), field)
    field.applications += _copied(context, of_interface)
    for argument in of_interface.arguments.values():
        coordinate = f"{field.coordinate}({argument.name}:)"
        copy = InputValue(argument.name, coordinate, argument.type, argument.default, argument.description)
        copy.applications = _copied(context, argument)
        field.arguments[argument.name] = copy
    # without a graph: it comes from no subgraph's own definition of the type
    field.applications.append(join("field"))
    sources: Sources[Field] = dict.fromkeys(range(len(context.subgraphs)))
    check_sharing(context, sources, field, Overrides())


def _copied(context: MergeContext, element: Element) -> list[Application]:
    skipped = set(context.access.values())
    return [
        Application(use.name, dict(use.arguments))
        for use in element.applications
        if not use.name.startswith("join__") and use.name not in skipped
    ]
