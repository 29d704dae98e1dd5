"""Directives that change who answers, what clients see, and what is taken from above."""

from __future__ import annotations

from collections.abc import Mapping

from tests.kit.oracle.random_supergraph.draw import Draw
from tests.kit.oracle.random_supergraph.whole import Whole
from tests.kit.oracle.sketch import Field, Sketch


def add_overrides(
    draw: Draw, whole: Whole, sketches: Mapping[str, Sketch], resolvers: Mapping[tuple[str, str], list[str]]
) -> None:
    for (type_name, name), owners in resolvers.items():
        if len(owners) != 1 or not draw.chance(0.12):
            continue
        homes = [s for s, sketch in sketches.items() if s not in owners and type_name in sketch.types]
        origin = sketches[owners[0]].types[type_name].fields[name]
        if (
            not homes
            or origin.requires
            or origin.provides
            or any(name in sketches[s].types[type_name].fields for s in homes)
        ):
            continue
        taker = sketches[draw.one(homes)]
        if origin.named_type in whole.types and not taker.knows(origin.named_type):
            continue
        label = draw.one(("", "", ', label: "percent(50)"', ', label: "beta"'))
        override = f'@override(from: "{owners[0]}"{label})'
        taker.types[type_name].fields[name] = Field(origin.type, origin.arguments, more=override)
        taker.need(origin)


def add_inaccessible(draw: Draw, sketches: Mapping[str, Sketch]) -> None:
    for sketch in sketches.values():
        for item in sketch.types.values():
            for name, own in item.fields.items():
                if not own.is_key and not own.is_external and name.startswith("f") and draw.chance(0.04):
                    own.more += " @inaccessible"


def add_context(draw: Draw, sketches: Mapping[str, Sketch]) -> None:
    """A type sets a context from one of its leaves; an entity that is only found below takes it as an argument."""
    sketch = sketches[draw.one(list(sketches))]
    setters = [
        (item, name, own)
        for item in sketch.types.values()
        for name, own in item.fields.items()
        if item.name[0] in "EV" and own.is_free and own.is_leaf and "[" not in own.type and not own.more
    ]
    if not setters or not draw.chance(0.25):
        return
    setter, leaf, own = draw.one(setters)
    for item, name, other in setters:
        if item is setter or (name == leaf and other.type == own.type and draw.chance(0.6)):
            item.context = "ctx"
            item.fields["below"] = Field(draw.one(("C0", "[C0!]", "C0!", "[[C0]]")))
    child = sketch.type("C0")
    child.keys["id"] = True
    child.fields["id"] = Field("ID!", is_key=True)
    taken = f'a: {own.named_type} @fromContext(field: "$ctx {{ {leaf} }}")'
    child.fields["f0"] = Field("String", f"({taken})")
    child.fields["f1"] = Field("Int", f"(n: Int, {taken})")
    child.fields["f2"] = Field("Int")
    child.fields["f3"] = Field(draw.one(("C0", "[C0]", setter.name)))
