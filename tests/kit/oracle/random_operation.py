"""Random operations with variables of every kind, named fragments, aliases and guards, valid or nearly so.

The same response key always means the same field with the same arguments within one operation, so that few are
refused for conflicts; arguments that differ get an alias.
"""

from __future__ import annotations

from random import Random
from typing import Any, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLField,
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

#: name of a type -> fields that give objects: the text before the guards, and the type
_Met: TypeAlias = dict[str, list[tuple[str, GraphQLNamedType]]]

_GUARD_VARIABLES = ("p", "q", "r", "s")
#: among them names of keys and names such as planners invent
_ALIASES = ("x", "id", "f0", "f1", "__x", "_f0_0", "_id_0", "_f0_1_alias", "_entities", "_e0", "ref")
_INTROSPECTION = ("__schema { queryType { name } }", '__type(name: "E0") { kind fields { name } }', "t: __typename")


class OperationGenerator:
    """`operation()` gives a text and its variables; the same seed gives the same."""

    def __init__(self, schema: GraphQLSchema, seed: int, max_depth: int = 6, max_selections: int = 70) -> None:
        self._schema = schema
        self._random = Random(seed)  # noqa: S311  # repeatable test data
        self._max_depth = max_depth
        self._max_selections = max_selections
        self._left = 0
        self._declared: dict[str, str] = {}
        self._variables: dict[str, Any] = {}
        self._keys: dict[str, str] = {}
        self._fragments: list[str] = []
        self._spreads: list[tuple[str, GraphQLNamedType]] = []  #: fragments that are written, and what they are on
        self._guard_chance = 0.0

    def operation(self) -> tuple[str, dict[str, Any]]:
        kind, root = self._root()
        self._left = self._random.randint(4, self._random.choice((20, self._max_selections)))
        self._declared, self._variables, self._keys, self._fragments, self._spreads = {}, {}, {}, [], []
        self._guard_chance = self._random.choice((0.05, 0.1, 0.3, 0.5))
        body = self._stream(root) if kind == "subscription" else self._selections(root, 0, {})
        declared = ", ".join(f"${name}: {kind}" for name, kind in self._declared.items())
        head = f"{kind} {'Op' if declared or self._chance(0.3) else ''}{f'({declared})' if declared else ''}"
        return " ".join([head, body, *self._fragments]), self._variables

    def _stream(self, root: GraphQLObjectType) -> str:
        """The one field of a subscription, which may not be skipped; what is below it may."""
        chance, self._guard_chance = self._guard_chance, 0.0
        drawn = self._draw_field(root, is_deep=False)
        assert drawn is not None
        self._guard_chance = chance
        return f"{{ {drawn[0]} {self._selections(drawn[1], 1, {})} }}"

    def guards(self) -> list[str]:
        """The variables that guards of the last operation look at."""
        return [name for name in _GUARD_VARIABLES if name in self._declared]

    def _root(self) -> tuple[str, GraphQLObjectType]:
        draw = self._random.random()
        if self._schema.mutation_type is not None and draw < 0.2:
            return "mutation", self._schema.mutation_type
        if self._schema.subscription_type is not None and draw > 0.85:
            return "subscription", self._schema.subscription_type
        assert self._schema.query_type is not None
        return "query", self._schema.query_type

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _selections(self, parent: GraphQLNamedType, depth: int, met: _Met) -> str:
        chosen = [self._selection(parent, depth, met) for _ in range(self._random.choice((1, 1, 2, 2, 3, 4)))]
        return "{ " + " ".join(chosen) + " }"

    def _selection(self, parent: GraphQLNamedType, depth: int, met: _Met) -> str:
        self._left -= 1
        if self._chance(0.08) or self._left < 0:
            return self._type_name()
        if depth == 0 and parent is self._schema.query_type and self._chance(0.02):
            return self._random.choice(_INTROSPECTION)
        if (known := self._fitting_spreads(parent)) and self._chance(0.1):
            return f"...{self._random.choice(known)}{self._guard()}"
        is_union = not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
        conditions = self._conditions(parent)
        if conditions and (
            is_union or self._chance(0.4 if is_abstract_type(parent) else 0.08 + self._guard_chance / 4)
        ):
            condition = self._random.choice(conditions)
            body = self._selections(condition, depth, met)
            if self._chance(0.25):
                name = f"F{len(self._fragments)}"
                self._fragments.append(f"fragment {name} on {condition.name} {body}")
                self._spreads.append((name, condition))
                return f"...{name}{self._guard()}"
            return f"... on {condition.name}{self._guard()} {body}"
        if self._chance(0.03 + self._guard_chance / 3):
            return f"...{self._guard()} {self._selections(parent, depth, met)}"
        return "__typename" if is_union else self._field(parent, depth, met)

    def _type_name(self) -> str:
        key = self._key("__typename", "__typename: String!") if self._chance(0.3) else "__typename"
        return "__typename" if key == "__typename" else f"{key}: __typename"

    def _fitting_spreads(self, parent: GraphQLNamedType) -> list[str]:
        objects = self._object_types(parent)
        return [name for name, condition in self._spreads if not objects.isdisjoint(self._object_types(condition))]

    def _object_types(self, kind: GraphQLNamedType) -> set[str]:
        return {one.name for one in self._schema.get_possible_types(kind)} if is_abstract_type(kind) else {kind.name}

    def _conditions(self, parent: GraphQLNamedType) -> list[GraphQLNamedType]:
        objects = self._schema.get_possible_types(parent) if is_abstract_type(parent) else [parent]
        others = {
            other.name: other
            for one in objects
            for other in self._schema.type_map.values()
            if is_abstract_type(other) and one in self._schema.get_possible_types(other)
        }
        return [*objects, *objects, *(others[name] for name in sorted(others))]

    def _field(self, parent: GraphQLNamedType, depth: int, met: _Met) -> str:
        """`met` is what was selected on the same objects before: some is selected again, with something else below."""
        assert isinstance(parent, GraphQLObjectType | GraphQLInterfaceType)
        if (known := met.get(parent.name)) and self._chance(0.15 + self._guard_chance):
            head, named = self._random.choice(known)
            return f"{head}{self._guard()} {self._selections(named, depth + 1, {})}"
        drawn = self._draw_field(parent, is_deep=depth >= self._max_depth)
        if drawn is None:
            return "__typename"
        head, named = drawn
        if not is_composite_type(named):
            return f"{head}{self._guard()}"
        met.setdefault(parent.name, []).append((head, named))
        return f"{head}{self._guard()} {self._selections(named, depth + 1, {})}"

    def _draw_field(
        self, parent: GraphQLObjectType | GraphQLInterfaceType, *, is_deep: bool
    ) -> tuple[str, GraphQLNamedType] | None:
        """Its text before the guards, and its type; None when nothing may be selected any deeper."""
        fields = [
            (name, field)
            for name, field in parent.fields.items()
            if not is_deep or not is_composite_type(get_named_type(field.type))
        ]
        if not fields:
            return None
        wide = [item for item in fields if is_composite_type(get_named_type(item[1].type))]
        name, field = self._random.choice(wide if wide and self._chance(0.35) else fields)
        arguments = self._arguments(field)
        named = get_named_type(field.type)
        key = self._key(name, f"{name}{arguments}: {field.type if not is_composite_type(named) else ''}")
        return f"{name if key == name else f'{key}: {name}'}{arguments}", named

    def _key(self, name: str, meaning: str) -> str:
        """`meaning` without the parent: the same field of two types may share a key."""
        wanted = self._random.choice(_ALIASES) if self._chance(0.12) else name
        number = 0
        while self._keys.setdefault(wanted, meaning) != meaning:
            wanted, number = f"{name}_{number}", number + 1
        return wanted

    def _guard(self) -> str:
        if not self._chance(self._guard_chance):
            return ""
        directive, other = self._random.sample(("include", "skip"), 2)
        if self._chance(0.15):
            return f" @{directive}(if: {self._random.choice(('true', 'false'))})"
        text = f" @{directive}(if: ${self._boolean()})"
        return text + (f" @{other}(if: ${self._boolean()})" if self._chance(0.2) else "")

    def _boolean(self) -> str:
        name = self._random.choice(_GUARD_VARIABLES)
        if name not in self._declared:
            self._declared[name] = "Boolean!" + self._random.choice(("", "", " = true", " = false"))
            if "=" not in self._declared[name] or self._chance(0.3):
                self._variables[name] = self._chance(0.5)
        return name

    # --- arguments -------------------------------------------------------------------------------------------------

    def _arguments(self, field: GraphQLField) -> str:
        given = [
            f"{name}: {self._argument(argument.type)}"
            for name, argument in field.args.items()
            if is_required_argument(argument) or self._chance(0.4)
        ]
        return f"({', '.join(given)})" if given else ""

    def _argument(self, kind: Any) -> str:
        if not self._chance(0.4):
            return self._literal(kind, 0)
        name = f"v{len(self._declared)}"
        same = [known for known, declared in self._declared.items() if declared in (str(kind), f"{kind}!")]
        if same and self._chance(0.5):
            return f"${self._random.choice(same)}"
        draw = self._random.random()
        self._declared[name] = str(kind)
        if isinstance(kind, GraphQLNonNull) or draw < 0.5:
            self._variables[name] = self._json(kind, 0)
        elif draw < 0.65:
            self._variables[name] = None
        elif draw < 0.85:
            self._declared[name] += f" = {self._literal(kind, 0, is_constant=True)}"
        return f"${name}"

    def _literal(self, kind: Any, depth: int, *, is_constant: bool = False) -> str:
        if isinstance(kind, GraphQLNonNull):
            return self._literal(kind.of_type, depth, is_constant=is_constant)
        if isinstance(kind, GraphQLList):
            item = self._literal if is_constant or self._chance(0.7) else lambda kind, *_, **__: self._argument(kind)
            items = [item(kind.of_type, depth, is_constant=is_constant) for _ in range(self._random.randint(0, 2))]
            return items[0] if len(items) == 1 and items[0][0] != "$" else f"[{', '.join(items)}]"
        if isinstance(kind, GraphQLEnumType):
            return str(self._random.choice(sorted(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            given = {
                name: self._literal(field.type, depth + 1, is_constant=is_constant)
                if is_constant or self._chance(0.7)
                else self._argument(field.type)
                for name, field in kind.fields.items()
                if isinstance(field.type, GraphQLNonNull) or (depth < 2 and self._chance(0.5))
            }
            return "{" + ", ".join(f"{name}: {value}" for name, value in given.items()) + "}"
        literals = {
            "Int": str(self._random.randint(1, 3)),
            "Float": "1.5",
            "Boolean": self._random.choice(("true", "false")),
        }
        return literals.get(kind.name, f'"{self._random.randint(1, 3)}"')

    def _json(self, kind: Any, depth: int) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._json(kind.of_type, depth)
        if isinstance(kind, GraphQLList):
            return [self._json(kind.of_type, depth) for _ in range(self._random.randint(0, 2))]
        if isinstance(kind, GraphQLEnumType):
            return self._random.choice(sorted(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            return {
                name: self._json(field.type, depth + 1)
                for name, field in kind.fields.items()
                if isinstance(field.type, GraphQLNonNull) or (depth < 2 and self._chance(0.5))
            }
        values = {"Int": self._random.randint(1, 3), "Float": 1.5, "Boolean": self._chance(0.5)}
        return values.get(kind.name, str(self._random.randint(1, 3)))
