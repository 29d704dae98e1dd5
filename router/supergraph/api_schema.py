"""The API schema: what clients see of a supergraph.

In: the parsed supergraph SDL and its features. Out: the same document without the elements of join, link and other
features and without anything `@inaccessible`. Executable directives of the users and `@deprecated`, `@specifiedBy`,
`@oneOf` stay. Source: inaccessible specification v0.2; `toAPISchema` of Apollo's composition.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from graphql import (
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
    ObjectTypeDefinitionNode,
    SchemaDefinitionNode,
    SchemaExtensionNode,
    TypeDefinitionNode,
    TypeNode,
    UnionTypeDefinitionNode,
)

from router.supergraph.ast import replace_node
from router.supergraph.features import Features

_BUILT_IN = frozenset({"deprecated", "specifiedBy", "oneOf"})
_EXECUTABLE = frozenset(
    {"QUERY", "MUTATION", "SUBSCRIPTION", "FIELD", "FRAGMENT_DEFINITION", "FRAGMENT_SPREAD", "INLINE_FRAGMENT",
     "VARIABLE_DEFINITION"}
)  # fmt: skip

_Node = TypeVar("_Node", FieldDefinitionNode, InputValueDefinitionNode)


def api_document(document: DocumentNode, features: Features) -> DocumentNode:
    hidden_by = features.directive("inaccessible", "inaccessible")
    return _ApiView(document, features, hidden_by).document()


class _ApiView:
    def __init__(self, document: DocumentNode, features: Features, hidden_by: str | None) -> None:
        self._source = document
        self._features = features
        self._hidden_by = hidden_by
        self._hidden_types = {
            node.name.value
            for node in document.definitions
            if isinstance(node, TypeDefinitionNode)
            and (features.owns_type(node.name.value) or self._is_hidden(node.directives or ()))
        }

    def document(self) -> DocumentNode:
        kept = [node for source in self._source.definitions if (node := self._definition(source)) is not None]
        return DocumentNode(definitions=tuple(kept))

    def _is_hidden(self, directives: Iterable[ConstDirectiveNode]) -> bool:
        return self._hidden_by is not None and any(d.name.value == self._hidden_by for d in directives)

    def _definition(self, node: DefinitionNode) -> DefinitionNode | None:
        match node:
            case SchemaDefinitionNode():
                roots = tuple(o for o in (node.operation_types or ()) if o.type.name.value not in self._hidden_types)
                return replace_node(node, directives=(), operation_types=roots)
            case SchemaExtensionNode():
                return None
            case DirectiveDefinitionNode():
                return self._directive(node)
            case TypeDefinitionNode() if node.name.value not in self._hidden_types:
                return self._type(node)
            case _:
                return None

    def _directive(self, node: DirectiveDefinitionNode) -> DirectiveDefinitionNode | None:
        locations = tuple(n for n in node.locations if n.value in _EXECUTABLE)
        if not locations or self._features.owns_directive(node.name.value):
            return None
        return replace_node(node, locations=locations, arguments=self._arguments(node.arguments or ()))

    def _type(self, node: TypeDefinitionNode) -> TypeDefinitionNode:
        directives = _kept_directives(node.directives or ())
        match node:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                fields = tuple(
                    replace_node(f, arguments=self._arguments(f.arguments or ()))
                    for f in self._elements(node.fields or ())
                )
                return replace_node(
                    node, directives=directives, interfaces=self._visible(node.interfaces or ()), fields=fields
                )
            case InputObjectTypeDefinitionNode():
                return replace_node(node, directives=directives, fields=self._elements(node.fields or ()))
            case UnionTypeDefinitionNode():
                return replace_node(node, directives=directives, types=self._visible(node.types or ()))
            case EnumTypeDefinitionNode():
                values = tuple(
                    replace_node(v, directives=_kept_directives(v.directives or ()))
                    for v in (node.values or ())
                    if not self._is_hidden(v.directives or ())
                )
                return replace_node(node, directives=directives, values=values)
            case _:
                return replace_node(node, directives=directives)

    def _visible(self, names: Iterable[NamedTypeNode]) -> tuple[NamedTypeNode, ...]:
        return tuple(n for n in names if n.name.value not in self._hidden_types)

    def _elements(self, nodes: Iterable[_Node]) -> tuple[_Node, ...]:
        return tuple(
            replace_node(n, directives=_kept_directives(n.directives or ()))
            for n in nodes
            if not self._is_hidden(n.directives or ()) and _named(n.type) not in self._hidden_types
        )

    def _arguments(self, nodes: Iterable[InputValueDefinitionNode]) -> tuple[InputValueDefinitionNode, ...]:
        return self._elements(nodes)


def _kept_directives(directives: Iterable[ConstDirectiveNode]) -> tuple[ConstDirectiveNode, ...]:
    return tuple(d for d in directives if d.name.value in _BUILT_IN)


def _named(node: TypeNode) -> str:
    while not isinstance(node, NamedTypeNode):
        node = node.type  # type: ignore[attr-defined]  # ListTypeNode and NonNullTypeNode
    return node.name.value
