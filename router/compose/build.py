"""SDL to a subgraph: parse, read the links, add the definitions federation implies, build types and applications.

In: a SubgraphDefinition. Out: a Subgraph that is complete but not yet validated, or findings. Never raises on bad SDL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphql import (
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumTypeExtensionNode,
    ExecutableDefinitionNode,
    FieldDefinitionNode,
    GraphQLError,
    InputObjectTypeDefinitionNode,
    InputObjectTypeExtensionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    InterfaceTypeExtensionNode,
    NamedTypeNode,
    Node,
    ObjectTypeDefinitionNode,
    ObjectTypeExtensionNode,
    ScalarTypeDefinitionNode,
    ScalarTypeExtensionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    StringValueNode,
    TypeDefinitionNode,
    TypeExtensionNode,
    TypeNode,
    UnionTypeDefinitionNode,
    UnionTypeExtensionNode,
    parse,
)

from router.compose.built_in import BUILT_IN_DIRECTIVES, INTROSPECTION_TYPES
from router.compose.complete import complete
from router.compose.findings import FatalError, Finding, Findings, fatal
from router.compose.links import read_links
from router.compose.records import SubgraphDefinition
from router.compose.schema import (
    BUILT_IN_SCALARS,
    ROOT_NAMES,
    Application,
    DirectiveDefinition,
    Element,
    EnumValue,
    Field,
    InputValue,
    Kind,
    Schema,
    TypeDefinition,
)
from router.compose.subgraph import MACHINERY_FIELDS, Subgraph
from router.compose.type_ref import TypeRef, base_name, type_ref
from router.compose.values import ABSENT, value_of
from router.federation import specs

_KINDS: dict[type[Node], Kind] = {
    ScalarTypeDefinitionNode: Kind.SCALAR,
    ScalarTypeExtensionNode: Kind.SCALAR,
    ObjectTypeDefinitionNode: Kind.OBJECT,
    ObjectTypeExtensionNode: Kind.OBJECT,
    InterfaceTypeDefinitionNode: Kind.INTERFACE,
    InterfaceTypeExtensionNode: Kind.INTERFACE,
    UnionTypeDefinitionNode: Kind.UNION,
    UnionTypeExtensionNode: Kind.UNION,
    EnumTypeDefinitionNode: Kind.ENUM,
    EnumTypeExtensionNode: Kind.ENUM,
    InputObjectTypeDefinitionNode: Kind.INPUT_OBJECT,
    InputObjectTypeExtensionNode: Kind.INPUT_OBJECT,
}
_INPUT_KINDS = frozenset({Kind.SCALAR, Kind.ENUM, Kind.INPUT_OBJECT})
_OUTPUT_KINDS = frozenset(Kind) - {Kind.INPUT_OBJECT}


def build_subgraph(definition: SubgraphDefinition, findings: Findings) -> Subgraph | None:
    """None when there are findings."""
    try:
        document = parse(definition.sdl)
        subgraph = _Builder(document, definition, findings).build()
    except GraphQLError as error:
        location = (error.locations[0].line, error.locations[0].column) if error.locations else None
        findings.items.append(Finding("INVALID_GRAPHQL", error.message, location=location))
        return None
    except FatalError as error:
        findings.items[:] = error.findings
        return None
    except RecursionError:
        findings.items[:] = [Finding("INVALID_GRAPHQL", "The SDL is nested too deeply.")]
        return None
    return None if findings else subgraph


class _Builder:
    def __init__(self, document: DocumentNode, definition: SubgraphDefinition, findings: Findings) -> None:
        self.findings = findings
        self.schema = Schema()
        self.subgraph = Subgraph(definition.name, definition.url, self.schema)
        self.types: list[tuple[TypeDefinitionNode | TypeExtensionNode, int]] = []
        self.directives: list[DirectiveDefinitionNode] = []
        self.linked_inputs: set[str] = set()
        self.schema_nodes: list[SchemaDefinitionNode | SchemaExtensionNode] = []
        self._collect(document.definitions)

    def build(self) -> Subgraph:
        for node in self.directives:
            self._build_directive(node)
        for index, schema_node in enumerate(sorted(self.schema_nodes, key=_is_extension)):
            self._build_schema_element(schema_node, index if _is_extension(schema_node) else 0)
        for type_node, _ in self.types:
            if isinstance(type_node, EnumTypeDefinitionNode | EnumTypeExtensionNode):
                self._collect_values(type_node)
        can_complete = read_links(self.subgraph, self.findings)
        self._build_linked_inputs()
        if can_complete:
            complete(self.subgraph, self.findings)
        for use in self.schema.element.applications:
            if not self._is_known(use):
                raise fatal(_unknown_directive(use.name, self.subgraph), use.node)
        for node in self.directives:
            definition = self.schema.directives.get(node.name.value)
            for argument_node in node.arguments or ():
                argument = definition.arguments.get(argument_node.name.value) if definition else None
                if argument is not None:
                    self._apply(argument, argument_node.directives)
        for type_node, extension in self.types:
            self._build_type(type_node, extension)
        return self.subgraph

    # first pass: names

    def _collect(self, definitions: Iterable[DefinitionNode]) -> None:
        extensions: list[TypeExtensionNode] = []
        for node in definitions:
            match node:
                case ExecutableDefinitionNode():
                    self.findings.invalid("A schema cannot hold operations or fragments.", node)
                case SchemaDefinitionNode() | SchemaExtensionNode():
                    self.schema_nodes.append(node)
                case DirectiveDefinitionNode():
                    self._collect_directive(node)
                case ScalarTypeDefinitionNode() if node.name.value in BUILT_IN_SCALARS:
                    pass  # some libraries print the built-in scalars too
                case TypeDefinitionNode() if node.name.value not in INTROSPECTION_TYPES:
                    self._collect_type(node)
                    self.types.append((node, 0))
                case TypeExtensionNode() if node.name.value not in INTROSPECTION_TYPES:
                    extensions.append(node)
        for extension in extensions:
            self._collect_extension(extension)
        if sum(isinstance(node, SchemaDefinitionNode) for node in self.schema_nodes) > 1:
            self.findings.invalid("There can be only one schema definition.", *self.schema_nodes)
        for kind, name in ROOT_NAMES.items():
            if name in self.schema.types and self.schema.types[name].kind is Kind.OBJECT:
                self.schema.roots[kind] = name

    def _collect_directive(self, node: DirectiveDefinitionNode) -> None:
        name = node.name.value
        if name in self.schema.directives:
            raise fatal(f'Directive "@{name}" is defined twice.', node)
        self.directives.append(node)
        self.schema.directives[name] = DirectiveDefinition(name, node=node)

    def _collect_type(self, node: TypeDefinitionNode) -> None:
        name = node.name.value
        if name in self.schema.types:
            raise fatal(f'Type "{name}" is defined twice.', node)
        type_ = TypeDefinition(_KINDS[type(node)], name, is_defined=True, node=node)
        type_.description = node.description.value if node.description else None
        self.schema.types[name] = type_

    def _collect_extension(self, node: TypeExtensionNode) -> None:
        name, kind = node.name.value, _KINDS[type(node)]
        type_ = self.schema.types.get(name)
        if type_ is None:
            if name in BUILT_IN_SCALARS:
                raise fatal(f'The built-in type "{name}" cannot be extended.', node)
            type_ = self.schema.types[name] = TypeDefinition(kind, name, node=node)
        if type_.kind is not kind:
            raise fatal(f'Type "{name}" is extended as another kind of type than it is.', node, type_.node)
        type_.extension_nodes.append(node)
        self.types.append((node, len(type_.extension_nodes)))

    # second pass: contents

    def _build_directive(self, node: DirectiveDefinitionNode) -> None:
        definition = self.schema.directives[node.name.value]
        definition.locations = tuple(location.value for location in node.locations)
        definition.repeatable = node.repeatable
        definition.description = _text(node.description)
        for argument in node.arguments or ():
            name = argument.name.value
            if name in definition.arguments:
                self.findings.invalid(f'Argument "@{definition.name}({name}:)" is defined twice.', argument)
            definition.arguments[name] = self._input_value(argument, f"@{definition.name}({name}:)")

    def _build_schema_element(self, node: SchemaDefinitionNode | SchemaExtensionNode, extension: int) -> None:
        element = self.schema.element
        element.node = element.node or node
        seen: set[str] = set()
        for root in node.operation_types or ():
            kind, name = root.operation.value, root.type.name.value
            type_ = self.schema.types.get(name)
            if type_ is None:
                self.findings.invalid(f'The {kind} root "{name}" is not defined.', root)
            elif type_.kind is not Kind.OBJECT:
                self.findings.invalid(f'The {kind} root "{name}" is not an object type.', root)
            elif kind in seen:
                self.findings.invalid(f"There can be only one {kind} root.", root)
            else:
                seen.add(kind)
                self.schema.roots[kind] = name
        if isinstance(node, SchemaDefinitionNode):
            element.description = _text(node.description)
        element.applications += [_application(use, extension) for use in node.directives or ()]

    def _build_type(self, node: TypeDefinitionNode | TypeExtensionNode, extension: int) -> None:
        type_ = self.schema.types[node.name.value]
        match node:
            case (
                ObjectTypeDefinitionNode()
                | ObjectTypeExtensionNode()
                | InterfaceTypeDefinitionNode()
                | InterfaceTypeExtensionNode()
            ):
                for field_node in node.fields or ():
                    # Federation 1 libraries print these without the types they need
                    is_ignored = not self.subgraph.is_fed2 and self.schema.roots.get("query") == type_.name
                    if not is_ignored or field_node.name.value not in MACHINERY_FIELDS:
                        self._build_field(type_, field_node, extension)
                self._build_interfaces(type_, node.interfaces or ())
            case UnionTypeDefinitionNode() | UnionTypeExtensionNode():
                self._build_members(type_, node.types or ())
            case EnumTypeDefinitionNode() | EnumTypeExtensionNode():
                for value_node in node.values or ():
                    self._apply(type_.values[value_node.name.value], value_node.directives)
            case InputObjectTypeDefinitionNode() | InputObjectTypeExtensionNode():
                if type_.name not in self.linked_inputs:
                    self._build_inputs(type_, node)
            case _:
                pass
        self._apply(type_, node.directives, extension)

    def _build_field(self, type_: TypeDefinition, node: FieldDefinitionNode, extension: int) -> None:
        name = node.name.value
        if name in type_.fields:
            raise fatal(f'Field "{type_.name}.{name}" is defined twice.', node)
        field = Field(name, type_.name, self._type(node.type), node=node, extension=extension)
        field.description = _text(node.description)
        if not self._has_kind(field.type, _OUTPUT_KINDS):
            self.findings.invalid(f'Field "{field.coordinate}" has an input type.', node)
        type_.fields[name] = field
        for argument_node in node.arguments or ():
            argument_name = argument_node.name.value
            coordinate = f"{field.coordinate}({argument_name}:)"
            if argument_name in field.arguments:
                self.findings.invalid(f'Argument "{coordinate}" is defined twice.', argument_node)
            argument = field.arguments[argument_name] = self._input_value(argument_node, coordinate)
            self._apply(argument, argument_node.directives)
        self._apply(field, node.directives)

    def _build_inputs(
        self, type_: TypeDefinition, node: InputObjectTypeDefinitionNode | InputObjectTypeExtensionNode
    ) -> None:
        for input_node in node.fields or ():
            name = input_node.name.value
            if name in type_.inputs:
                raise fatal(f'Input field "{type_.name}.{name}" is defined twice.', input_node)
            type_.inputs[name] = self._input_value(input_node, f"{type_.name}.{name}")
            self._apply(type_.inputs[name], input_node.directives)

    def _build_linked_inputs(self) -> None:
        """Input types of a linked feature are compared with its specification, so they are needed early."""
        for link in self.subgraph.links.links.values() if self.subgraph.links else ():
            spec = specs.feature_spec(link.url)
            self.linked_inputs |= {link.type_name(name) for name in spec.inputs} if spec else set()
        for node, _ in self.types:
            if node.name.value in self.linked_inputs and isinstance(
                node, InputObjectTypeDefinitionNode | InputObjectTypeExtensionNode
            ):
                self._build_inputs(self.schema.types[node.name.value], node)

    def _build_interfaces(self, type_: TypeDefinition, nodes: Sequence[NamedTypeNode]) -> None:
        for node in nodes:
            name = node.name.value
            interface = self.schema.types.get(name)
            if interface is None or interface.kind is not Kind.INTERFACE:
                self.findings.invalid(f'"{type_.name}" implements "{name}", which is not an interface.', node)
            elif name in type_.interfaces:
                self.findings.invalid(f'"{type_.name}" implements "{name}" twice.', node)
            else:
                type_.interfaces.append(name)

    def _build_members(self, type_: TypeDefinition, nodes: Sequence[NamedTypeNode]) -> None:
        for node in nodes:
            name = node.name.value
            member = self.schema.types.get(name)
            if member is None or member.kind is not Kind.OBJECT:
                self.findings.invalid(f'Union "{type_.name}" includes "{name}", which is not an object type.', node)
            elif name in type_.members:
                self.findings.invalid(f'Union "{type_.name}" includes "{name}" twice.', node)
            else:
                type_.members.append(name)

    def _collect_values(self, node: EnumTypeDefinitionNode | EnumTypeExtensionNode) -> None:
        """Known before the definitions of `@link` are, which may be among them."""
        type_ = self.schema.types[node.name.value]
        for value_node in node.values or ():
            name = value_node.name.value
            # a value may be listed twice: the type is the same with or without the second
            if name not in type_.values:
                type_.values[name] = EnumValue(name, type_.name, _text(value_node.description), node=value_node)

    def _input_value(self, node: InputValueDefinitionNode, coordinate: str) -> InputValue:
        value = InputValue(node.name.value, coordinate, self._type(node.type), node=node)
        value.description = _text(node.description)
        value.default = value_of(node.default_value) if node.default_value is not None else ABSENT
        if not self._has_kind(value.type, _INPUT_KINDS):
            self.findings.invalid(f'"{coordinate}" has an output type.', node)
        return value

    def _type(self, node: TypeNode) -> TypeRef:
        ref = type_ref(node)
        name = base_name(ref)
        if name not in self.schema.types and name not in BUILT_IN_SCALARS and name not in INTROSPECTION_TYPES:
            raise fatal(f'Type "{name}" is not defined.', node)
        return ref

    def _has_kind(self, ref: TypeRef, kinds: frozenset[Kind]) -> bool:
        type_ = self.schema.types.get(base_name(ref))
        return type_ is None or type_.kind in kinds

    def _apply(self, element: Element, nodes: Sequence[ConstDirectiveNode] | None, extension: int = 0) -> None:
        if not nodes:
            return
        uses = [_application(node, extension) for node in nodes]
        element.applications += uses
        for use in uses:
            if not self._is_known(use):
                self.findings.invalid(_unknown_directive(use.name, self.subgraph), use.node)

    def _is_known(self, use: Application) -> bool:
        return use.name in self.schema.directives or use.name in BUILT_IN_DIRECTIVES


def _is_extension(node: Node) -> bool:
    return isinstance(node, SchemaExtensionNode)


def _text(node: StringValueNode | None) -> str | None:
    return node.value if node is not None else None


def _application(node: ConstDirectiveNode, extension: int) -> Application:
    arguments = {argument.name.value: value_of(argument.value) for argument in node.arguments or ()}
    return Application(node.name.value, arguments, node, extension)


def _unknown_directive(name: str, subgraph: Subgraph) -> str:
    latest = specs.federation_spec(specs.LATEST_FEDERATION)
    message = f'Directive "@{name}" is not defined.'
    if latest is None or name not in latest.directives:
        return message
    link = subgraph.links.federation() if subgraph.links else None
    if link is None:
        return f"{message} It belongs to Federation 2: @link to {specs.FEDERATION}/v2.0 or later, and import it."
    return f'{message} Import "@{name}" in the @link to federation, or write "@{link.directive_name(name)}".'
