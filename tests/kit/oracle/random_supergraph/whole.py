"""The whole: all types with their keys and fields, before anybody knows which subgraph has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.kit.oracle.random_supergraph.draw import Draw
from tests.kit.oracle.sketch import named

SCALARS = ("Int", "Float", "String", "Boolean", "ID")
_KEYS = (
    "id",
    "sku",
    "code",
    "ref { uid }",
    "left right",
    "owner { id }",
    "id sku",
    "ref { uid part }",
    "id parts { uid }",
    "owner { id ref { uid } }",
)
_ARGUMENTS = (
    "n: Int",
    'by: String = "x"',
    "deep: [Int!]",
    "flag: Boolean! = true",
    "where: Filter",
    "must: Int!",
    "unit: Unit",
    "grid: [[Float]]",
)


@dataclass(slots=True)
class WholeType:
    """A type: what there is to distribute."""

    name: str
    kind: str  #: entity, value, interface, union
    keys: list[str] = field(default_factory=list)
    fields: dict[str, tuple[str, str]] = field(default_factory=dict)  #: name -> arguments, type
    members: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Whole:
    types: dict[str, WholeType]
    is_small: bool  #: so that operations select the same again and again
    gathered: str | None = None  #: an interface with all its types in one subgraph, and an object in another
    split: str | None = None  #: a value type of which every subgraph has other fields

    def of(self, kind: str) -> list[WholeType]:
        return [each for each in self.types.values() if each.kind == kind]

    @property
    def gathered_types(self) -> list[str]:
        return self.types[self.gathered].members if self.gathered else []

    def is_split(self, kind: str) -> bool:
        return named(kind) == self.split


def draw_whole(draw: Draw) -> Whole:
    whole = Whole({}, is_small=draw.chance(0.4))
    types = whole.types
    entities = [f"E{n}" for n in range(draw.number(1, 2) if whole.is_small else draw.number(2, 4))]
    values = [f"V{n}" for n in range(draw.number(0, 1) if whole.is_small else draw.number(1, 2))]
    whole.split = "S" if draw.chance(0.2 if whole.is_small else 0.4) else None
    interfaces = [f"I{n}" for n in range(1 if whole.is_small else draw.one((0, 1, 1, 2)))]
    unions = [f"U{n}" for n in range(draw.one((0, 0, 0, 1) if whole.is_small else (0, 0, 1, 1, 2)))]
    for name in entities:
        keys = draw.some(_KEYS, 1, 3) if draw.chance(0.6) else ["id"]
        types[name] = WholeType(name, "entity", keys)
    for name in values:
        types[name] = WholeType(name, "value")
    for name in interfaces:
        objects = entities if draw.chance(0.75) else entities + values
        types[name] = WholeType(name, "interface", members=draw.some(objects, 1, 3))
    wider = [f"J{name[1:]}" for name in interfaces if draw.chance(0.25)]
    for name in wider:
        types[name] = WholeType(name, "interface", members=_widened(draw, types[f"I{name[1:]}"].members, entities))
    for name in unions:
        types[name] = WholeType(name, "union", members=draw.some(entities + values, 1, 4))
    for name in (*entities, *values):
        for number in range(draw.number(1, 2) if whole.is_small else draw.number(2, 5)):
            types[name].fields[f"f{number}"] = (draw_arguments(draw), _draw_type(draw, whole))
    if whole.split:
        fields = {f"f{number}": (draw_arguments(draw), _draw_type(draw, whole)) for number in range(draw.number(2, 5))}
        types[whole.split] = WholeType(whole.split, "value", fields=fields)
        for name in draw.some(entities, 1, 2):
            types[name].fields["split"] = ("", _wrapped(draw, whole.split))
    for name in interfaces:
        _share_fields(draw, whole, name)
    for name in wider:
        _take_fields(draw, whole, name)
    _gather_one(draw, whole)
    return whole


def draw_arguments(draw: Draw) -> str:
    if not draw.chance(0.25):
        return ""
    return "(" + ", ".join(draw.sample(_ARGUMENTS, draw.number(1, 2))) + ")"


def _draw_type(draw: Draw, whole: Whole) -> str:
    names = list(whole.types)
    is_composite = draw.fraction() < 0.45
    return _wrapped(draw, draw.one(names if is_composite else (*SCALARS, "Color", "Json")))


def _wrapped(draw: Draw, name: str) -> str:
    for _ in range(draw.one((0, 0, 0, 1, 1, 2)) if draw.chance(0.6) else 0):
        name = f"[{name}{'!' if draw.chance(0.4) else ''}]"
    return name + ("!" if draw.chance(0.2) else "")


def _share_fields(draw: Draw, whole: Whole, name: str) -> None:
    """Fields of an interface, for all its types."""
    interface = whole.types[name]
    interface.fields = {
        f"{name.lower()}{n}": (draw_arguments(draw), _draw_type(draw, whole)) for n in range(draw.number(1, 3))
    }
    for member in interface.members:
        for field_name, (arguments, kind) in interface.fields.items():
            is_strict = not kind.endswith("!") and draw.chance(0.1)
            whole.types[member].fields[field_name] = (arguments, kind + "!" if is_strict else kind)


def _widened(draw: Draw, members: list[str], more: list[str]) -> list[str]:
    return sorted({*members, *draw.some(more, 0, 2)})


def _take_fields(draw: Draw, whole: Whole, name: str) -> None:
    """An interface that another one implements has some of its fields, and so have all of its types."""
    interface, narrower = whole.types[name], whole.types[f"I{name[1:]}"]
    interface.fields = {chosen: narrower.fields[chosen] for chosen in draw.some(sorted(narrower.fields), 1, 2)}
    for member in interface.members:
        for chosen, definition in interface.fields.items():
            whole.types[member].fields.setdefault(chosen, definition)


def _gather_one(draw: Draw, whole: Whole) -> None:
    found: Sequence[WholeType] = [
        interface
        for interface in whole.of("interface")
        if interface.name[0] == "I" and all(whole.types[member].kind == "entity" for member in interface.members)
    ]
    if found and draw.chance(0.5):
        whole.gathered = draw.one([interface.name for interface in found])
        for member in whole.gathered_types:
            keys = whole.types[member].keys
            keys[:] = ["id", *(key for key in keys if key != "id")]
