"""Routes to their description: OpenAPI 3.1, whose schemas are JSON Schema 2020-12.

Inputs are described by the types of variables, answers by the selection sets; descriptions are the schema's own. Types
used by several routes are components.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLEnumType,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_named_type,
    is_input_object_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
)

from router.config.rest import RestConfig
from router.rest.problem import Problems
from router.rest.routes import Binding, Route, response_key
from router.rest.values import Naming, as_is, snake_case

Schema: TypeAlias = dict[str, Any]

_BUILT_IN: Mapping[str, Schema] = {
    "String": {"type": "string"},
    "ID": {"type": "string"},
    "Int": {"type": "integer", "minimum": -(1 << 31), "maximum": (1 << 31) - 1},
    "Float": {"type": "number"},
    "Boolean": {"type": "boolean"},
}
_PROBLEM: Schema = {
    "type": "object",
    "required": ["code", "message", "request_id", "timestamp"],
    "properties": {
        "code": {"type": "string", "description": "Stable: what programs look at."},
        "message": {"type": "string", "description": "For people; may change."},
        "details": {"type": "object", "description": "What the code is about: a field, shortages, …"},
        "request_id": {"type": "string"},
        "timestamp": {"type": "string", "format": "date-time"},
    },
}


_TEXT: Schema = {"type": "string"}
_HEADERS: Mapping[str, Schema] = {
    "RequestId": {"description": "Of this request, or the one it came with: in logs and traces.", "schema": _TEXT},
    "Link": {"description": "To the next page, when there is one: RFC 8288.", "schema": _TEXT},
    "Location": {"description": "Where what was made is.", "schema": {"type": "string", "format": "uri-reference"}},
    "Replayed": {"description": "`true`: the answer of an earlier request with this key.", "schema": _TEXT},
    "Partial": {"description": "Codes of errors, when a part of the answer is missing.", "schema": _TEXT},
    "RetryAfter": {"description": "Seconds to wait: 429 and 503.", "schema": {"type": "string"}},
    "Authenticate": {"description": "`Bearer`: 401.", "schema": _TEXT},
    "Allow": {"description": "The methods of this path: 405.", "schema": _TEXT},
}
_OF_REFUSALS = {
    "X-Request-Id": "RequestId",
    "Retry-After": "RetryAfter",
    "WWW-Authenticate": "Authenticate",
    "Allow": "Allow",
}


def describe(
    config: RestConfig,
    routes: Sequence[Route],
    schema: GraphQLSchema,
    protected: frozenset[str],
    problems: Problems,
) -> Schema:
    """`protected` are the names of routes that answer nobody without a token."""
    return _Description(config, schema, protected, problems).document(routes)


class _Description:
    def __init__(
        self, config: RestConfig, schema: GraphQLSchema, protected: frozenset[str], problems: Problems
    ) -> None:
        self._config = config
        self._problems = problems
        self._schema = schema
        self._protected = protected
        self._names: Naming = snake_case if config.names == "snake_case" else as_is
        self._scalars = {**_BUILT_IN, **config.openapi.scalars}
        self._components: dict[str, Schema] = {"Problem": _PROBLEM}

    def document(self, routes: Sequence[Route]) -> Schema:
        paths: dict[str, Schema] = {}
        for route in routes:
            operations = paths.setdefault(self._config.path + route.path, {})
            method = route.method.lower()
            described = self._operation(route)
            operations[method] = _either(operations[method], described) if method in operations else described
        info = {"title": self._config.openapi.title, "version": self._config.openapi.version}
        if self._config.openapi.description:
            info["description"] = self._config.openapi.description
        bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
        return {
            "openapi": "3.1.0",
            "info": info,
            "paths": paths,
            "security": [{}, {"bearer": []}],  # who has a token may send it anywhere
            "components": {
                "schemas": self._components,
                "headers": dict(_HEADERS),
                "securitySchemes": {"bearer": bearer},
            },
        }

    def _operation(self, route: Route) -> Schema:
        summary, _, more = route.description.partition("\n")
        operation: Schema = {"operationId": route.name, "summary": summary or route.name}
        if more.strip():
            operation["description"] = more.strip()
        if route.tag:
            operation["tags"] = [route.tag]
        if parameters := [self._parameter(b) for b in route.bindings if b.place in ("path", "query", "header")]:
            operation["parameters"] = parameters
        if route.has_body:
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": self._body(route)}},
            }
        if route.name in self._protected:
            operation["security"] = [{"bearer": []}]
        answer: Schema = {
            "description": "Done." if route.method != "GET" else "Here it is.",
            "content": {"application/json": {"schema": self._answer(route)}},
        }
        answer["headers"] = _headers(self._answer_headers(route))
        operation["responses"] = {
            str(route.status): answer,
            **{str(status): _refused(", ".join(codes)) for status, codes in self._typed(route).items()},
            "4XX": _refused("Refused; `code` says why."),
            "5XX": _refused("A fault."),
        }
        return operation

    def _answer_headers(self, route: Route) -> dict[str, str]:
        named = {"X-Request-Id": "RequestId", "X-Partial": "Partial"}
        if route.page is not None:
            named["Link"] = "Link"
        if route.location is not None:
            named["Location"] = "Location"
        if any(binding.generates for binding in route.bindings):
            named["Idempotent-Replayed"] = "Replayed"
        return named

    def _typed(self, route: Route) -> dict[int, list[str]]:
        """Codes of the errors of its own an operation may have, by status."""
        if route.errors is None:
            return {}
        root, selected = self._root(route)
        for key in route.errors:
            root, selected = self._step(root, selected, key, route.fragments)
        codes: dict[int, list[str]] = defaultdict(list)
        for possible in self._schema.get_possible_types(get_named_type(root)):
            status, code = self._problems.of_type(possible.name)
            codes[status].append(f"`{code}`")
        return dict(sorted(codes.items()))

    def _parameter(self, binding: Binding) -> Schema:
        schema = self._input(binding.type, binding.renamed)
        if binding.default is not None:
            schema = {**schema, "default": binding.default}
        name = binding.name.title() if binding.place == "header" else binding.name
        return {"name": name, "in": binding.place, "required": binding.is_required, "schema": schema}

    def _body(self, route: Route) -> Schema:
        properties: dict[str, Schema] = {}
        required: list[str] = []
        if route.condition:
            properties[route.condition.field] = {"enum": sorted(route.condition.values)}
            required.append(route.condition.field)
        for binding in route.bindings:
            if binding.exchange is not None:
                fields = self._config.exchanges[binding.exchange].fields
                properties[binding.name] = {
                    "type": "object",
                    "description": "Goes to the vault and is forgotten here.",
                    "properties": {name: {"type": "string", "minLength": 1, "writeOnly": True} for name in fields},
                    "required": list(fields),
                    "additionalProperties": False,
                }
            elif binding.place == "body":
                properties[binding.name] = self._input(binding.type, binding.renamed)
                if binding.default is not None:
                    properties[binding.name] = {**properties[binding.name], "default": binding.default}
            else:
                continue
            if binding.is_required:
                required.append(binding.name)
        return _object(properties, required, is_closed=True)

    def _input(self, type_: GraphQLInputType, renamed: Mapping[str, str]) -> Schema:
        if is_non_null_type(type_):
            return self._input_value(type_.of_type, renamed)
        return _nullable(self._input_value(type_, renamed))

    def _input_value(self, type_: GraphQLInputType, renamed: Mapping[str, str]) -> Schema:
        if is_list_type(type_):
            return {"type": "array", "items": self._input(type_.of_type, renamed)}
        if not is_input_object_type(type_):
            return self._leaf(type_)
        name = type_.name + ("" if not renamed else "By" + "And".join(sorted(renamed.values())).title())
        if name not in self._components:
            self._components[name] = {}  # before its fields: a type may contain itself
            properties, required = {}, []
            for field_name, field in type_.fields.items():
                key = renamed.get(field_name) or self._names(field_name)
                properties[key] = _described(self._input(field.type, renamed), field.description)
                if is_required_input_field(field):
                    required.append(key)
            self._components[name] = _described(_object(properties, required, is_closed=True), type_.description)
        return {"$ref": f"#/components/schemas/{name}"}

    def _leaf(self, type_: Any) -> Schema:
        if isinstance(type_, GraphQLEnumType):
            described = {"type": "string", "enum": list(type_.values)}
            self._components.setdefault(type_.name, _described(described, type_.description))
            return {"$ref": f"#/components/schemas/{type_.name}"}
        return dict(self._scalars.get(type_.name, {}))

    def _answer(self, route: Route) -> Schema:
        """The schema of what stands at the route's result, which is never null: that is a 404."""
        type_, selection_set = self._root(route)
        for key in route.result:
            type_, selection_set = self._step(type_, selection_set, key, route.fragments)
        return self._output_value(_nullable_type(type_), selection_set, route.fragments)

    def _root(self, route: Route) -> tuple[Any, Any]:
        """The type of the data, and what is selected of it."""
        root = self._schema.get_root_type(route.operation.operation)
        assert root is not None  # noqa: S101 - the document was validated
        return GraphQLNonNull(root), route.operation.selection_set

    def _step(self, type_: Any, selection_set: Any, key: str, fragments: Mapping[str, FragmentDefinitionNode]) -> Any:
        parent = get_named_type(type_)
        for owner, field, _ in self._fields(parent, selection_set, fragments, is_certain=True):
            if response_key(field) == key:
                return owner.fields[field.name.value].type, field.selection_set
        raise AssertionError(key)

    def _output(
        self,
        type_: GraphQLOutputType,
        selected: SelectionSetNode | None,
        fragments: Mapping[str, FragmentDefinitionNode],
    ) -> Schema:
        if is_non_null_type(type_):
            return self._output_value(type_.of_type, selected, fragments)
        return _nullable(self._output_value(type_, selected, fragments))

    def _output_value(
        self, type_: Any, selected: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> Schema:
        if is_list_type(type_):
            return {"type": "array", "items": self._output(type_.of_type, selected, fragments)}
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
                described = self._output(definition.type, field.selection_set, fragments)
                properties[key] = _described(described, definition.description)
            if is_certain and not field.directives and key not in required:
                required.append(key)
        return _object(properties, required)

    def _fields(
        self,
        owner: GraphQLObjectType | GraphQLInterfaceType,
        selected: SelectionSetNode,
        fragments: Mapping[str, FragmentDefinitionNode],
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


def _refused(description: str) -> Schema:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "headers": _headers(_OF_REFUSALS), "content": content}


def _headers(named: Mapping[str, str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{component}"} for name, component in named.items()}


def _nullable_type(type_: Any) -> Any:
    return type_.of_type if is_non_null_type(type_) else type_


def _object(properties: Mapping[str, Schema], required: list[str], *, is_closed: bool = False) -> Schema:
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


def _either(one: Schema, other: Schema) -> Schema:
    """Two routes of one path as one operation: OpenAPI has a single one there."""
    bodies = [entry["requestBody"]["content"]["application/json"]["schema"] for entry in (one, other)]
    variants = [variant for body in bodies for variant in body.get("oneOf", [body])]
    merged = {**one, "summary": f"{one['summary']}; {other['summary'][:1].lower()}{other['summary'][1:]}"}
    merged["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"oneOf": variants}}}}
    return merged
