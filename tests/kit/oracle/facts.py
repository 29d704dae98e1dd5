"""What the SDL of one subgraph says, read without the router: an executable schema and the federation directives."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from graphql import (
    BooleanValueNode,
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    FieldNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    OperationDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    SelectionSetNode,
    StringValueNode,
    TypeDefinitionNode,
    build_ast_schema,
    get_named_type,
    parse,
)


@dataclass(frozen=True, slots=True)
class KeyFacts:
    selections: SelectionSetNode
    is_resolvable: bool


@dataclass(frozen=True, slots=True)
class FieldFacts:
    node: FieldDefinitionNode
    is_external: bool
    requires: SelectionSetNode | None
    provides: SelectionSetNode | None
    override: str | None  #: the subgraph it is taken from
    label: str | None
    context: dict[str, tuple[str, SelectionSetNode]]  #: argument -> name of the context, what to take there


@dataclass(slots=True)
class SubgraphFacts:
    name: str
    schema: GraphQLSchema  #: executable, with `_entities`
    keys: dict[str, list[KeyFacts]] = field(default_factory=dict)
    fields: dict[tuple[str, str], FieldFacts] = field(default_factory=dict)
    key_fields: set[tuple[str, str]] = field(default_factory=set)  #: type, field: part of a key, however deep
    interface_objects: set[str] = field(default_factory=set)
    contexts: dict[str, set[str]] = field(default_factory=dict)  #: context -> types that set it
    inaccessible: set[str] = field(default_factory=set)  #: types, and enum values as `Enum.VALUE`
    roots: dict[str, str] = field(default_factory=dict)  #: root types by another name here -> their name everywhere

    def name_everywhere(self, type_name: str) -> str:
        return self.roots.get(type_name, type_name)


def read_facts(name: str, sdl: str) -> SubgraphFacts:
    definitions = [_as_definition(node) for node in parse(sdl, no_location=True).definitions]
    roots = {
        each.type.name.value: each.operation.value.title()
        for node in definitions
        if isinstance(node, SchemaDefinitionNode)
        for each in node.operation_types
    }
    facts = SubgraphFacts(name, _executable(definitions, roots), roots=roots)
    for node in definitions:
        if isinstance(node, TypeDefinitionNode):
            _read_type(node, facts)
    for type_name, keys in facts.keys.items():
        for key in keys:
            facts.key_fields.update(paths(facts.schema, type_name, key.selections))
    return facts


def directives(nodes: Iterable[ConstDirectiveNode] | None, name: str) -> Iterator[dict[str, str | bool]]:
    """Arguments of each application; enum, number and list values are left out."""
    for node in nodes or ():
        if node.name.value.removeprefix("federation__") == name:
            yield {
                a.name.value: a.value.value
                for a in node.arguments or ()
                if isinstance(a.value, StringValueNode | BooleanValueNode)
            }


def has_directive(nodes: Iterable[ConstDirectiveNode] | None, name: str) -> bool:
    return any(True for _ in directives(nodes, name))


def field_set(text: str) -> SelectionSetNode:
    definition = parse("{" + text + "}", no_location=True).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    return definition.selection_set


def _as_definition(node: DefinitionNode) -> DefinitionNode:
    if not isinstance(node, ObjectTypeExtensionNode):
        return node
    return ObjectTypeDefinitionNode(
        name=node.name, interfaces=node.interfaces, directives=node.directives, fields=node.fields
    )


def _executable(definitions: list[DefinitionNode], roots: Mapping[str, str]) -> GraphQLSchema:
    types = [node for node in definitions if isinstance(node, TypeDefinitionNode)]
    entities = [
        node.name.value
        for node in types
        if isinstance(node, ObjectTypeDefinitionNode) and has_directive(node.directives, "key")
    ]
    names = {node.name.value for node in types}
    query = next((name for name, everywhere in roots.items() if everywhere == "Query"), "Query")
    sdl = "" if query in names else "type Query { _sdl: String }\n"
    sdl += "directive @_ on FIELD\n"
    if entities:
        sdl += f"scalar _Any\nunion _Entity = {' | '.join(entities)}\n"
        sdl += f"extend type {query} {{ _entities(representations: [_Any!]!): [_Entity]! }}\n"
    used = [node for node in definitions if not isinstance(node, _NOT_EXECUTED)]
    added = parse(sdl, no_location=True).definitions
    return build_ast_schema(DocumentNode(definitions=(*used, *added)), assume_valid=True, assume_valid_sdl=True)


_CONTEXT = re.compile(r"\$(\w+)\s*(.*\S)", re.DOTALL)
_NOT_EXECUTED = (SchemaExtensionNode, DirectiveDefinitionNode)


def _read_type(node: TypeDefinitionNode, facts: SubgraphFacts) -> None:
    name = facts.name_everywhere(node.name.value)
    if has_directive(node.directives, "inaccessible"):
        facts.inaccessible.add(name)
    for key in directives(node.directives, "key"):
        facts.keys.setdefault(name, []).append(
            KeyFacts(field_set(str(key["fields"])), key.get("resolvable", True) is True)
        )
    for context in directives(node.directives, "context"):
        facts.contexts.setdefault(str(context["name"]), set()).add(name)
    if has_directive(node.directives, "interfaceObject"):
        facts.interface_objects.add(name)
    if isinstance(node, EnumTypeDefinitionNode):
        facts.inaccessible.update(
            f"{name}.{value.name.value}"
            for value in node.values or ()
            if has_directive(value.directives, "inaccessible")
        )
    if isinstance(node, ObjectTypeDefinitionNode | InterfaceTypeDefinitionNode):
        is_external = has_directive(node.directives, "external")
        for each in node.fields or ():
            facts.fields[name, each.name.value] = _read_field(each, is_external)


def _read_field(node: FieldDefinitionNode, is_external: bool) -> FieldFacts:
    def text(directive: str, argument: str) -> str | None:
        return next(
            (str(found[argument]) for found in directives(node.directives, directive) if argument in found), None
        )

    requires, provides = text("requires", "fields"), text("provides", "fields")
    context: dict[str, tuple[str, SelectionSetNode]] = {}
    for argument in node.arguments or ():
        for found in directives(argument.directives, "fromContext"):
            name, selections = _CONTEXT.findall(str(found["field"]))[0]
            # `{ … }`, or `... on One { … } ... on Other { … }`
            fields = selections[1:-1] if selections.startswith("{") else selections
            context[argument.name.value] = (name, field_set(fields))
    return FieldFacts(
        node,
        is_external or has_directive(node.directives, "external"),
        field_set(requires) if requires is not None else None,
        field_set(provides) if provides is not None else None,
        text("override", "from"),
        text("override", "label"),
        context,
    )


def paths(schema: GraphQLSchema, type_name: str, selections: SelectionSetNode) -> Iterator[tuple[str, str]]:
    """Type and field of everything in a field set, however deep."""
    parent = schema.type_map.get(type_name)
    for node in selections.selections:
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition.name.value if node.type_condition else type_name
            yield from paths(schema, condition, node.selection_set)
        elif isinstance(node, FieldNode) and isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            yield type_name, node.name.value
            if node.selection_set:
                named = get_named_type(parent.fields[node.name.value].type)
                yield from paths(schema, named.name, node.selection_set)


def possible_types(schema: GraphQLSchema, name: str) -> set[str]:
    """Names of the object types behind a type of the schema."""
    named = schema.type_map[name]
    if isinstance(named, GraphQLObjectType):
        return {name}
    return {each.name for each in schema.get_possible_types(named)}  # type: ignore[arg-type]  # composite by its place
