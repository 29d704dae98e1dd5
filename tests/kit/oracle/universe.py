"""Every value there is: a function of the object, the field and the arguments, the same for all who ask.

Which values are possible follows from the SDLs: what one subgraph declares non-null is never null; a field that several
subgraphs resolve is only ever an object, or an enum value, that all of them know. Values of keys are never null and
never equal for two entities of a type.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeAlias

from graphql import (
    FieldNode,
    GraphQLEnumType,
    GraphQLError,
    GraphQLObjectType,
    InlineFragmentNode,
    ListTypeNode,
    NamedTypeNode,
    NonNullTypeNode,
    SelectionSetNode,
    TypeNode,
    print_ast,
)
from graphql.execution.values import get_argument_values

from tests.kit.oracle.facts import SubgraphFacts, paths, possible_types

ENTITY_COUNT = 4  #: of each type
_LENGTHS = (0, 1, 1, 2, 2, 3)
_SCALARS = ("Int", "Float", "Boolean", "String", "ID")


@dataclass(frozen=True, slots=True)
class Thing:
    """An object: an entity, told by type and number, or a value, told by the way to it."""

    type: str
    identity: str
    number: int | None = None


Value: TypeAlias = tuple[Thing, str, str]


@dataclass(frozen=True, slots=True)
class _Shape:
    """A type with all that the subgraphs say about it."""

    is_non_null: bool
    item: _Shape | None = None  #: of lists
    scalar: str | None = None
    choices: tuple[str, ...] = ()  #: values of an enum, or names of object types


class Universe:
    """`is_failing`: some fields of some objects raise errors, where it is plain what comes of it."""

    def __init__(self, subgraphs: Sequence[SubgraphFacts], seed: int, *, is_failing: bool = False) -> None:
        self.subgraphs = subgraphs
        self._seed = seed
        self.entity_types = {name for facts in subgraphs for name in facts.keys}
        self.key_fields = {self_key for facts in subgraphs for self_key in facts.key_fields}
        self._inaccessible = set[str]().union(*(facts.inaccessible for facts in subgraphs))
        self.possible = self._find_possible()
        self._shapes: dict[tuple[str, str], _Shape] = {}
        self.inputs = self._find_inputs()
        self.input_names = {name for _, name in self.inputs}
        self._is_failing = is_failing
        self._rises_alike = is_failing and self._is_uniform()
        self.mutation_log: list[str] = []
        #: the values the client selected, and those that subgraphs were asked for: object, field and arguments
        self.selected: set[Value] = set()
        self.asked: set[Value] = set()
        self.is_undetermined = False  #: a value was asked for that cannot be: the case says nothing

    # --- objects ---------------------------------------------------------------------------------------------------

    def entities(self, type_name: str) -> list[Thing]:
        """All entities of an object type, or of the types of an interface."""
        names = sorted(self.possible.get(type_name, {type_name}))
        return [self.entity(name, number) for name in names for number in range(ENTITY_COUNT)]

    def entity(self, type_name: str, number: int) -> Thing:
        return Thing(type_name, f"{type_name}:{number}", number)

    def value(self, thing: Thing, name: str, arguments: Mapping[str, Any], note: set[Value] | None = None) -> Any:
        """A JSON leaf, a `Thing`, None, or lists of them. Raises GraphQLError where the universe fails. `note` takes
        down what was asked for."""
        given = json.dumps(arguments, sort_keys=True) if arguments else ""
        if note is not None:
            note.add((thing, name, given))
        text = f"{self._seed}|{thing.identity}|{name}|{given}"
        if thing.type == "Mutation":
            self.mutation_log.append(text)
            text = "&".join(self.mutation_log)
        shape = self._shape(thing.type, name)
        if self._is_failing and self._fails(thing.type, name, shape, text):
            raise GraphQLError(f"{thing.type}.{name} fails")
        is_key = (thing.type, name) in self.key_fields and thing.number is not None
        if is_key and shape.choices and shape.choices[0] in self.entity_types:
            assert thing.number is not None
            return self.entity(shape.choices[0], thing.number)
        return self._make(shape, text, name)

    def asked_in_vain(self) -> list[str]:
        """What subgraphs were asked for and nobody needs. Any key, and any field that something may require, may be
        needed to get somewhere."""
        keys = {name for _, name in self.key_fields}
        return sorted(
            f"{thing.identity}.{name}({given})"
            for thing, name, given in self.asked - self.selected
            if (thing.type, name) not in self.inputs and name not in keys
        )

    def read(self, thing: Thing, selections: SelectionSetNode, facts: SubgraphFacts) -> dict[str, Any]:
        """The value of a field set, with arguments as the subgraph understands them."""
        found: dict[str, Any] = {}
        for node in selections.selections:
            if isinstance(node, InlineFragmentNode):
                condition = node.type_condition.name.value if node.type_condition else thing.type
                if thing.type in self.possible.get(condition, {condition}):
                    found.update(self.read(thing, node.selection_set, facts))
            elif isinstance(node, FieldNode) and node.name.value != "__typename":
                parent = facts.schema.type_map[type_in(self, facts, thing)]
                assert isinstance(parent, GraphQLObjectType)
                arguments = get_argument_values(parent.fields[node.name.value], node)
                value = self.value(thing, node.name.value, arguments)
                found[node.name.value] = self._read_below(value, node.selection_set, facts)
        return found

    def _read_below(self, value: Any, selections: SelectionSetNode | None, facts: SubgraphFacts) -> Any:
        if isinstance(value, list):
            return [self._read_below(item, selections, facts) for item in value]
        if isinstance(value, Thing):
            assert selections is not None
            return self.read(value, selections, facts)
        return value

    # --- values ----------------------------------------------------------------------------------------------------

    def _make(self, shape: _Shape, text: str, name: str) -> Any:
        number = int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")
        number, draw = divmod(number, 11)
        is_empty = shape.item is None and shape.scalar is None and not shape.choices
        if not shape.is_non_null and (draw == 0 or is_empty):
            return None
        if is_empty:
            self.is_undetermined = True
            raise GraphQLError(f"{name} has no value on which all subgraphs agree")
        if shape.item is not None:
            item = shape.item
            if item.is_non_null and item.item is None and item.scalar is None and not item.choices:
                return []
            return [self._make(item, f"{text}/{index}", name) for index in range(_LENGTHS[number % 6])]
        if shape.scalar is not None:
            return _scalar(shape.scalar, number, name)
        number, place = divmod(number, len(shape.choices))
        choice = shape.choices[place]
        if not self._is_type(choice):
            return choice.partition(".")[2]
        if choice in self.entity_types:
            return self.entity(choice, number % ENTITY_COUNT)
        return Thing(choice, "root") if choice == "Query" else Thing(choice, f"{choice}#{number:x}")

    def _is_type(self, choice: str) -> bool:
        return "." not in choice

    def _fails(self, type_name: str, name: str, shape: _Shape, text: str) -> bool:
        if name in self.input_names or type_name == "Mutation" or name in {n for _, n in self.key_fields}:
            return False
        may_fail = not shape.is_non_null or self._rises_alike
        return may_fail and blake2b(text.encode(), digest_size=1, salt=b"fail").digest()[0] < 20

    def _is_uniform(self) -> bool:
        """Whether a null rises as far in every subgraph as it does for clients."""
        kinds: dict[tuple[str, str], set[str]] = {}
        for facts in self.subgraphs:
            for (owner, name), each in facts.fields.items():
                for type_name in self.possible.get(owner, {owner}):
                    kinds.setdefault((type_name, name), set()).add(print_ast(each.node.type))
        has_objects = any(facts.interface_objects for facts in self.subgraphs)
        return not has_objects and all(len(found) == 1 for found in kinds.values())

    def _find_inputs(self) -> set[tuple[str, str]]:
        """Object types and fields that the router may need for more than the client asked for."""
        found: set[tuple[str, str]] = set()
        for facts in self.subgraphs:
            for (owner, _), each in facts.fields.items():
                if each.requires is not None:
                    found.update(paths(facts.schema, owner, each.requires))
                for context, selections in each.context.values():
                    for setter in facts.contexts.get(context, ()):
                        found.update(paths(facts.schema, setter, selections))
        return {(each, name) for owner, name in found for each in self.possible.get(owner, {owner})}

    # --- what is possible ------------------------------------------------------------------------------------------

    def _find_possible(self) -> dict[str, set[str]]:
        """Interface or union -> object types, of all subgraphs together."""
        possible: dict[str, set[str]] = {}
        for facts in self.subgraphs:
            for named in facts.schema.type_map.values():
                if hasattr(named, "resolve_type"):
                    possible.setdefault(named.name, set()).update(possible_types(facts.schema, named.name))
        for facts in self.subgraphs:
            for name in facts.interface_objects:
                possible.setdefault(name, set())
        return possible

    def mentions(self, type_name: str, name: str) -> list[SubgraphFacts]:
        """The subgraphs that have the field, be it only as an external one."""
        return [facts for facts in self.subgraphs if any(True for _ in self._declared(facts, type_name, name))]

    def is_value(self, type_name: str, name: str) -> bool:
        """Whether the field gives objects that can only be had by it."""
        shape = self._shape(type_name, name)
        is_nullable = not shape.is_non_null
        while shape.item is not None:
            shape = shape.item
        resolvable = {t for f in self.subgraphs for t, keys in f.keys.items() if any(k.is_resolvable for k in keys)}
        types = [choice for choice in shape.choices if self._is_type(choice)]
        return is_nullable and bool(types) and resolvable.isdisjoint(types)

    def _declared(self, facts: SubgraphFacts, type_name: str, name: str) -> Iterator[TypeNode]:
        for owner in (type_name, *sorted(facts.interface_objects)):
            if (owner, name) in facts.fields and (owner == type_name or type_name in self.possible[owner]):
                yield facts.fields[owner, name].node.type

    def _shape(self, type_name: str, name: str) -> _Shape:
        key = (type_name, name)
        if key not in self._shapes:
            found = [(facts, kind) for facts in self.subgraphs for kind in self._declared(facts, type_name, name)]
            self._shapes[key] = self._merge(found, is_key=key in self.key_fields)
        return self._shapes[key]

    def _merge(self, types: Sequence[tuple[SubgraphFacts, TypeNode]], *, is_key: bool = False) -> _Shape:
        non_null = [isinstance(node, NonNullTypeNode) for _, node in types]
        bare = [(facts, node.type if isinstance(node, NonNullTypeNode) else node) for facts, node in types]
        is_non_null = is_key or any(non_null)
        items = [(facts, node.type) for facts, node in bare if isinstance(node, ListTypeNode)]
        if items:
            return _Shape(is_non_null, item=self._merge(items))
        names = [(facts, node.name.value) for facts, node in bare if isinstance(node, NamedTypeNode)]
        if not names:
            raise LookupError("a field that nobody defines")
        choices = [self._choices(facts, name) for facts, name in names]
        known = [choice for choice in choices if choice is not None]
        if not known:
            return _Shape(is_non_null, scalar=names[0][1])
        shared = sorted(set(known[0]).intersection(*known[1:]) - self._inaccessible)
        return _Shape(is_non_null, choices=tuple(shared))

    def _choices(self, facts: SubgraphFacts, name: str) -> Iterable[str] | None:
        named = facts.schema.type_map[name]
        if isinstance(named, GraphQLEnumType):
            return [f"{name}.{value}" for value in named.values]
        if name in _SCALARS or not (hasattr(named, "fields") or hasattr(named, "resolve_type")):
            return None
        found: set[str] = set()
        for each in possible_types(facts.schema, name):
            found |= self.possible[each] if each in facts.interface_objects else {facts.name_everywhere(each)}
        return found


def type_in(universe: Universe, facts: SubgraphFacts, thing: Thing) -> str:
    """What a subgraph calls the object: its type, or the interface that is an object there."""
    if thing.type in facts.schema.type_map:
        return thing.type
    return next(name for name in sorted(facts.interface_objects) if thing.type in universe.possible[name])


def _scalar(name: str, number: int, field: str) -> Any:
    match name:
        case "Int":
            return number % 2**31
        case "Float":
            return number % 4000 / 4
        case "Boolean":
            return number % 2 == 0
        case "String" | "ID":
            return f"{field}-{number % 16**8:x}"
        case _:
            return [{"b": number % 100, "a": [field, None]}, number % 7, {"__typename": name}][number % 3]
