"""The selections of one fetch while it is being put together.

Mutable, unlike everything else in the planner: a fetch collects what many parts of the query tree want from it, and
equal fields fall together as they come.
"""

from __future__ import annotations

from router.operation.model import Field
from router.planner.fragments import Guards


class SelectedField:
    """A field in a document. `tree` is None for leaves."""

    __slots__ = ("field", "guards", "key", "list_depth", "tree", "type")

    def __init__(
        self, key: str, field: Field, guards: Guards, type_text: str, list_depth: int, tree: SelectionTree | None
    ) -> None:
        self.key = key
        self.field = field
        self.guards = guards
        self.type = type_text  #: SDL type in the subgraph
        self.list_depth = list_depth
        self.tree = tree


class SelectionTree:
    """Fields by response key and guards, fragments by type. `has_typename` asks for a plain `__typename`.

    A tree may be spread into several others (what was selected below a field of an interface, into the same field of
    each of its types): it is then `shared`, and written as a named fragment on that type, because inlined it would
    multiply at every level. What was selected below the field of a single type stands beside the spread.
    """

    __slots__ = ("fields", "fragments", "has_typename", "shared", "spreads")

    def __init__(self) -> None:
        self.shared: str | None = None
        self.fields: dict[tuple[str, Guards], SelectedField] = {}
        self.fragments: dict[str, SelectionTree] = {}
        self.spreads: list[SelectionTree] = []
        self.has_typename = False

    def add(
        self, key: str, field: Field, guards: Guards, type_text: str, list_depth: int, below: SelectionTree | None
    ) -> SelectedField:
        """`below` is the tree to use when the field is new here."""
        selected = self.fields.get((key, guards))
        if selected is None:
            selected = self.fields[key, guards] = SelectedField(key, field, guards, type_text, list_depth, below)
        return selected

    def add_selected(self, selected: SelectedField) -> None:
        """Adds a field taken out of a tree."""
        mine = self.fields.setdefault((selected.key, selected.guards), selected)
        if mine is not selected and mine.tree is not None and selected.tree is not None:
            mine.tree.absorb(selected.tree)

    def fragment(self, type_name: str) -> SelectionTree:
        tree = self.fragments.get(type_name)
        if tree is None:
            tree = self.fragments[type_name] = SelectionTree()
        return tree

    def spread(self, tree: SelectionTree) -> None:
        if all(tree is not other for other in self.spreads):
            self.spreads.append(tree)

    def absorb(self, other: SelectionTree) -> None:
        """Adds all of another tree, which must not be used afterwards."""
        self.has_typename = self.has_typename or other.has_typename
        for selected in other.fields.values():
            self.add_selected(selected)
        for type_name, tree in other.fragments.items():
            self.fragment(type_name).absorb(tree)
        for tree in other.spreads:
            self.spread(tree)
