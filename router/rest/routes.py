"""Documents to routes: read, validated against the API schema, bound to the parts of a request.

read_routes(config, api_schema) -> list[Route]      ConfigurationError: file, line and reason
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    InlineFragmentNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Source,
    VariableDefinitionNode,
    get_directive_values,
    is_non_null_type,
    parse,
    print_ast,
    separate_operations,
    type_from_ast,
    validate,
    value_from_ast_untyped,
)

from router.config.rest import RestConfig
from router.errors import ConfigurationError
from router.rest.binding import Binding, Place
from router.rest.directives import with_directives, without_directives
from router.rest.fields import FieldNames, read_field_names
from router.rest.values import Naming, as_is, json_reader, snake_case, text_reader

ResponsePath: TypeAlias = tuple[str, ...]  #: response keys

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_TEMPLATE = re.compile(r"(/([A-Za-z0-9_.~-]+|\{[A-Za-z_][A-Za-z0-9_]*\}))+")


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    values: frozenset[str]


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    description: str
    method: str
    path: str  #: template, below the face's own path
    status: int
    text: str  #: GraphQL without the router's directives
    operation: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    bindings: tuple[Binding, ...]
    result: ResponsePath
    errors: ResponsePath | None
    page: ResponsePath | None
    location: str | None
    condition: Condition | None
    any_content_type: bool
    tag: str | None
    query_names: frozenset[str]  #: what the query string may hold
    body_names: frozenset[str]  #: what the body may hold
    fields: FieldNames  #: of what is refused

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(self.path.split("/")[1:])

    @property
    def has_body(self) -> bool:
        return bool(self.body_names)


def read_routes(config: RestConfig, api_schema: GraphQLSchema) -> list[Route]:
    files = sorted(config.documents.glob("*.graphql"))
    if not files:
        raise ConfigurationError(f"rest.documents: there is no *.graphql in {config.documents}")
    schema = with_directives(api_schema)
    names = snake_case if config.names == "snake_case" else as_is
    routes = [route for file in files for route in _read_file(file, schema, names, config)]
    _check_apart(routes)
    return routes


def _read_file(file: Path, schema: GraphQLSchema, names: Naming, config: RestConfig) -> Iterator[Route]:
    try:
        document = parse(Source(file.read_text(), str(file)))
    except GraphQLError as exc:
        raise _at(file, exc) from None
    for error in validate(schema, document):
        raise _at(file, error)
    for name, part in separate_operations(document).items():
        if not name:
            raise ConfigurationError(f"{file}: an operation has no name; routes are called by it")
        yield _Reader(file, schema, names, config).route(part)


class _Reader:
    """One operation of one file, with the fragments it uses."""

    def __init__(self, file: Path, schema: GraphQLSchema, names: Naming, config: RestConfig) -> None:
        self._file = file
        self._schema = schema
        self._names = names
        self._exchanges = config.exchanges
        self._scalars = config.openapi.scalars

    def route(self, document: DocumentNode) -> Route:
        operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
        said = self._directive("rest", operation)
        if said is None:
            raise self._wrong(operation, "the operation has no @rest(method:, path:)")
        method, path = said["method"], said["path"]
        if operation.operation is OperationType.MUTATION and method == "GET":
            raise self._wrong(operation, "a mutation cannot be a GET")
        if not _TEMPLATE.fullmatch(path):
            raise self._wrong(operation, f"{path!r} is no path such as /v1/orders/{{id}}")
        if not 200 <= said["status"] <= 299:
            raise self._wrong(operation, "the status of an answer without errors is between 200 and 299")
        parameters = _PARAMETER.findall(path)
        bindings = tuple(self._binding(node, method, parameters) for node in operation.variable_definitions or ())
        if missing := set(parameters) - {binding.variable for binding in bindings if binding.place == "path"}:
            raise self._wrong(operation, f"the path names ${missing.pop()}, which is no variable of the operation")
        fragments = {n.name.value: n for n in document.definitions if isinstance(n, FragmentDefinitionNode)}
        condition = said.get("when")
        return Route(
            name=operation.name.value if operation.name else "",
            description=operation.description.value if operation.description else "",
            method=method,
            path=path,
            status=said["status"],
            text="\n\n".join(map(print_ast, (without_directives(operation), *fragments.values()))),
            operation=operation,
            fragments=fragments,
            bindings=bindings,
            result=self._path(operation, said.get("result"), fragments) or (),
            errors=self._path(operation, said.get("errors"), fragments),
            page=self._path(operation, said.get("page"), fragments),
            location=said.get("location"),
            condition=Condition(condition["field"], frozenset(condition["is"])) if condition else None,
            any_content_type=said["anyContentType"],
            tag=said.get("tag"),
            query_names=frozenset(binding.name for binding in bindings if binding.place == "query"),
            body_names=frozenset(binding.name for binding in bindings if binding.place in ("body", "exchange"))
            | ({condition["field"]} if condition else set()),
            fields=read_field_names(operation, bindings, self._names),
        )

    def _binding(self, node: VariableDefinitionNode, method: str, parameters: list[str]) -> Binding:
        name = node.variable.name.value
        type_ = cast("GraphQLInputType", type_from_ast(self._schema, node.type))  # validated: VariablesAreInputTypes
        place, key, more = self._place(node, name, method, parameters)
        if place == "path" and not is_non_null_type(type_):
            raise self._wrong(node, f"${name} is part of the path: its type must end with !")
        renamed = {entry["to"]: entry["from"] for entry in more.get("rename") or ()}
        is_json = place in ("body", "exchange")
        read = json_reader(type_, self._names, self._scalars, renamed) if is_json else text_reader(type_, self._scalars)
        return Binding(
            variable=name,
            place=place,
            name=key,
            type=type_,
            is_required=is_non_null_type(type_) and node.default_value is None and not more.get("generate", False),
            read=read,
            renamed=renamed,
            default=None if node.default_value is None else value_from_ast_untyped(node.default_value),
            generates=more.get("generate", False),
            exchange=more.get("by"),
        )

    def _place(
        self, node: VariableDefinitionNode, name: str, method: str, parameters: list[str]
    ) -> tuple[Place, str, Mapping[str, Any]]:
        if header := self._directive("header", node):
            return "header", header["name"].lower(), header
        if exchange := self._directive("exchange", node):
            if exchange["by"] not in self._exchanges:
                raise self._wrong(node, f"rest.exchanges has no {exchange['by']!r}")
            return "exchange", exchange["field"], exchange
        if query := self._directive("query", node):
            return "query", query["name"], query
        if (body := self._directive("body", node)) is not None:
            return "body", body.get("name") or name, body
        if name in parameters:
            return "path", name, {}
        return ("query" if method in ("GET", "DELETE") else "body"), name, {}

    def _directive(self, name: str, node: OperationDefinitionNode | VariableDefinitionNode) -> dict[str, Any] | None:
        definition = self._schema.get_directive(name)
        assert definition is not None  # noqa: S101 - the schema was extended by it
        return get_directive_values(definition, node)  # type: ignore[arg-type]  # variables have directives too

    def _path(
        self, operation: OperationDefinitionNode, text: str | None, fragments: Mapping[str, FragmentDefinitionNode]
    ) -> ResponsePath | None:
        if text is None:
            return None
        path = tuple(text.split("."))
        selections: list[SelectionSetNode] = [operation.selection_set]
        for key in path:
            fields = [field for selection_set in selections for field in fields_of(selection_set, fragments)]
            chosen = [field for field in fields if response_key(field) == key]
            if not chosen:
                raise self._wrong(operation, f"{text!r}: {key!r} is not selected there")
            selections = [field.selection_set for field in chosen if field.selection_set]
        return path

    def _wrong(self, node: Node, reason: str) -> ConfigurationError:
        return _at(self._file, GraphQLError(reason, node))


def fields_of(selection_set: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    """The fields of a selection set, those of fragments inside included, whatever their type condition."""
    for selection in selection_set.selections:
        if isinstance(selection, FieldNode):
            yield selection
        elif isinstance(selection, InlineFragmentNode):
            yield from fields_of(selection.selection_set, fragments)
        elif isinstance(selection, FragmentSpreadNode):
            yield from fields_of(fragments[selection.name.value].selection_set, fragments)


def response_key(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value


def _check_apart(routes: list[Route]) -> None:
    """Routes of one method and path must be told apart, and names are unique: the description has them as ids."""
    names: dict[str, Route] = {}
    places: dict[tuple[str, str], list[Route]] = {}
    for route in routes:
        if names.setdefault(route.name, route) is not route:
            raise ConfigurationError(f"rest.documents: two operations are called {route.name}")
        others = places.setdefault((route.method, _PARAMETER.sub("{}", route.path)), [])
        if any(not _are_apart(route, other) for other in others):
            raise ConfigurationError(
                f"rest.documents: {route.name} and {others[0].name} both serve {route.method} {route.path};"
                " tell them apart with @rest(when: {field:, is:}) on the same field"
            )
        others.append(route)


def _are_apart(one: Route, other: Route) -> bool:
    if one.condition is None or other.condition is None or one.condition.field != other.condition.field:
        return False
    return not one.condition.values & other.condition.values


def _at(file: Path, error: GraphQLError) -> ConfigurationError:
    line = f":{error.locations[0].line}" if error.locations else ""
    return ConfigurationError(f"{file}{line}: {error.message}")
