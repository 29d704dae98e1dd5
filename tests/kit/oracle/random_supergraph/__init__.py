"""Made-up subgraphs that mostly compose, with every directive of federation somewhere.

First the whole is drawn up: types, keys, fields. Then every field gets the subgraphs that resolve it, and each subgraph
gets the types it needs to say so. Directives that change who does what come last. What composition refuses is drawn
again by the caller.
"""

from __future__ import annotations

from tests.kit.oracle.random_supergraph.changes import add_context, add_inaccessible, add_overrides
from tests.kit.oracle.random_supergraph.draw import Draw
from tests.kit.oracle.random_supergraph.field_sets import FieldSets
from tests.kit.oracle.random_supergraph.homes import Homes
from tests.kit.oracle.random_supergraph.roots import add_roots, lead_back
from tests.kit.oracle.random_supergraph.whole import draw_whole

__all__ = ["draw_subgraphs"]


def draw_subgraphs(seed: int) -> dict[str, str]:
    """Name -> SDL; the same seed gives the same text."""
    draw = Draw(seed)
    whole = draw_whole(draw)
    homes = Homes(draw, whole, ["a", "b", "c", "d"][: draw.one((2, 3, 3, 4))])
    homes.distribute()
    add_roots(draw, whole, homes)
    homes.declare_abstract_types()
    sketches = homes.sketches
    FieldSets(draw, whole, sketches).add()
    homes.extend_types()
    add_overrides(draw, whole, sketches, homes.resolvers)
    add_inaccessible(draw, sketches)
    add_context(draw, sketches)
    lead_back(draw, sketches)
    return {
        name: sketch.sdl(is_fed1=draw.chance(0.2), has_own_names=draw.chance(0.15)) for name, sketch in sketches.items()
    }
