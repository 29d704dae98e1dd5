"""The schema of each subgraph, extracted from the supergraph.

In: the parsed supergraph SDL and the join records. Out: one document per subgraph with the federation directives that
matter to planning (`@key`, `@external`, `@requires`, `@provides`, `@interfaceObject`), and the executable schema with
`_entities` for it. What a subgraph has is stated in `join.py`; fields used though overridden stay as `@external`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from graphql import (
    ConstArgumentNode,
    ConstDirectiveNode,
    DefinitionNode,
    DirectiveDefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    NamedTypeNode,
    NameNode,
    ObjectTypeDefinitionNode,
    OperationType,
    OperationTypeDefinitionNode,
    SchemaDefinitionNode,
    StringValueNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    parse,
    parse_const_value,
    parse_type,
)

from router.supergraph.ast import replace_node
from router.supergraph.features import Features
from router.supergraph.model import JoinField, JoinType, TypeInfo, TypeKind

_DIRECTIVES = parse(
    """
    directive @key(fields: String!, resolvable: Boolean = true) repeatable on OBJECT | INTERFACE
    directive @external on FIELD_DEFINITION
    directive @requires(fields: String!) on FIELD_DEFINITION
    directive @provides(fields: String!) on FIELD_DEFINITION
    directive @interfaceObject on OBJECT
    """,
    no_location=True,
).definitions
_BUILT_IN = frozenset({"deprecated", "specifiedBy", "oneOf"})


class SubgraphExtractor:
    def __init__(
        self, document: DocumentNode, features: Features, types: Mapping[str, TypeInfo], roots: Mapping[str, str]
    ) -> None:
        self._definitions = [
            node
            for node in document.definitions
            if isinstance(node, TypeDefinitionNode) and not features.owns_type(node.name.value)
        ]
        self._users_directives = [
            node
            for node in document.definitions
            if isinstance(node, DirectiveDefinitionNode) and not features.owns_directive(node.name.value)
        ]
        self._types = types
        self._roots = roots

    def extract(self, subgraph: str) -> DocumentNode:
        """The subgraph's own schema. Types that would be empty there are left out."""
        definitions = [d for node in self._definitions if (d := self._type(node, subgraph)) is not None]
        present = {d.name.value for d in definitions}
        definitions = [_without_absent_interfaces(d, present) for d in definitions]
        roots = tuple(_root(kind, name) for kind, name in self._roots.items() if name in present)
        schema: list[DefinitionNode] = [SchemaDefinitionNode(directives=(), operation_types=roots)] if roots else []
        return DocumentNode(definitions=(*schema, *_DIRECTIVES, *self._users_directives, *definitions))

    def with_entities(self, document: DocumentNode, subgraph: str) -> DocumentNode:
        """Adds what the subgraph specification adds: `_Any`, `_Entity`, `Query._entities`."""
        entities = [
            node.name.value
            for node in document.definitions
            if isinstance(node, ObjectTypeDefinitionNode) and self._types[node.name.value].by_subgraph[subgraph].keys
        ]
        query = self._roots["query"]
        fields = "_entities(representations: [_Any!]!): [_Entity]!" if entities else "_empty: Boolean"
        extra = "scalar _Any\n" + (f"union _Entity = {' | '.join(entities)}\n" if entities else "")
        added = parse(extra + f"type {query} {{ {fields} }}", no_location=True).definitions
        kept: list[DefinitionNode] = []
        merged = False
        for node in document.definitions:
            if isinstance(node, ObjectTypeDefinitionNode) and node.name.value == query:
                addition = added[-1]
                assert isinstance(addition, ObjectTypeDefinitionNode)  # noqa: S101  # parsed six lines above
                node, merged = replace_node(node, fields=(*(node.fields or ()), *(addition.fields or ()))), True
            kept.append(node)
        if not merged:
            kept = [n for n in kept if not isinstance(n, SchemaDefinitionNode)]
            kept.append(self._schema_definition({n.name.value for n in kept if isinstance(n, TypeDefinitionNode)}))
        return DocumentNode(definitions=(*kept, *(added[:-1] if merged else added)))

    def _schema_definition(self, present: set[str]) -> SchemaDefinitionNode:
        return SchemaDefinitionNode(
            directives=(),
            operation_types=tuple(
                _root(kind, name) for kind, name in self._roots.items() if kind == "query" or name in present
            ),
        )

    def _type(self, node: TypeDefinitionNode, subgraph: str) -> TypeDefinitionNode | None:
        info = self._types[node.name.value]
        joined = info.by_subgraph.get(subgraph)
        if joined is None:
            return None
        directives = (*_kept(node.directives or ()), *_type_directives(joined))
        match node:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                fields = tuple(f for n in (node.fields or ()) if (f := self._field(n, info, subgraph)) is not None)
                if not fields:
                    return None
                if joined.is_interface_object:
                    return ObjectTypeDefinitionNode(name=node.name, directives=directives, interfaces=(), fields=fields)
                known = info.interfaces.get(subgraph, frozenset())
                interfaces = tuple(i for i in node.interfaces or () if i.name.value in known)
                return replace_node(node, directives=directives, interfaces=interfaces, fields=fields)
            case InputObjectTypeDefinitionNode():
                inputs = tuple(self._input(n, info, subgraph) for n in (node.fields or ()))
                return replace_node(node, directives=directives, fields=tuple(i for i in inputs if i is not None))
            case UnionTypeDefinitionNode():
                members = info.members.get(subgraph, frozenset())
                return replace_node(
                    node, directives=directives, types=tuple(t for t in (node.types or ()) if t.name.value in members)
                )
            case EnumTypeDefinitionNode():
                known = info.values.get(subgraph, frozenset())
                values = tuple(replace_node(v, directives=()) for v in (node.values or ()) if v.name.value in known)
                return replace_node(node, directives=directives, values=values)
            case _:
                return replace_node(node, directives=directives)

    def _knows(self, type_name: str, subgraph: str) -> bool:
        """Hand-written supergraphs mention types which the subgraph lacks; what mentions them cannot be used there."""
        info = self._types.get(type_name)
        return info is None or subgraph in info.by_subgraph

    def _field(self, node: FieldDefinitionNode, info: TypeInfo, subgraph: str) -> FieldDefinitionNode | None:
        joined = info.fields[node.name.value].by_subgraph.get(subgraph)
        if joined is None or not self._knows(joined.type.strip("[]!"), subgraph):
            return None
        contextual = tuple(
            InputValueDefinitionNode(name=NameNode(value=c.name), type=parse_type(c.type), directives=())
            for c in joined.context_arguments
        )
        arguments = tuple(replace_node(a, directives=_kept(a.directives or ())) for a in (node.arguments or ()))
        return replace_node(
            node,
            type=parse_type(joined.type),
            directives=(*_kept(node.directives or ()), *_field_directives(joined, info.kind)),
            arguments=(*arguments, *contextual),
        )

    def _input(self, node: InputValueDefinitionNode, info: TypeInfo, subgraph: str) -> InputValueDefinitionNode | None:
        joined = info.fields[node.name.value].by_subgraph.get(subgraph)
        return (
            replace_node(node, type=parse_type(joined.type), directives=_kept(node.directives or ()))
            if joined
            else None
        )


def _without_absent_interfaces(node: TypeDefinitionNode, present: set[str]) -> TypeDefinitionNode:
    match node:
        case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode() if node.interfaces:
            kept = tuple(i for i in node.interfaces if i.name.value in present)
            return node if len(kept) == len(node.interfaces) else replace_node(node, interfaces=kept)
        case _:
            return node


def _root(kind: str, type_name: str) -> OperationTypeDefinitionNode:
    named = NamedTypeNode(name=NameNode(value=type_name))
    return OperationTypeDefinitionNode(operation=OperationType(kind), type=named)


def _kept(directives: Iterable[ConstDirectiveNode]) -> tuple[ConstDirectiveNode, ...]:
    return tuple(d for d in directives if d.name.value in _BUILT_IN)


def _type_directives(joined: JoinType) -> list[ConstDirectiveNode]:
    found = [
        _directive("key", fields=key.fields, **({} if key.is_resolvable else {"resolvable": "false"}))
        for key in joined.keys
    ]
    return [*found, _directive("interfaceObject")] if joined.is_interface_object else found


def _field_directives(joined: JoinField, kind: TypeKind) -> list[ConstDirectiveNode]:
    found: list[ConstDirectiveNode] = []
    if (joined.is_external or joined.is_used_overridden) and kind is not TypeKind.INTERFACE:
        found.append(_directive("external"))
    if joined.requires is not None:
        found.append(_directive("requires", fields=joined.requires))
    if joined.provides is not None:
        found.append(_directive("provides", fields=joined.provides))
    return found


def _directive(name: str, fields: str | None = None, resolvable: str | None = None) -> ConstDirectiveNode:
    arguments: list[ConstArgumentNode] = []
    if fields is not None:
        arguments.append(ConstArgumentNode(name=NameNode(value="fields"), value=StringValueNode(value=fields)))
    if resolvable is not None:
        arguments.append(ConstArgumentNode(name=NameNode(value="resolvable"), value=parse_const_value(resolvable)))
    return ConstDirectiveNode(name=NameNode(value=name), arguments=tuple(arguments))
