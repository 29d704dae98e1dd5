"""Fields of the root types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tests.kit.oracle.random_supergraph.draw import Draw
from tests.kit.oracle.random_supergraph.homes import Homes
from tests.kit.oracle.random_supergraph.whole import Whole, draw_arguments
from tests.kit.oracle.sketch import Field, Sketch


def add_roots(draw: Draw, whole: Whole, homes: Homes) -> None:
    _add_queries(draw, whole, homes)
    _add_shared_query(draw, whole, homes)
    names = [name for name in whole.types if name != whole.split]
    for number in range(draw.one((0, 0, 1, 3))):
        kind = draw.one((*names, "Int", "Int!"))
        homes.define_field(draw.one(homes.able(kind)), "Mutation", f"m{number}", Field(kind, "(n: Int)"))
    for number in range(draw.one((0, 0, 1, 2))):
        kind = draw.one(names)
        subgraph = draw.one(homes.able(kind))
        root = Field(draw.one((kind, f"[{kind}]")), "(n: Int)")
        homes.define_field(subgraph, "Subscription", f"s{number}", root)


def lead_back(draw: Draw, sketches: Mapping[str, Sketch]) -> None:
    """Fields that give the query type, as payloads of mutations do."""
    for sketch in sketches.values():
        owners = [name for name, item in sketch.types.items() if name[0] in "EM" and item.kind == "type"]
        if "Query" in sketch.types and owners and draw.chance(0.08):
            sketch.types[draw.one(owners)].fields["back"] = Field(draw.one(("Query", "Query!", "[Query!]")))


def _add_queries(draw: Draw, whole: Whole, homes: Homes) -> None:
    for number in range(draw.number(1, 2) if whole.is_small else draw.number(2, 6)):
        kind = whole.split if whole.split and draw.chance(0.3) else draw.one(list(whole.types))
        kind = draw.one((kind, kind, f"[{kind}]", f"[{kind}!]!", "Int"))
        able = homes.able(kind)
        chosen = draw.some(able, 1, 1) if draw.chance(0.7) else draw.some(able, 2, 2)
        if whole.is_split(kind):
            chosen = able
        arguments = draw_arguments(draw)
        for subgraph in chosen:
            root = Field(kind, arguments, is_shareable=len(chosen) > 1)
            homes.define_field(subgraph, "Query", f"q{number}", root)


def _add_shared_query(draw: Draw, whole: Whole, homes: Homes) -> None:
    """Of the gathered interface, from where its types are and from where it is an object: two fetches may bring the
    same objects, and call them differently."""
    if whole.gathered is not None and homes.gathered_at is not None:
        root = Field(draw.one((whole.gathered, f"[{whole.gathered}]")), is_shareable=True)
        for subgraph in (homes.gathered_at, *homes.apart):
            homes.define_field(subgraph, "Query", "both", replace(root))
