"""Whether the client finds all it selected in what the fetches brought."""

from __future__ import annotations

from collections.abc import Iterable

from router.operation.model import Field, InlineFragment, Selection
from tests.kit.plan_checker.facts import Facts
from tests.kit.plan_checker.positions import Guards, Position, meaning


class ClientCheck:
    def __init__(self, facts: Facts, root: Position) -> None:
        self._facts = facts
        self._root = root

    def check(self, selections: Iterable[Selection], position: Position, guards: Guards, path: str) -> None:
        for type_name in sorted(position.types):
            self._check_type(selections, position, type_name, guards, path)

    def _check_type(
        self, selections: Iterable[Selection], position: Position, type_name: str, guards: Guards, path: str
    ) -> None:
        for selection in selections:
            inner = guards | frozenset(selection.guards)
            if isinstance(selection, InlineFragment):
                if self._facts.is_subtype(type_name, selection.type_condition):
                    self._check_type(selection.selections, position, type_name, inner, path)
                continue
            if position is self._root and selection.name.startswith("__"):
                continue
            self._check_field(selection, position, type_name, inner, path)

    def _check_field(self, selection: Field, position: Position, type_name: str, guards: Guards, path: str) -> None:
        where = f"{path}|{type_name}.{selection.response_key}"
        entry = position.entries.get(type_name, {}).get(selection.response_key)
        if entry is None:
            self._facts.fault(f"nothing brings {where}")
            return
        if entry.meaning != meaning(selection):
            self._facts.fault(f"{where} means {entry.meaning}, not {meaning(selection)}")
        if not any(given <= guards for _, given in entry.sources):
            self._facts.fault(f"{where} comes only under {[sorted(map(str, g)) for _, g in entry.sources]}")
        if selection.selections and entry.below is not None:
            below = entry.below
            for name in sorted(below.types - self._facts.unshared_members(type_name, selection.name)):
                self._check_type(selection.selections, below, name, guards, where)
