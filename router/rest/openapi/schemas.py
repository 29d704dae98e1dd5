"""GraphQL types to JSON Schema: inputs under the names clients use, outputs by what is selected of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)

from router.rest.routes import response_key
from router.rest.values import Naming

Schema: TypeAlias = dict[str, Any]
Fragments: TypeAlias = Mapping[str, FragmentDefinitionNode]

_BUILT_IN: Mapping[str, Schema] = {
    "String": {"type": "string"},
    "ID": {"type": "string"},
    "Int": {"type": "integer", "minimum": -(1 << 31), "maximum": (1 << 31) - 1},
    "Float": {"type": "number"},
    "Boolean": {"type": "boolean"},
}


class Schemas:
    """Of one description. Types used by several routes are kept in `components`."""

    def __init__(self, schema: GraphQLSchema, names: Naming, scalars: Mapping[str, Schema]) -> None:
        self.components: dict[str, Schema] = {}
        self._schema = schema
        self._names = names
        self._scalars = {**_BUILT_IN, **scalars}

    def input(self, type_: GraphQLInputType, renamed: Mapping[str, str]) -> Schema:
        """`renamed`: keys inside, by the schema's names."""
        if is_non_null_type(type_):
            return self._input_value(type_.of_type, renamed)
        return _nullable(self._input_value(type_, renamed))

    def _input_value(self, type_: GraphQLInputType, renamed: Mapping[str, str]) -> Schema:
        if is_list_type(type_):
            return {"type": "array", "items": self.input(type_.of_type, renamed)}
        if not is_input_object_type(type_):
            return self._leaf(type_)
        name = type_.name + ("" if not renamed else "By" + "And".join(sorted(renamed.values())).title())
        if name not in self.components:
            self.components[name] = {}  # before its fields: a type may contain itself
            properties, required = {}, []
            for field_name, field in type_.fields.items():
                key = renamed.get(field_name) or self._names(field_name)
                properties[key] = _described(self.input(field.type, renamed), field.description)
                if is_required_input_field(field):
                    required.append(key)
            self.components[name] = _described(object_schema(properties, required, is_closed=True), type_.description)
        return {"$ref": f"#/components/schemas/{name}"}

    def _leaf(self, type_: Any) -> Schema:
        if isinstance(type_, GraphQLEnumType):
            described = {"type": "string", "enum": list(type_.values)}
            self.components.setdefault(type_.name, _described(described, type_.description))
            return {"$ref": f"#/components/schemas/{type_.name}"}
        return dict(self._scalars.get(type_.name, {}))

    def at(
        self, path: Sequence[str], operation: OperationDefinitionNode, fragments: Fragments
    ) -> tuple[Any, SelectionSetNode | None]:
        """The type of what stands at a response path, and what is selected of it."""
        root = self._schema.get_root_type(operation.operation)
        assert root is not None  # noqa: S101 - the document was validated
        type_: Any = root
        selected: SelectionSetNode | None = operation.selection_set
        for key in path:
            assert selected is not None  # noqa: S101 - `read_routes` has looked
            fields = self._fields(get_named_type(type_), selected, fragments, is_certain=True)
            owner, field = next((owner, field) for owner, field, _ in fields if response_key(field) == key)
            type_, selected = owner.fields[field.name.value].type, field.selection_set
        return type_, selected

    def output(self, type_: Any, selected: SelectionSetNode | None, fragments: Fragments) -> Schema:
        """Of a value that is not null, whatever its type allows."""
        if is_non_null_type(type_):
            type_ = type_.of_type
        if is_list_type(type_):
            return {"type": "array", "items": self._perhaps(type_.of_type, selected, fragments)}
        if selected is None:
            return self._leaf(type_)
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for owner, field, is_certain in self._fields(type_, selected, fragments, is_certain=True):
            key = response_key(field)
            if field.name.value == "__typename":
                properties[key] = {"type": "string"}
            else:
                definition = owner.fields[field.name.value]
                described = self._perhaps(definition.type, field.selection_set, fragments)
                properties[key] = _described(described, definition.description)
            if is_certain and not field.directives and key not in required:
                required.append(key)
        return object_schema(properties, required)

    def _perhaps(self, type_: GraphQLOutputType, selected: SelectionSetNode | None, fragments: Fragments) -> Schema:
        schema = self.output(type_, selected, fragments)
        return schema if is_non_null_type(type_) else _nullable(schema)

    def _fields(
        self,
        owner: GraphQLObjectType | GraphQLInterfaceType,
        selected: SelectionSetNode,
        fragments: Fragments,
        *,
        is_certain: bool,
    ) -> Iterator[tuple[GraphQLObjectType | GraphQLInterfaceType, FieldNode, bool]]:
        """Fields with the type they are selected on, and whether every answer has them."""
        for selection in selected.selections:
            if isinstance(selection, FieldNode):
                yield owner, selection, is_certain
                continue
            fragment = (
                fragments[selection.name.value]
                if isinstance(selection, FragmentSpreadNode)
                else cast("InlineFragmentNode", selection)
            )
            condition = fragment.type_condition.name.value if fragment.type_condition else owner.name
            certain = is_certain and condition == owner.name and not selection.directives
            inner: Any = self._schema.type_map[condition]
            yield from self._fields(inner, fragment.selection_set, fragments, is_certain=certain)


def object_schema(properties: Mapping[str, Schema], required: list[str], *, is_closed: bool = False) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    if required:
        schema["required"] = required
    if is_closed:
        schema["additionalProperties"] = False
    return schema


def _nullable(schema: Schema) -> Schema:
    if not schema:
        return schema
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _described(schema: Schema, description: str | None) -> Schema:
    return {**schema, "description": description} if description else schema
