"""Collects errors and hints while a composition runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphql import Node

from router.compose.codes import ERRORS
from router.compose.hint_codes import HINTS
from router.compose.records import CompositionError, Hint, Position, position_of

#: (subgraph name, node in its SDL)
Place = tuple[str, Node | None]


class Report:
    """An append-only list of findings. Codes are given by name, so a misspelt one fails at once."""

    def __init__(self) -> None:
        self.errors: list[CompositionError] = []
        self.hints: list[Hint] = []

    def has_errors(self) -> bool:
        return bool(self.errors)

    def error(
        self,
        code: str,
        message: str,
        *,
        subgraphs: Sequence[str] | None = None,
        places: Iterable[Place] = (),
        position: Position | None = None,
    ) -> None:
        """`subgraphs` defaults to those of the places. `position` stands for a place without a node."""
        places = list(places)
        names = tuple(dict.fromkeys(name for name, _ in places)) if subgraphs is None else tuple(subgraphs)
        found = positions(places) if position is None else (position,)
        self.errors.append(CompositionError(ERRORS[code], message, names, found))

    def hint(self, code: str, message: str, coordinate: str | None = None, places: Iterable[Place] = ()) -> None:
        self.hints.append(Hint(HINTS[code], message, coordinate, positions(places)))


def positions(places: Iterable[Place]) -> tuple[Position, ...]:
    found = (position_of(name, node) for name, node in places)
    return tuple(dict.fromkeys(position for position in found if position is not None))


def name_list(names: Iterable[str], singular: str = "subgraph", plural: str = "subgraphs") -> str:
    """`subgraphs "a", "b" and "c"`; long lists are cut."""
    quoted = [f'"{name}"' for name in names]
    if len(quoted) == 1:
        return f"{singular} {quoted[0]}"
    shown = quoted if len(quoted) <= 12 else [*quoted[:12], f"{len(quoted) - 12} more"]
    return f"{plural} {', '.join(shown[:-1])} and {shown[-1]}"
