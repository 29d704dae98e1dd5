"""Random operations on a schema: aliases, fragments, guards, variables.

The same seed gives the same text. Operations are syntactically right and mostly valid; the caller drops those which
validation refuses (two aliases for different fields on overlapping types, for example).
"""

from __future__ import annotations

from random import Random

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_composite_type,
    is_required_argument,
)

_GUARD_VARIABLES = ("a", "b")
_MAX_INPUT_DEPTH = 3


class OperationGenerator:
    """`text()` gives a new operation each time. All boolean variables are declared, used or not."""

    def __init__(self, schema: GraphQLSchema, seed: int, max_depth: int = 5, max_selections: int = 60) -> None:
        self._schema = schema
        self._random = Random(seed)  # noqa: S311  # repeatable test data
        self._max_depth = max_depth
        self._max_selections = max_selections
        self._left = max_selections
        self._used: set[str] = set()

    def text(self, kind: str = "query") -> str:
        root = {"query": self._schema.query_type, "mutation": self._schema.mutation_type}[kind]
        if root is None:
            raise ValueError(f"the schema has no {kind} type")
        self._used, self._left = set(), self._max_selections
        body = self._selections(root, 0)
        declared = ", ".join(f"${name}: Boolean!" for name in sorted(self._used))
        return f"{kind} Random{f'({declared})' if declared else ''} {body}"

    def _selections(self, parent: GraphQLNamedType, depth: int) -> str:
        chosen = [self._selection(parent, depth) for _ in range(self._random.randint(1, 4))]
        text = " ".join(part for part in chosen if part)
        return "{" + (text or "__typename") + "}"

    def _selection(self, parent: GraphQLNamedType, depth: int) -> str:
        self._left -= 1
        draw = self._random.random()
        if draw < 0.07 or self._left < 0:
            return "__typename"
        conditions = self._conditions(parent)
        is_union = not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
        if conditions and (is_union or draw < 0.3):
            condition = self._random.choice(conditions)
            return f"... on {condition.name}{self._guard()}{self._selections(condition, depth)}"
        if is_union:
            return "__typename"
        return self._field(parent, depth)

    def _conditions(self, parent: GraphQLNamedType) -> list[GraphQLNamedType]:
        if not is_abstract_type(parent):
            return [parent] if self._random.random() < 0.2 else []
        objects = self._schema.get_possible_types(parent)
        others = {
            other.name: other
            for one in objects
            for other in self._schema.type_map.values()
            if is_abstract_type(other) and one in self._schema.get_possible_types(other)
        }
        return [*objects, *(others[name] for name in sorted(others))]

    def _field(self, parent: GraphQLNamedType, depth: int) -> str:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return "__typename"
        fields = [
            (name, field)
            for name, field in parent.fields.items()
            if depth < self._max_depth or not is_composite_type(get_named_type(field.type))
        ]
        if not fields:
            return "__typename"
        name, field = self._random.choice(fields)
        alias = f"{self._random.choice(['x', 'y', 'id', 'name'])}: " if self._random.random() < 0.12 else ""
        arguments = self._arguments(field.args)
        named = get_named_type(field.type)
        below = self._selections(named, depth + 1) if is_composite_type(named) else ""
        return f"{alias}{name}{arguments}{self._guard()}{below}"

    def _guard(self) -> str:
        if self._random.random() > 0.12:
            return ""
        variable = self._random.choice(_GUARD_VARIABLES)
        self._used.add(variable)
        return f" @{self._random.choice(['include', 'skip'])}(if: ${variable})"

    def _arguments(self, arguments: dict[str, GraphQLArgument]) -> str:
        given = [
            f"{name}: {self._value(argument.type, 0)}"
            for name, argument in arguments.items()
            if is_required_argument(argument) or self._random.random() < 0.3
        ]
        return f"({', '.join(given)})" if given else ""

    def _value(self, kind: object, depth: int) -> str:
        if isinstance(kind, GraphQLNonNull):
            return self._value(kind.of_type, depth)
        if isinstance(kind, GraphQLList):
            return f"[{self._value(kind.of_type, depth)}]"
        if isinstance(kind, GraphQLEnumType):
            return str(self._random.choice(sorted(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            given = {
                name: self._value(field.type, depth + 1)
                for name, field in kind.fields.items()
                if isinstance(field.type, GraphQLNonNull) or depth < _MAX_INPUT_DEPTH
            }
            return "{" + ", ".join(f"{name}: {value}" for name, value in given.items()) + "}"
        literals = {"Int": str(self._random.randint(1, 3)), "Float": "1.5", "Boolean": "true"}
        return literals.get(getattr(kind, "name", ""), f'"{self._random.randint(1, 3)}"')
