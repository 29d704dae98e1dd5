"""Routes to paths and operations: parameters, bodies, answers and refusals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from graphql import GraphQLSchema, get_named_type

from router.config.rest import RestConfig
from router.rest.binding import Binding
from router.rest.openapi.schemas import Schema, Schemas, object_schema
from router.rest.problem import Problems
from router.rest.routes import Route
from router.rest.values import as_is, snake_case

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
    config: RestConfig, routes: Sequence[Route], schema: GraphQLSchema, protected: frozenset[str], problems: Problems
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
        names = snake_case if config.names == "snake_case" else as_is
        self._schemas = Schemas(schema, names, config.openapi.scalars)

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
                "schemas": {"Problem": _PROBLEM, **self._schemas.components},
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
        error, _ = self._schemas.at(route.errors, route.operation, route.fragments)
        codes: dict[int, list[str]] = defaultdict(list)
        for possible in self._schema.get_possible_types(get_named_type(error)):
            status, code = self._problems.of_type(possible.name)
            codes[status].append(f"`{code}`")
        return dict(sorted(codes.items()))

    def _parameter(self, binding: Binding) -> Schema:
        schema = self._schemas.input(binding.type, binding.renamed)
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
                properties[binding.name] = self._schemas.input(binding.type, binding.renamed)
                if binding.default is not None:
                    properties[binding.name] = {**properties[binding.name], "default": binding.default}
            else:
                continue
            if binding.is_required:
                required.append(binding.name)
        return object_schema(properties, required, is_closed=True)

    def _answer(self, route: Route) -> Schema:
        """The schema of what stands at the route's result, which is never null: that is a 404."""
        type_, selected = self._schemas.at(route.result, route.operation, route.fragments)
        return self._schemas.output(type_, selected, route.fragments)


def _refused(description: str) -> Schema:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {"description": description, "headers": _headers(_OF_REFUSALS), "content": content}


def _headers(named: Mapping[str, str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{component}"} for name, component in named.items()}


def _either(one: Schema, other: Schema) -> Schema:
    """Two routes of one path as one operation: OpenAPI has a single one there."""
    bodies = [entry["requestBody"]["content"]["application/json"]["schema"] for entry in (one, other)]
    variants = [variant for body in bodies for variant in body.get("oneOf", [body])]
    merged = {**one, "summary": f"{one['summary']}; {other['summary'][:1].lower()}{other['summary'][1:]}"}
    merged["requestBody"] = {"required": True, "content": {"application/json": {"schema": {"oneOf": variants}}}}
    return merged
