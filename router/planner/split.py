"""Splitting a composite field into fields with one selection each, for the search to solve alone.

`config { theme limits { low high } }` becomes `config { theme }` and `config { limits { low high } }`; where there is
only one selection, that one is split: `config { limits { low } }` and `config { limits { high } }`. Pieces are made
once and kept alive, because the identity of selections is a key of the search.
"""

from __future__ import annotations

from dataclasses import replace

from router.graph import Selections
from router.operation.model import Field, InlineFragment, Selection


class Splitter:
    def __init__(self) -> None:
        self._pieces_by_field: dict[int, tuple[Field, tuple[Field, ...]]] = {}
        self._singles: dict[int, tuple[Selection, Selections]] = {}

    def split(self, field: Field) -> tuple[Field, ...]:
        """A single piece when there is nothing to split."""
        found = self._pieces_by_field.get(id(field))
        if found is None:
            pieces = tuple(replace(field, selections=piece) for piece in self._pieces(field.selections))
            found = self._pieces_by_field[id(field)] = (field, pieces)
        return found[1]

    def _pieces(self, selections: Selections) -> list[Selections]:
        if len(selections) > 1:
            return [self._single(s) for s in selections]
        if not selections or not selections[0].selections:
            return [selections]
        only = selections[0]
        if isinstance(only, Field):
            return [(piece,) for piece in self.split(only)]
        return [
            (InlineFragment(only.type_condition, piece, only.guards, only.defer),)
            for piece in self._pieces(only.selections)
        ]

    def _single(self, selection: Selection) -> Selections:
        found = self._singles.get(id(selection))
        if found is None:
            found = self._singles[id(selection)] = (selection, (selection,))
        return found[1]
