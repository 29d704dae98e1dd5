"""The join specification: what `@join__…` says of every type and field, as records.

In: the parsed supergraph SDL and its features. Out: subgraph names and URLs, TypeInfo by type name. Source: join
v0.1 (Federation 1) to v0.5. Rules that are easy to miss:

* no `@join__field` on a field: it exists in every subgraph which has the type;
* `@join__field` without `graph`: an object has it only through an interface object;
* v0.1 has no `@join__type` on value types (they exist in every subgraph) and says with `@join__owner` where fields
  without `@join__field` live; key fields exist in every subgraph which has the key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from graphql import (
    ConstDirectiveNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    FieldDefinitionNode,
    InputObjectTypeDefinitionNode,
    InputValueDefinitionNode,
    InterfaceTypeDefinitionNode,
    ObjectTypeDefinitionNode,
    ScalarTypeDefinitionNode,
    TypeDefinitionNode,
    UnionTypeDefinitionNode,
    print_ast,
    value_from_ast_untyped,
)

from router.supergraph.errors import InvalidSupergraphError
from router.supergraph.features import Features
from router.supergraph.model import ContextArgument, FieldInfo, JoinField, JoinKey, JoinType, TypeInfo, TypeKind

_KINDS: dict[type[TypeDefinitionNode], TypeKind] = {
    ScalarTypeDefinitionNode: TypeKind.SCALAR,
    ObjectTypeDefinitionNode: TypeKind.OBJECT,
    InterfaceTypeDefinitionNode: TypeKind.INTERFACE,
    UnionTypeDefinitionNode: TypeKind.UNION,
    EnumTypeDefinitionNode: TypeKind.ENUM,
    InputObjectTypeDefinitionNode: TypeKind.INPUT,
}
_WORD = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")


@dataclass(frozen=True, slots=True)
class GraphEntry:
    """One value of the enum `join__Graph`."""

    value: str
    name: str
    url: str


class JoinReader:
    """Reads the join directives of one supergraph."""

    def __init__(self, document: DocumentNode, features: Features) -> None:
        self._document = document
        self._features = features
        self._names = {
            name: features.directive("join", name) or f"join__{name}"
            for name in ("owner", "graph", "type", "field", "implements", "unionMember", "enumValue")
        }
        self._context = features.directive("context", "context")
        self.graphs = self._read_graphs()
        self._name_by_value = {g.value: g.name for g in self.graphs}
        self._everywhere = tuple(g.name for g in self.graphs)

    def _read_graphs(self) -> tuple[GraphEntry, ...]:
        join = next(link for link in self._features.links if link.url.name == "join")
        enum_name = join.type_name("Graph")
        for node in self._document.definitions:
            if isinstance(node, EnumTypeDefinitionNode) and node.name.value == enum_name:
                return tuple(
                    self._read_graph(value.name.value, (value.directives or ())) for value in (node.values or ())
                )
        raise InvalidSupergraphError(f'The supergraph has no enum "{enum_name}", which lists its subgraphs.')

    def _read_graph(self, value: str, directives: Iterable[ConstDirectiveNode]) -> GraphEntry:
        for arguments in self._applied(directives, "graph"):
            return GraphEntry(value, str(arguments.get("name", value)), str(arguments.get("url") or ""))
        return GraphEntry(value, value, "")

    def _applied(self, directives: Iterable[ConstDirectiveNode], name: str) -> list[Mapping[str, object]]:
        return [
            {a.name.value: value_from_ast_untyped(a.value) for a in d.arguments or ()}
            for d in directives
            if d.name.value == self._names[name]
        ]

    def _subgraph(self, arguments: Mapping[str, object]) -> str:
        value = arguments.get("graph")
        try:
            return self._name_by_value[str(value)]
        except KeyError as exc:
            raise InvalidSupergraphError(
                f'A join directive names the subgraph "{value}", which is not listed.'
            ) from exc

    def read_types(self) -> dict[str, TypeInfo]:
        types: dict[str, TypeInfo] = {}
        for node in self._document.definitions:
            if isinstance(node, TypeDefinitionNode) and not self._features.owns_type(node.name.value):
                types[node.name.value] = self._read_type(node)
        return types

    def _read_type(self, node: TypeDefinitionNode) -> TypeInfo:
        name = node.name.value
        by_subgraph = self._read_join_types(node)
        owner = next((self._subgraph(a) for a in self._applied((node.directives or ()), "owner")), None)
        if not by_subgraph:
            by_subgraph = {name: JoinType() for name in self._everywhere}
        info = TypeInfo(name, _KINDS[type(node)], by_subgraph, contexts=self._read_contexts(node))
        match node:
            case ObjectTypeDefinitionNode() | InterfaceTypeDefinitionNode():
                fields = {f.name.value: self._read_field(f, by_subgraph, owner) for f in node.fields or ()}
                implemented = {i.name.value for i in node.interfaces or ()}
                interfaces = self._listed(node, "implements", "interface", implemented, by_subgraph)
                return replace(info, fields=fields, interfaces=interfaces)
            case InputObjectTypeDefinitionNode():
                return replace(
                    info, fields={f.name.value: self._read_field(f, by_subgraph, None) for f in node.fields or ()}
                )
            case UnionTypeDefinitionNode():
                all_members = {t.name.value for t in node.types or ()}
                return replace(info, members=self._listed(node, "unionMember", "member", all_members, by_subgraph))
            case EnumTypeDefinitionNode():
                return replace(info, values=self._read_values(node, by_subgraph))
            case _:
                return info

    def _read_join_types(self, node: TypeDefinitionNode) -> dict[str, JoinType]:
        by_subgraph: dict[str, JoinType] = {}
        for arguments in self._applied((node.directives or ()), "type"):
            subgraph = self._subgraph(arguments)
            before = by_subgraph.get(subgraph, JoinType())
            fields = arguments.get("key")
            key = (JoinKey(fields, arguments.get("resolvable") is not False),) if isinstance(fields, str) else ()
            by_subgraph[subgraph] = JoinType(
                before.keys + tuple(k for k in key if k not in before.keys),
                before.is_extension or arguments.get("extension") is True,
                before.is_interface_object or arguments.get("isInterfaceObject") is True,
            )
        return by_subgraph

    def _read_contexts(self, node: TypeDefinitionNode) -> frozenset[str]:
        return frozenset(
            str(value_from_ast_untyped(a.value))
            for d in (node.directives or ())
            if self._context and d.name.value == self._context
            for a in (d.arguments or ())
            if a.name.value == "name"
        )

    def _read_field(
        self, node: FieldDefinitionNode | InputValueDefinitionNode, types: Mapping[str, JoinType], owner: str | None
    ) -> FieldInfo:
        name, type_text = node.name.value, print_ast(node.type)
        applications = self._applied((node.directives or ()), "field")
        by_subgraph: dict[str, JoinField] = {}
        for arguments in applications:
            if arguments.get("graph") is not None:
                by_subgraph[self._subgraph(arguments)] = _read_join_field(arguments, type_text)
        if not applications:
            by_subgraph = {s: JoinField(type_text) for s in ([owner] if owner else types)}
        if owner:
            for subgraph, join_type in types.items():
                if subgraph not in by_subgraph and any(name in _WORD.findall(k.fields) for k in join_type.keys):
                    by_subgraph[subgraph] = JoinField(type_text)
        return FieldInfo(name, type_text, by_subgraph)

    def _listed(
        self, node: TypeDefinitionNode, directive: str, argument: str, names: set[str], types: Mapping[str, JoinType]
    ) -> dict[str, frozenset[str]]:
        """Names by subgraph; before join v0.2 (implements) and v0.3 (unions) all of them everywhere."""
        applications = self._applied((node.directives or ()), directive)
        if not applications:
            return {s: frozenset(names) for s in types} if names else {}
        listed: dict[str, set[str]] = {}
        for arguments in applications:
            listed.setdefault(self._subgraph(arguments), set()).add(str(arguments[argument]))
        return {s: frozenset(found) for s, found in listed.items()}

    def _read_values(self, node: EnumTypeDefinitionNode, types: Mapping[str, JoinType]) -> dict[str, frozenset[str]]:
        listed: dict[str, set[str]] = {s: set() for s in types}
        for value in node.values or ():
            applications = self._applied((value.directives or ()), "enumValue")
            for subgraph in [self._subgraph(a) for a in applications] if applications else types:
                listed.setdefault(subgraph, set()).add(value.name.value)
        return {s: frozenset(found) for s, found in listed.items()}


def _read_join_field(arguments: Mapping[str, object], type_text: str) -> JoinField:
    def text(name: str) -> str | None:
        value = arguments.get(name)
        return value if isinstance(value, str) else None

    contextual = arguments.get("contextArguments")
    return JoinField(
        type=text("type") or type_text,
        requires=text("requires"),
        provides=text("provides"),
        is_external=arguments.get("external") is True,
        is_used_overridden=arguments.get("usedOverridden") is True,
        override=text("override"),
        override_label=text("overrideLabel"),
        context_arguments=tuple(
            ContextArgument(str(c["name"]), str(c["type"]), str(c["context"]), str(c["selection"]))
            for c in (contextual if isinstance(contextual, list) else [])
        ),
    )
