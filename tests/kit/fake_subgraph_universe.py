"""A deterministic world that every subgraph of a supergraph tells about, and one schema that knows all of it.

Every value is a hash of the object it belongs to, the field and its arguments, so any subgraph that resolves a field
gives the same answer, and so does `monolith`, which has no subgraphs: what plan and executor make of the parts has to
equal what the monolith says. Subgraphs are strict where real ones are not: a representation must hold a whole key, and
fields with `@requires` fail unless the representation holds the right values of what they require.

Not told: contexts (`@fromContext`), subscriptions, errors. Mutations change nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLEnumType,
    GraphQLError,
    GraphQLObjectType,
    GraphQLResolveInfo,
    execute_sync,
    parse,
    validate,
    value_from_ast_untyped,
)

from router.graph import parse_field_set
from router.graph.field_set import named_type
from router.operation.model import Field, InlineFragment, Selection
from router.supergraph import FieldInfo, JoinField, Supergraph, TypeKind
from router.transport.model import SubgraphRequest, SubgraphResponse

#: objects of each entity type
ENTITY_COUNT = 3


@dataclass(frozen=True, slots=True)
class Thing:
    """An object of the world."""

    type: str  #: always the concrete type, also where a subgraph knows only an interface object
    seed: int
    sent: Mapping[str, Any] | None = field(default=None, compare=False)  #: the representation it came by
    known_as: str | None = field(default=None, compare=False)  #: `__typename` in the subgraph it came to


class Universe:
    def __init__(self, supergraph: Supergraph) -> None:
        self.supergraph = supergraph
        self._possible = _possible_types(supergraph)
        self._key_fields = {name: self._keys_of(name) for name in supergraph.types}

    # --- values ----------------------------------------------------------------------------------------------------

    def value(self, thing: Thing, name: str, arguments: Mapping[str, Any]) -> Any:
        """What a field is: leaves as JSON, objects as things."""
        info = self.supergraph.types[thing.type].fields[name]
        told = self._told_by(thing.type, name, info)
        seen = self.supergraph.api_schema.type_map.get(thing.type)
        # an argument hidden from clients has its default in a subgraph and is not there for the monolith
        known = seen.fields[name].args if isinstance(seen, GraphQLObjectType) and name in seen.fields else arguments
        arguments = {argument: given for argument, given in arguments.items() if argument in known}
        number = _hash(thing.type, thing.seed, name, json.dumps(arguments, sort_keys=True))
        is_key = name in self._key_fields[thing.type]
        can_be_null = not any(text.endswith("!") for text in (info.type, *(one.type for _, one in told)))
        if can_be_null and not is_key and number % 7 == 0:
            return None
        return self._of_type(info.type, told, number, thing.seed if is_key else None)

    def _of_type(self, text: str, told: Sequence[tuple[str, JoinField]], number: int, key_seed: int | None) -> Any:
        text = text.removesuffix("!")
        if text.startswith("["):
            count = number % 3 if key_seed is None else 1
            return [self._of_type(text[1:-1], told, _hash(number, index), key_seed) for index in range(count)]
        info = self.supergraph.types.get(text)
        if info is None or info.kind in (TypeKind.SCALAR, TypeKind.ENUM):
            return self._leaf(text, number, key_seed)
        candidates = sorted(frozenset.intersection(*(self._objects_in(s, named_type(one.type)) for s, one in told)))
        if not candidates:
            return None
        concrete = candidates[number % len(candidates)]
        if concrete in self.supergraph.root_types.values():
            return Thing(concrete, 0)
        if self._key_fields[concrete]:
            return Thing(concrete, (number if key_seed is None else key_seed) % ENTITY_COUNT)
        return Thing(concrete, number)

    def _leaf(self, name: str, number: int, key_seed: int | None) -> Any:
        schema_type = self.supergraph.api_schema.type_map.get(name)
        if isinstance(schema_type, GraphQLEnumType):
            known = self.supergraph.types[name].values.values()
            values = sorted(frozenset(schema_type.values).intersection(*known))
            return values[number % len(values)] if values else None
        match name:
            case "Int":
                return number % 1000 if key_seed is None else key_seed
            case "Float":
                return number % 1000 / 8
            case "Boolean":
                return number % 2 == 0
            case _:
                return f"{name[:1]}{number % 10**9}"

    def _told_by(self, type_name: str, name: str, info: FieldInfo) -> list[tuple[str, JoinField]]:
        """Who resolves the field; interface objects tell fields of the types behind them."""
        told = [(s, one) for s, one in info.by_subgraph.items() if not (one.is_external or one.is_used_overridden)]
        for other in self.supergraph.types.values():
            if other.kind is TypeKind.INTERFACE and type_name in self._possible.get(other.name, ()):
                for subgraph, one in other.fields[name].by_subgraph.items() if name in other.fields else ():
                    if other.by_subgraph[subgraph].is_interface_object:
                        told.append((subgraph, one))
        return told or list(info.by_subgraph.items())

    def _objects_in(self, subgraph: str, name: str) -> frozenset[str]:
        info = self.supergraph.types[name]
        if info.kind is TypeKind.OBJECT:
            return frozenset({name})
        if info.kind is TypeKind.UNION:
            return info.members.get(subgraph, frozenset())
        if info.by_subgraph[subgraph].is_interface_object:
            return self._possible[name]
        types = self.supergraph.types
        return frozenset(one for one in self._possible[name] if name in types[one].interfaces.get(subgraph, ()))

    def _keys_of(self, name: str) -> frozenset[str]:
        types = self.supergraph.types
        interfaces = [i for i, objects in self._possible.items() if name in objects]
        sets = [
            parse_field_set(key.fields, one, types)
            for one in (name, *interfaces)
            for joined in types[one].by_subgraph.values()
            for key in joined.keys
        ]
        return frozenset(item.name for selections in sets for item in selections if isinstance(item, Field))

    # --- field sets ------------------------------------------------------------------------------------------------

    def select(self, thing: Thing, selections: Sequence[Selection]) -> dict[str, Any]:
        """The values a field set names, as a representation holds them."""
        found: dict[str, Any] = {}
        for item in selections:
            if isinstance(item, InlineFragment):
                if thing.type in self._possible.get(item.type_condition, {item.type_condition}):
                    found.update(self.select(thing, item.selections))
            elif item.name != "__typename":
                arguments = {one.name: value_from_ast_untyped(one.value) for one in item.arguments}
                found[item.name] = self._plain(self.value(thing, item.name, arguments), item.selections)
        return found

    def _plain(self, value: Any, selections: Sequence[Selection]) -> Any:
        if isinstance(value, list):
            return [self._plain(item, selections) for item in value]
        return self.select(value, selections) if isinstance(value, Thing) else value

    def find(self, representation: Mapping[str, Any], subgraph: str) -> Thing:
        """The entity a representation names. Raises GraphQLError when there is none or no whole key."""
        name = representation["__typename"]
        info = self.supergraph.types[name]
        for key in info.by_subgraph[subgraph].keys:
            selections = parse_field_set(key.fields, name, self.supergraph.types)
            for concrete in sorted(self._possible.get(name, {name})):
                for seed in range(ENTITY_COUNT):
                    thing = Thing(concrete, seed)
                    if key.is_resolvable and _holds(representation, self.select(thing, selections)):
                        is_known = info.by_subgraph[subgraph].is_interface_object
                        return Thing(concrete, seed, representation, name if is_known else concrete)
        raise GraphQLError(f"{subgraph} knows no {representation}")

    # --- telling ---------------------------------------------------------------------------------------------------

    def monolith(self, document: DocumentNode, variables: Mapping[str, Any]) -> ExecutionResult:
        """What one schema over the whole world answers."""

        def resolve(source: Thing, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            return self.value(source, info.field_name, arguments)

        result = execute_sync(
            self.supergraph.api_schema,
            document,
            self._root(),
            variable_values=dict(variables),
            field_resolver=resolve,
            type_resolver=lambda value, *_: value.type,
        )
        assert isinstance(result, ExecutionResult)
        return result

    def tell(self, subgraph: str, query: str, variables: Mapping[str, Any]) -> ExecutionResult:
        """What one subgraph answers."""
        schema = self.supergraph.subgraphs[subgraph].schema
        document = parse(query, no_location=True)
        errors = validate(schema, document)
        if errors:
            return ExecutionResult(None, errors)

        def resolve(source: Thing, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
            if info.field_name == "_entities":
                return [self.find(item, subgraph) for item in arguments["representations"]]
            self._check_requires(source, info, subgraph)
            return self.value(source, info.field_name, arguments)

        def type_of(value: Thing, *_: object) -> str:
            return value.type if value.known_as is None else value.known_as

        result = execute_sync(
            schema,
            document,
            self._root(),
            variable_values=dict(variables),
            field_resolver=resolve,
            type_resolver=type_of,
        )
        assert isinstance(result, ExecutionResult)
        return result

    def _root(self) -> Thing:
        return Thing(self.supergraph.root_types["query"], 0)

    def _check_requires(self, source: Thing, info: GraphQLResolveInfo[Any], subgraph: str) -> None:
        declared = self.supergraph.types[info.parent_type.name].fields[info.field_name].by_subgraph.get(subgraph)
        if declared is None or declared.requires is None:
            return
        selections = parse_field_set(declared.requires, info.parent_type.name, self.supergraph.types)
        if source.sent is None or not _holds(source.sent, self.select(source, selections)):
            raise GraphQLError(f"{info.parent_type.name}.{info.field_name} requires other values than {source.sent}")


class UniverseSubgraph:
    """A `SubgraphClient`."""

    def __init__(self, universe: Universe, name: str) -> None:
        self._universe = universe
        self._name = name

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        body = json.loads(request.body)
        result = self._universe.tell(self._name, body["query"], body.get("variables") or {})
        return SubgraphResponse(200, json.dumps(result.formatted).encode())


def _holds(sent: Any, expected: Any) -> bool:
    """Is what was sent, as far as it is expected, right? Something sent on top (`__typename`) does no harm."""
    if isinstance(expected, dict):
        return isinstance(sent, dict) and all(k in sent and _holds(sent[k], value) for k, value in expected.items())
    if isinstance(expected, list):
        return isinstance(sent, list) and len(sent) == len(expected) and all(map(_holds, sent, expected))
    return bool(sent == expected)


def _possible_types(supergraph: Supergraph) -> dict[str, frozenset[str]]:
    """Interfaces and unions -> object types, anywhere."""
    possible: dict[str, frozenset[str]] = {}
    for info in supergraph.types.values():
        if info.kind is TypeKind.UNION:
            possible[info.name] = frozenset().union(*info.members.values())
        elif info.kind is TypeKind.INTERFACE:
            possible[info.name] = frozenset(
                other.name
                for other in supergraph.types.values()
                if other.kind is TypeKind.OBJECT and any(info.name in names for names in other.interfaces.values())
            )
    return possible


def _hash(*parts: object) -> int:
    text = "|".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=7).digest(), "big")
