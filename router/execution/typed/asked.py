"""A fetch's document -> the fields it asks of an object, as a subgraph collects them (specification, 6.3.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graphql import (
    BooleanValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    VariableNode,
    is_abstract_type,
    parse,
)

from router.execution.shape import Guards
from router.execution.typed.errors import NotCoveredError

Selections: TypeAlias = Sequence[SelectionNode]


@dataclass(frozen=True, slots=True)
class AskedField:
    name: str
    selections: tuple[SelectionNode, ...]  #: of all fields with this response key


class AskedDocument:
    """One fetch's document against the schema of its subgraph, under one assignment of the guards."""

    def __init__(self, operation: str, schema: GraphQLSchema, guards: Guards) -> None:
        document = parse(operation, no_location=True)
        (definition,) = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        root = schema.get_root_type(definition.operation)
        if root is None:
            raise NotCoveredError("the subgraph has no such root type")
        self.root = root
        self.selections: Selections = definition.selection_set.selections
        self.schema = schema
        self._guards = guards
        self._fragments: Mapping[str, FragmentDefinitionNode] = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }

    def fields(self, selections: Selections, type_name: str) -> dict[str, AskedField]:
        """By response key, of an object that the subgraph knows under this name."""
        found: dict[str, AskedField] = {}
        self._collect(selections, type_name, found)
        return found

    def field_type(self, type_name: str, field_name: str) -> GraphQLOutputType:
        parent = self.schema.type_map.get(type_name)
        if isinstance(parent, GraphQLObjectType | GraphQLInterfaceType) and field_name in parent.fields:
            found: GraphQLOutputType = parent.fields[field_name].type
            return found
        raise NotCoveredError(f"{type_name}.{field_name} is not in the subgraph's schema")

    def _collect(self, selections: Selections, type_name: str, found: dict[str, AskedField]) -> None:
        for node in selections:
            if not self._holds(node):
                continue
            if isinstance(node, FieldNode):
                key = (node.alias or node.name).value
                below = node.selection_set.selections if node.selection_set else ()
                known = found.get(key)
                found[key] = AskedField(node.name.value, (*(known.selections if known else ()), *below))
                continue
            fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
            if not isinstance(fragment, InlineFragmentNode | FragmentDefinitionNode):
                raise NotCoveredError("an unknown kind of selection")
            condition = fragment.type_condition
            if condition is None or self._applies(condition.name.value, type_name):
                self._collect(fragment.selection_set.selections, type_name, found)

    def _applies(self, condition: str, type_name: str) -> bool:
        if condition == type_name:
            return True
        named, runtime = self.schema.type_map.get(condition), self.schema.type_map.get(type_name)
        return (
            is_abstract_type(named)
            and isinstance(runtime, GraphQLObjectType | GraphQLInterfaceType)
            and self.schema.is_sub_type(named, runtime)
        )

    def _holds(self, node: SelectionNode) -> bool:
        for directive in node.directives or ():
            if directive.name.value in ("skip", "include"):
                (argument,) = directive.arguments or ()
                match argument.value:
                    case BooleanValueNode(value=value):
                        pass
                    case VariableNode(name=name) if name.value in self._guards:
                        value = self._guards[name.value]
                    case _:
                        raise NotCoveredError("a condition that is not the client's")
                if value != (directive.name.value == "include"):
                    return False
        return True
