"""The query tree: which subgraph answers which selection, and how it is reached.

Made by the search, read by the builder of the fetch graph. Immutable and shared: one Solution may stand at many
places of a plan.
"""

from __future__ import annotations

from typing import TypeAlias

from router.graph import EntityMove, FieldMove, Selections
from router.operation.model import Field, Guard
from router.planner.record import record


@record
class Solution:
    """How to get some selections, standing on one node. `cost` counts all fetches below (see `cost.py`)."""

    cost: int
    parts: tuple[Part, ...]


@record
class Take:
    """Select the field right here. `move` is None for `__typename`; `child` is None for leaves."""

    field: Field
    guards: tuple[Guard, ...]
    move: FieldMove | None
    child: Solution | None


@record
class Narrow:
    """Take `child` only on objects of one type: `... on type_name { }`."""

    type_name: str
    child: Solution


@record
class Enter:
    """Go to another subgraph and take `child` there.

    `inputs` gets the key and the requirements, standing on the node before the move. `representation` is what of it
    is sent. Guards are those of the selection for whose sake the move is made.
    """

    move: EntityMove
    inputs: Solution
    representation: Selections
    child: Solution
    guards: tuple[Guard, ...] = ()
    #: the field for whose sake the move is made, when its arguments come from ancestors
    contextual: FieldMove | None = None


Part: TypeAlias = Take | Narrow | Enter

NOTHING = Solution(0, ())
