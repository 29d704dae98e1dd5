"""The client's shape and the fetches of a plan -> the places of the response, each field with the fetch that brings it.

Fetches are added in an order in which what they need is there. A field that two fetches bring is not covered: which of
them counts depends on what they say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)

from router.execution.collect import runtime_names
from router.execution.shape import ObjectShape
from router.execution.typed.asked import AskedDocument, AskedField, Selections
from router.execution.typed.errors import NotCoveredError
from router.execution.typed.place import TYPENAME, Origin, Part, Place, Slot
from router.plan.nodes import EachItem, FlattenPath, Key, OnTypes

#: abstract types inside abstract types have a place for each way through them
MAX_PLACES = 400


class Places:
    """The tree of places of one plan; `root` stands for the data as a whole."""

    def __init__(self, shape: ObjectShape, schema: GraphQLSchema) -> None:
        self.root = Place.of(shape.type_name, shape, None, is_tagged=False)
        self._schema = schema  # the supergraph's
        self._numbers = count()

    def bring(self, place: Place, document: AskedDocument, selections: Selections, type_name: str) -> Part:
        """A fetch brings these selections to the objects of a place, which its subgraph knows by this name."""
        fields = document.fields(selections, type_name)
        sent_name = type_name if fields.pop(TYPENAME, None) is not None else None
        if sent_name is not None and place.above is not None and not place.is_named:
            raise NotCoveredError("a type that is told later")
        slots = self._take(place, document, fields, type_name, Origin.LATER)
        return Part(tuple(slots), sent_name)

    def resolve(self, path: FlattenPath) -> list[Place]:
        """The places a flatten path leads to."""
        found = [self.root]
        lists_left = 0
        for step in path:
            match step:
                case Key(name):
                    slots = [slot for place in found if (slot := place.slots.get(name)) is not None and slot.members]
                    if not slots:
                        return []  # not asked for under these guards
                    depths = {_list_depth(slot) for slot in slots}
                    if lists_left or len(depths) > 1:
                        raise NotCoveredError("a path that does not fit the data")
                    (lists_left,) = depths
                    found = [member for slot in slots for member in slot.members]
                case EachItem():
                    lists_left -= 1
                case OnTypes():
                    names = runtime_names(step, self._schema)
                    if not all(place.is_named for place in found):
                        raise NotCoveredError("a condition on a type nobody asked for")
                    found = [place for place in found if place.type_name in names]
        if lists_left:
            raise NotCoveredError("a path that does not fit the data")
        return found

    def _take(
        self, place: Place, document: AskedDocument, fields: Mapping[str, AskedField], type_name: str, origin: Origin
    ) -> Iterator[Slot]:
        for key, asked in fields.items():
            if asked.name == TYPENAME:
                continue  # under an alias: the router knows it
            slot = place.slots.get(key)
            if slot is None:
                slot = place.add_hidden(key, asked.name, document.field_type(type_name, asked.name), origin)
            elif slot.origin is not Origin.NOBODY or slot.name != asked.name:
                raise NotCoveredError(f"{place.type_name}.{key} is brought twice")
            slot.origin = origin
            named = get_named_type(slot.type)
            if not is_leaf_type(named):
                of_subgraph = get_named_type(document.field_type(type_name, asked.name))
                slot.members = tuple(self._members((place, slot), named, of_subgraph, document, asked.selections))
                if not slot.members:
                    raise NotCoveredError("objects of no type that clients may see")
            yield slot

    def _members(
        self,
        above: tuple[Place, Slot],
        named: GraphQLNamedType,
        of_subgraph: GraphQLNamedType,
        document: AskedDocument,
        selections: Selections,
    ) -> Iterator[Place]:
        """The places for the types that may stand in a field."""
        below = above[1].below
        possible = _possible_names(of_subgraph, document.schema)
        is_told = all(TYPENAME in document.fields(selections, name) for name in possible)
        if isinstance(named, GraphQLObjectType):
            shape = below.on(None) if below is not None else None
            yield self._place(above, named.name, shape, document, selections, named.name, is_tagged=False)
        elif not is_told:
            # whichever type it is, the selections are the same
            shape = below.on(None) if below is not None else None
            if shape is None or any(TYPENAME in document.fields(selections, name) for name in possible):
                raise NotCoveredError("a type that is asked for only sometimes")
            known_as = shape.type_name if shape.type_name in possible else of_subgraph.name
            yield self._place(above, shape.type_name, shape, document, selections, known_as, is_tagged=False)
        else:
            if not all(isinstance(self._schema.type_map.get(name), GraphQLObjectType) for name in possible):
                raise NotCoveredError("an interface that is an object")
            shapes = {name: below.on(name) if below is not None else None for name in possible}
            # the others are of types that clients may not see
            seen = [name for name in possible if below is None or shapes[name] is not None]
            for name in seen:
                # msgspec insists on the tag only where there are several
                yield self._place(above, name, shapes[name], document, selections, name, is_tagged=len(seen) > 1)

    def _place(
        self,
        above: tuple[Place, Slot],
        type_name: str,
        shape: ObjectShape | None,
        document: AskedDocument,
        selections: Selections,
        known_as: str,  #: by the subgraph
        *,
        is_tagged: bool,
    ) -> Place:
        if next(self._numbers) >= MAX_PLACES:
            raise NotCoveredError("too many places")
        place = Place.of(type_name, shape, above, is_tagged=is_tagged)
        fields = document.fields(selections, known_as)
        asked_name = fields.pop(TYPENAME, None)
        if asked_name is not None and not is_tagged:
            self._expect_type_name(place)
        for _ in self._take(place, document, fields, known_as, Origin.OBJECT):
            pass
        return place

    def _expect_type_name(self, place: Place) -> None:
        """The only type there is; the subgraph has to say so, since representations are made by what it says."""
        slot = place.slots.get(TYPENAME)
        if slot is None:
            kind = self._schema.type_map["String"]
            place.add_hidden(TYPENAME, TYPENAME, kind, Origin.OBJECT)  # type: ignore[arg-type]  # a scalar
        else:
            slot.origin = Origin.OBJECT


def _list_depth(slot: Slot) -> int:
    depth, kind = 0, slot.type
    while True:
        if is_non_null_type(kind):
            kind = kind.of_type
        if not is_list_type(kind):
            return depth
        depth, kind = depth + 1, kind.of_type


def _possible_names(named: GraphQLNamedType, schema: GraphQLSchema) -> Sequence[str]:
    if is_abstract_type(named):
        return [possible.name for possible in schema.get_possible_types(named)]
    if isinstance(named, GraphQLObjectType | GraphQLInterfaceType):
        return [named.name]
    raise NotCoveredError("not an object")
