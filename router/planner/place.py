"""Places: positions in the response, and the response keys in use there.

Fetches bring more than the client asked for: keys and requirements of other fetches. What they bring lands in the same
objects as the client's data, so it must not overwrite a client's response key that means something else
(`price: name`, or `price(currency: EUR)` beside a requirement `price(currency: USD)`). Every object position has one
KeySpace, shared by all types and fetches, which hands out keys that are free.
"""

from __future__ import annotations

from collections.abc import Iterable

from router.operation.model import Field, Selection
from router.plan.nodes import EachItem, FlattenPath, Key, OnTypes
from router.planner.arguments import ArgumentPrinter

#: name of a field and its arguments, printed
Meaning = tuple[str, str]


class KeySpace:
    """Response keys of one object position. A key with two meanings (on different types) is closed to the planner."""

    __slots__ = ("_meanings", "_printer", "children")

    def __init__(self, printer: ArgumentPrinter) -> None:
        self._meanings: dict[str, Meaning | None] = {}
        self._printer = printer
        self.children: dict[str, KeySpace] = {}

    def claim(self, selections: Iterable[Selection]) -> None:
        """Enters the client's selections, all the way down."""
        for selection in selections:
            if not isinstance(selection, Field):
                self.claim(selection.selections)
                continue
            key, meaning = selection.response_key, (selection.name, self._printer.print(selection))
            known = self._meanings.setdefault(key, meaning)
            if known != meaning:
                self._meanings[key] = None
            if selection.selections:
                self.child(key).claim(selection.selections)

    def child(self, key: str) -> KeySpace:
        space = self.children.get(key)
        if space is None:
            space = self.children[key] = KeySpace(self._printer)
        return space

    def key_for(self, field: Field) -> str:
        """The key under which a field that the planner needs is fetched: its name unless that is taken."""
        meaning = (field.name, self._printer.print(field))
        key, number = field.name, 0
        while self._meanings.setdefault(key, meaning) != meaning:
            key, number = f"_{field.name}_{number}", number + 1
        return key


class Place:
    """A position in the response, told apart by the types passed on the way: `media|[Book].author`."""

    __slots__ = ("_children", "_type_name", "keys", "path")

    def __init__(self, path: FlattenPath, keys: KeySpace, type_name: str) -> None:
        self.path = path
        self.keys = keys
        self._type_name = type_name
        self._children: dict[tuple[str | None, str], Place] = {}

    def child(self, parent_type: str | None, key: str, list_depth: int, type_name: str) -> Place:
        """The place below a response key. `parent_type` is the type on which the field was selected, given where this
        place may hold several types: a field selected on all of them leads to one place, whichever type it is on."""
        narrowed_to = None if parent_type == self._type_name else parent_type
        place = self._children.get((narrowed_to, key))
        if place is None:
            narrowing = (OnTypes((narrowed_to,)),) if narrowed_to else ()
            path = (*self.path, *narrowing, Key(key), *([EachItem()] * list_depth))
            place = self._children[narrowed_to, key] = Place(path, self.keys.child(key), type_name)
        return place
