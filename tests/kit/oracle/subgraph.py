"""A subgraph that answers from the universe, and only what it may answer.

It refuses fields that are external or overridden, representations without a key it can resolve, and fields with
`@requires` for which it was sent anything but the right inputs. A refusal is an error that the monolith does not have.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from graphql import (
    ExecutionResult,
    FieldNode,
    GraphQLAbstractType,
    GraphQLError,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionNode,
    SelectionSetNode,
    execute,
    parse,
)

from router.transport.model import StreamEvent, SubgraphRequest, SubgraphResponse
from tests.kit.oracle.facts import FieldFacts, SubgraphFacts
from tests.kit.oracle.trouble import Troubles
from tests.kit.oracle.universe import Thing, Universe, type_in

#: the root objects of a subscription, one after the other
EVENTS = tuple(Thing("Subscription", f"event {number}") for number in range(3))


@dataclass(frozen=True, slots=True)
class _Object:
    """A thing as this subgraph came to it."""

    thing: Thing
    representation: Mapping[str, Any] | None = None
    provided: tuple[SelectionNode, ...] = ()


class OracleSubgraph:
    """A `SubgraphClient` with `SubgraphStreams`. `asked` holds the documents in the order in which they came."""

    def __init__(self, facts: SubgraphFacts, universe: Universe, labels: frozenset[str], troubles: Troubles) -> None:
        self._facts = facts
        self._universe = universe
        self._troubles = troubles
        self._labels = labels
        self.asked: list[str] = []

    async def send(self, request: SubgraphRequest) -> SubgraphResponse:
        body = orjson.loads(request.body)
        query = body["query"]
        self.asked.append(query)
        for _ in range(len(query) % 3):  # answers arrive in any order, but the same one each time
            await asyncio.sleep(0)
        root = Thing("Mutation" if query.startswith("mutation") else "Query", "root")
        return SubgraphResponse(200, orjson.dumps(self._answer(body, root)))

    async def subscribe(self, request: SubgraphRequest) -> AsyncGenerator[StreamEvent, None]:
        body = orjson.loads(request.body)
        self.asked.append(body["query"])
        for event in EVENTS:
            yield self._answer(body, event)

    def _answer(self, body: Mapping[str, Any], root: Thing) -> dict[str, Any]:
        result = execute(
            self._facts.schema,
            parse(body["query"], no_location=True),
            root,
            variable_values=body.get("variables"),
            operation_name=body.get("operationName"),
            field_resolver=self._resolve,
            type_resolver=self._type_of,
        )
        assert isinstance(result, ExecutionResult)
        answer: dict[str, Any] = {"data": result.data}
        if result.errors:
            answer["errors"] = [error.formatted for error in result.errors]
        return answer

    def _type_of(self, value: _Object, info: GraphQLResolveInfo[Any], abstract: GraphQLAbstractType) -> str:
        return type_in(self._universe, self._facts, value.thing)

    def _resolve(self, source: _Object | Thing, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if info.field_name == "_entities":
            return [self._entity(representation) for representation in arguments["representations"]]
        owner = source if isinstance(source, _Object) else _Object(source)
        name, parent = info.field_name, self._facts.name_everywhere(info.parent_type.name)
        field = self._facts.fields.get((parent, name))
        assert field is not None
        offered = self._offered(owner, name)
        self._check(owner, parent, name, field, is_offered=offered is not None)
        if self._troubles.broken_in(owner.thing.type, name) == self._facts.name:
            raise GraphQLError(f"{owner.thing.type}.{name} fails in {self._facts.name}")
        provided = (*(offered or ()), *(field.provides.selections if field.provides else ()))
        # what one type of an interface is asked for here, all are: there is only one type here
        note = None if parent in self._facts.interface_objects else self._universe.asked
        return _wrap(self._universe.value(owner.thing, name, arguments, note), provided)

    def _entity(self, representation: Mapping[str, Any]) -> _Object | None:
        name = representation.get("__typename")
        keys = [key for key in self._facts.keys.get(str(name), ()) if key.is_resolvable]
        for thing in self._universe.entities(str(name)) if keys else ():
            if any(_agrees(self._universe.read(thing, key.selections, self._facts), representation) for key in keys):
                return None if self._troubles.is_absent(self._facts, thing) else _Object(thing, representation)
        raise GraphQLError(f"{self._facts.name} resolves no entity by {dict(representation)}")

    def _check(self, owner: _Object, type_name: str, name: str, field: FieldFacts, *, is_offered: bool) -> None:
        place = f"{type_name}.{name} in {self._facts.name}"
        if self._is_overridden(type_name, name, field) and not is_offered:
            raise GraphQLError(f"{place} is overridden")
        if field.is_external and not is_offered and (type_name, name) not in self._facts.key_fields:
            raise GraphQLError(f"{place} is external")
        if field.requires is not None and not is_offered:
            expected = self._universe.read(owner.thing, field.requires, self._facts)
            if owner.representation is None or not _agrees(expected, owner.representation):
                raise GraphQLError(f"{place} requires {expected} and got {owner.representation}")

    def _is_overridden(self, type_name: str, name: str, field: FieldFacts) -> bool:
        if (type_name, name) in self._facts.key_fields:
            return False
        if field.override is not None and field.label is not None and field.label not in self._labels:
            return True
        for other in self._universe.subgraphs:
            theirs = other.fields.get((type_name, name))
            if theirs is not None and theirs.override == self._facts.name:
                return theirs.label is None or theirs.label in self._labels
        return False

    def _offered(self, owner: _Object, name: str) -> tuple[SelectionNode, ...] | None:
        """What a `@provides` on the way here says of the field; None when it says nothing."""
        found: list[SelectionNode] = []
        is_offered = False
        for node in self._applicable(owner.thing, owner.provided):
            if node.name.value == name:
                is_offered = True
                found.extend(node.selection_set.selections if node.selection_set else ())
        return tuple(found) if is_offered else None

    def _applicable(self, thing: Thing, selections: Sequence[SelectionNode]) -> list[FieldNode]:
        found: list[FieldNode] = []
        for node in selections:
            if isinstance(node, FieldNode):
                found.append(node)
            elif isinstance(node, InlineFragmentNode) and node.type_condition:
                condition = node.type_condition.name.value
                if thing.type in self._universe.possible.get(condition, {condition}):
                    found.extend(self._applicable(thing, _selections(node.selection_set)))
        return found


def _selections(node: SelectionSetNode) -> Sequence[SelectionNode]:
    return node.selections


def _wrap(value: Any, provided: tuple[SelectionNode, ...]) -> Any:
    if isinstance(value, list):
        return [_wrap(item, provided) for item in value]
    return _Object(value, None, provided) if isinstance(value, Thing) else value


def _agrees(expected: Any, sent: Any) -> bool:
    """Whether all that is expected was sent, and right."""
    if isinstance(expected, dict):
        return isinstance(sent, Mapping) and all(k in sent and _agrees(v, sent[k]) for k, v in expected.items())
    if isinstance(expected, list):
        return (
            isinstance(sent, list)
            and len(sent) == len(expected)
            and all(_agrees(one, other) for one, other in zip(expected, sent, strict=True))
        )
    return type(expected) is type(sent) and bool(expected == sent)
