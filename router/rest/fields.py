"""Paths in a mutation's input, as typed errors name them, in the words of the route's client.

`["items", "0", "productId"]` becomes `items[0].product_id`: variables stand in the document where values go, and the
keys inside a variable's value are called as its reader calls them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from graphql import FieldNode, ObjectValueNode, OperationDefinitionNode, ValueNode, VariableNode

from router.rest.binding import Binding
from router.rest.values import Naming, join

InputPath: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldNames:
    """The variables of one operation by the place in the input where they stand."""

    bindings: Mapping[InputPath, Binding]
    names: Naming

    def field(self, path: Sequence[str]) -> str:
        """What no variable stands for keeps the schema's words, in the client's spelling."""
        length = next((n for n in range(len(path), 0, -1) if tuple(path[:n]) in self.bindings), 0)
        binding = self.bindings[tuple(path[:length])] if length else None
        renamed: Mapping[str, str] = binding.renamed if binding is not None else {}
        field = binding.name if binding is not None else ""
        for step in path[length:]:
            field = f"{field}[{step}]" if step.isdecimal() else join(field, renamed.get(step) or self.names(step))
        return field


def read_field_names(operation: OperationDefinitionNode, bindings: Sequence[Binding], names: Naming) -> FieldNames:
    by_variable = {binding.variable: binding for binding in bindings}
    places = {
        path: by_variable[variable]
        for field in operation.selection_set.selections
        if isinstance(field, FieldNode)
        for argument in field.arguments or ()
        for path, variable in _variables(argument.value, () if _is_object(argument.value) else (argument.name.value,))
    }
    return FieldNames(places, names)


def _is_object(value: ValueNode) -> bool:
    """Paths of errors begin inside of an argument that is an input object."""
    return isinstance(value, ObjectValueNode)


def _variables(value: ValueNode, path: InputPath) -> Iterator[tuple[InputPath, str]]:
    if isinstance(value, VariableNode):
        yield path, value.name.value
    elif isinstance(value, ObjectValueNode):
        for field in value.fields:
            yield from _variables(field.value, (*path, field.name.value))
