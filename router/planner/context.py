"""`@fromContext`: arguments that are filled from an object further up.

In: where an entity fetch is made, and what its field takes from the context. Out: the argument as a variable, and the
rewrites by which the executor finds the variable's value: so many objects up, then along a path. The value is a
selection on the ancestor like any other: it is solved and fetched like a key.
"""

from __future__ import annotations

from collections.abc import Iterator

from router.graph import Selections
from router.operation.model import Field
from router.plan.nodes import ContextRewrite, FlattenPath, Key, OnTypes, PathStep
from router.planner.place import KeySpace


def context_rewrites(
    variable: str, up: int, type_name: str, selections: Selections, keys: KeySpace
) -> Iterator[ContextRewrite]:
    """One for each leaf of the selection, which has one unless it differs by type."""
    for path in _paths(selections, keys, ()):
        yield ContextRewrite(variable, up, (OnTypes((type_name,)), *path))


def _paths(selections: Selections, keys: KeySpace, path: tuple[PathStep, ...]) -> Iterator[FlattenPath]:
    for selection in selections:
        if not isinstance(selection, Field):
            yield from _paths(selection.selections, keys, (*path, OnTypes((selection.type_condition,))))
            continue
        key = keys.key_for(selection)
        if selection.selections:
            yield from _paths(selection.selections, keys.child(key), (*path, Key(key)))
        else:
            yield (*path, Key(key))
