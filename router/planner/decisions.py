"""What the search had to choose from, for `explain`. A search without a record keeps none of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from router.graph import Node
from router.operation.model import Field, Selection
from router.planner.fragments import Unit
from router.planner.lookups import Option


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """One selection on one node: its options, in the order in which ties were broken."""

    node: Node
    selection: Selection
    options: tuple[Option, ...]
    chosen: int  #: index of the option taken
    beside: int  #: cost of what was taken for the other selections on the node


class Decisions:
    """Decisions are found by the parts they led to, which are made for one decision and kept alive by it. A part of a
    split field has two: which subgraph gives the piece, and that the field is split."""

    def __init__(self) -> None:
        self._by_part: dict[int, list[Decision]] = {}
        self.dead_ends: list[tuple[Node, Field]] = []  #: fields without an option, in the order they were met

    def add(
        self, node: Node, units: Sequence[Unit], all_options: Sequence[Sequence[Option]], indexes: Sequence[int]
    ) -> None:
        taken = [options[index] for options, index in zip(all_options, indexes, strict=True)]
        for number, (selection, _) in enumerate(units):
            beside = 0
            for other, (cost, _) in enumerate(taken):
                if other != number:
                    beside |= cost
            decision = Decision(node, selection, tuple(all_options[number]), indexes[number], beside)
            for part in taken[number][1]:
                self._by_part.setdefault(id(part), []).append(decision)

    def add_dead_end(self, node: Node, selection: Selection) -> None:
        if isinstance(selection, Field):
            self.dead_ends.append((node, selection))

    def of(self, part: object) -> list[Decision]:
        """The innermost decision first; empty for what there was nothing to decide about."""
        return self._by_part.get(id(part), [])
