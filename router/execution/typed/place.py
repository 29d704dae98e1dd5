"""A place in the response: the objects of one type at one path. Its fields become a class, its path becomes code.

Slot     one field: the client's, or one that only other fetches need, which nobody sees
Part     the fields that one fetch brings to objects that are there already
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import reduce
from operator import or_
from typing import Any, Literal

from graphql import GraphQLOutputType, get_named_type, is_list_type, is_non_null_type
from msgspec import UNSET, Struct, UnsetType, defstruct
from msgspec import field as json_field

from router.execution.shape import Below, FieldShape, ObjectShape, Source
from router.execution.typed.annotations import leaf_annotation, wrapped
from router.execution.typed.errors import NotCoveredError, SurpriseError

TYPENAME = "__typename"


class Origin(Enum):
    """Who brings a field."""

    NOBODY = auto()
    ROUTER = auto()  #: a type name the client asked for, or introspection
    OBJECT = auto()  #: the fetch that brings the object
    LATER = auto()  #: another fetch, as a part


@dataclass(slots=True, eq=False)
class Slot:
    attribute: str  #: in the class; the response key may be no name for Python
    key: str  #: response key
    name: str
    type: GraphQLOutputType
    is_shown: bool  #: to the client
    below: Below | None = None  #: the client's selections on an object
    origin: Origin = Origin.NOBODY
    members: tuple[Place, ...] = ()  #: where its objects stand; none for a leaf

    @property
    def annotation(self) -> Any:
        if self.members:
            return wrapped(self.type, reduce(or_, [place.decoded for place in self.members]))
        return wrapped(self.type, leaf_annotation(get_named_type(self.type)))


@dataclass(slots=True, eq=False)
class Place:
    type_name: str
    above: tuple[Place, Slot] | None  #: None for the root
    is_tagged: bool  #: one of several types that stand here, told apart by `__typename`
    slots: dict[str, Slot] = field(default_factory=dict)  #: by response key, the client's first and in its order
    is_gathered: bool = False  #: its objects are listed once in each run
    _decoded: type[Struct] | None = None

    @classmethod
    def of(
        cls, type_name: str, shape: ObjectShape | None, above: tuple[Place, Slot] | None, *, is_tagged: bool
    ) -> Place:
        """Without a shape the client sees nothing of these objects."""
        place = cls(type_name, above, is_tagged)
        for one in shape.fields if shape is not None else ():
            if one.source is Source.TYPENAME and shape is not None and not shape.is_concrete:
                raise NotCoveredError("a type name that is not known")
            place._add_shown(one)
        return place

    def _add_shown(self, one: FieldShape) -> None:
        slot = Slot(f"f{len(self.slots)}", one.response_key, one.name, one.type, is_shown=True, below=one.below)
        if one.source is not Source.DATA:
            slot.origin = Origin.ROUTER
        self.slots[one.response_key] = slot

    def add_hidden(self, key: str, name: str, kind: GraphQLOutputType, origin: Origin) -> Slot:
        slot = self.slots[key] = Slot(f"f{len(self.slots)}", key, name, kind, is_shown=False, origin=origin)
        return slot

    @property
    def is_named(self) -> bool:
        """Its objects say their type."""
        return self.is_tagged or (TYPENAME in self.slots and self.slots[TYPENAME].origin is Origin.OBJECT)

    # --- the class --------------------------------------------------------------------------------------------------

    @property
    def decoded(self) -> type[Struct]:
        """The class that bodies are decoded into."""
        if self._decoded is None:
            fields = [self._decoded_field(slot) for slot in self.slots.values() if not self._is_the_tag(slot)]
            tag = {"tag_field": TYPENAME, "tag": self.type_name} if self.is_tagged else {}
            self._decoded = defstruct(self.type_name, fields, kw_only=True, gc=False, **tag)  # type: ignore[arg-type]
        return self._decoded

    def _decoded_field(self, slot: Slot) -> tuple[str, Any, Any]:
        match slot.origin:
            case Origin.NOBODY if not is_non_null_type(slot.type):
                return slot.attribute, None, json_field(default=None, name=slot.key)
            case Origin.NOBODY if self.is_tagged:  # of a type that is not expected: never decodes
                return slot.attribute, None, json_field(name=f"~{slot.attribute}")
            case Origin.NOBODY:
                raise NotCoveredError(f"nobody brings {self.type_name}.{slot.key}")
            case Origin.ROUTER if slot.name != TYPENAME:
                return slot.attribute, UnsetType, json_field(default=UNSET, name=slot.key)
            case Origin.ROUTER:
                key = f"~{slot.attribute}" if self.is_tagged and slot.key == TYPENAME else slot.key
                return slot.attribute, Literal[self.type_name], json_field(default=self.type_name, name=key)
            case Origin.OBJECT if slot.name == TYPENAME:
                return slot.attribute, Literal[self.type_name], json_field(name=slot.key)
            case Origin.OBJECT:
                return slot.attribute, slot.annotation, json_field(name=slot.key)
            case Origin.LATER:  # whoever brings it now was not asked
                return slot.attribute, UnsetType, json_field(default=UNSET, name=slot.key)

    def _is_the_tag(self, slot: Slot) -> bool:
        """Written by msgspec, since the client wants it where tags are written: first."""
        return self.is_tagged and slot.key == TYPENAME and slot.attribute == "f0" and slot.is_shown

    @property
    def _hides_its_tag(self) -> bool:
        return self.is_tagged and not any(self._is_the_tag(slot) for slot in self.slots.values())

    @property
    def needs_finish(self) -> bool:
        """Clients would see too much."""
        return self._hides_its_tag or not all(slot.is_shown for slot in self.slots.values())

    def finisher(self) -> Callable[[Sequence[Struct]], None]:
        """What is left to do before the objects are written: hide what clients do not see."""
        lines = [f"  v.{slot.attribute} = UNSET" for slot in self.slots.values() if not slot.is_shown]
        encoded: type[Struct] | None = None
        if self._hides_its_tag:
            fields = [(slot.attribute, Any, json_field(name=slot.key)) for slot in self.slots.values()]
            encoded = defstruct(self.type_name, fields, kw_only=True, gc=False)
            lines.append("  v.__class__ = encoded")  # of the same layout
        return define("finish", ["def finish(objects):", " for v in objects:", *lines], UNSET=UNSET, encoded=encoded)

    # --- the way to it ----------------------------------------------------------------------------------------------

    @property
    def base(self) -> Place:
        """The nearest place above whose objects are listed anyway, or the root."""
        place = self
        while place.above is not None:
            place = place.above[0]
            if place.is_gathered:
                break
        return place

    def gatherer(self) -> Callable[[Sequence[Struct]], list[Any]]:
        """Objects of `base` -> the objects here, in the order of the response."""
        way: list[tuple[Place, Slot]] = []
        place, base = self, self.base
        while place is not base and place.above is not None:
            way.append((place, place.above[1]))
            place = place.above[0]
        scope: dict[str, Any] = {}
        clauses, last = ["for v0 in objects"], "v0"
        for place, slot in reversed(way):
            last = _step(slot, last, clauses)
            if place.is_tagged:
                scope[f"class_{last}"] = place.decoded
                clauses.append(f"if {last}.__class__ is class_{last}")
        return define("gather", [f"def gather(objects): return [{last} {' '.join(clauses)}]"], **scope)


def _step(slot: Slot, given: str, clauses: list[str]) -> str:
    """Clauses from an object to the objects in one of its fields; gives the name they have."""
    kind, expression = slot.type, f"{given}.{slot.attribute}"
    while True:
        is_nullable = not is_non_null_type(kind)
        kind = kind if is_nullable else kind.of_type  # type: ignore[union-attr]  # it is non-null
        given = f"v{len(clauses)}"
        if not is_list_type(kind):
            if expression.isidentifier():
                given = expression
            else:
                clauses.append(f"for {given} in [{expression}]")
            if is_nullable:
                clauses.append(f"if {given} is not None")
            return given
        clauses.append(f"for {given} in {expression}{' or ()' if is_nullable else ''}")
        kind, expression = kind.of_type, given


@dataclass(frozen=True, slots=True)
class Part:
    """What a fetch brings to the objects of one place."""

    slots: tuple[Slot, ...]
    sent_name: str | None = None  #: what `__typename` has to be, where the fetch asks for it

    @property
    def fields(self) -> tuple[tuple[str, Any], ...]:
        """Response keys and annotations: parts of equal fields decode alike."""
        name = ((TYPENAME, Literal[self.sent_name]),) if self.sent_name is not None else ()
        return (*((slot.key, slot.annotation) for slot in self.slots), *name)

    def joiner(self) -> Callable[[Sequence[Struct], Iterable[Struct | None]], None]:
        """Objects and what is brought to each, in the same order. A null is joined as nulls where the client may see
        them."""
        may_be_null = all(slot.is_shown and not is_non_null_type(slot.type) for slot in self.slots)
        join = "; ".join(f"v.{slot.attribute} = part.p{n}" for n, slot in enumerate(self.slots)) or "pass"
        nulls = "; ".join(f"v.{slot.attribute} = None" for slot in self.slots) or "pass"
        return define(
            "join",
            [
                "def join(objects, parts):",
                " for v, part in zip(objects, parts):",
                f"  if part is not None: {join}",
                f"  else: {nulls if may_be_null else 'raise SurpriseError'}",
            ],
            SurpriseError=SurpriseError,
        )


def part_class(fields: Sequence[tuple[str, Any]]) -> Any:
    return defstruct(
        "Part", [(f"p{n}", kind, json_field(name=key)) for n, (key, kind) in enumerate(fields)], kw_only=True, gc=False
    )


def define(name: str, lines: Sequence[str], **scope: Any) -> Callable[..., Any]:
    """The function of that name which the lines define."""
    exec(compile("\n".join(lines), "<typed>", "exec"), scope)  # noqa: S102  # made of our own names and numbers
    function: Callable[..., Any] = scope[name]
    return function
