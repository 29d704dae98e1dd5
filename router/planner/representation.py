"""Representations while a fetch is being put together: what is sent for objects of each type.

`weight(unit: KG)` and `weight(unit: LB)` cannot stand in one representation, which has room for one `weight`: such
requirements must be sent by different fetches.
"""

from __future__ import annotations

from router.graph import Selections
from router.operation.model import Field
from router.plan.nodes import RequiredField, RequiredFragment, RequiredSelection
from router.planner.place import KeySpace


class RepresentationTree:
    """Fields by name with the response key to take them from, fragments by type."""

    __slots__ = ("fields", "fragments")

    def __init__(self) -> None:
        self.fields: dict[str, tuple[str, RepresentationTree | None]] = {}
        self.fragments: dict[str, RepresentationTree] = {}

    def add(self, selections: Selections, keys: KeySpace) -> None:
        for selection in selections:
            if not isinstance(selection, Field):
                tree = self.fragments.setdefault(selection.type_condition, RepresentationTree())
                tree.add(selection.selections, keys)
                continue
            key = "__typename" if selection.name == "__typename" else keys.key_for(selection)
            below: RepresentationTree | None = None
            if selection.selections:
                before = self.fields.get(selection.name)
                below = (before[1] if before else None) or RepresentationTree()
                below.add(selection.selections, keys.child(key))
            self.fields[selection.name] = (key, below)

    def __eq__(self, other: object) -> bool:
        """Whether the same is sent, in whatever order."""
        if not isinstance(other, RepresentationTree):
            return NotImplemented
        return self.fields == other.fields and self.fragments == other.fragments

    __hash__ = None  # type: ignore[assignment]  # it changes

    def is_compatible(self, other: RepresentationTree) -> bool:
        """Whether both can be sent as one."""
        for name, (key, tree) in other.fields.items():
            mine = self.fields.get(name)
            if mine is not None:
                if mine[0] != key:
                    return False
                if mine[1] is not None and tree is not None and not mine[1].is_compatible(tree):
                    return False
        return all(
            self.fragments[name].is_compatible(tree) for name, tree in other.fragments.items() if name in self.fragments
        )

    def absorb(self, other: RepresentationTree) -> None:
        for name, (key, tree) in other.fields.items():
            mine = self.fields.get(name)
            if mine is None:
                self.fields[name] = (key, tree)
            elif mine[1] is not None and tree is not None:
                mine[1].absorb(tree)
        for name, tree in other.fragments.items():
            mine_fragment = self.fragments.get(name)
            if mine_fragment is None:
                self.fragments[name] = tree
            else:
                mine_fragment.absorb(tree)

    def freeze(self) -> tuple[RequiredSelection, ...]:
        fields: list[RequiredSelection] = [
            RequiredField(name, key, tree.freeze() if tree else ()) for name, (key, tree) in self.fields.items()
        ]
        for name, tree in self.fragments.items():
            fields.append(RequiredFragment(name, tree.freeze()))
        return tuple(fields)
