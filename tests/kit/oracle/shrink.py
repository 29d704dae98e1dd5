"""The smallest case that still fails in the same way: leaves out parts of the query, then of the SDLs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from graphql import DocumentNode, Node, OperationDefinitionNode, parse, print_ast

from tests.kit.oracle.world import Case, World

#: parts of a node of which any may go, and parts that may be missing as a whole
_LISTS = (
    "definitions",
    "fields",
    "selections",
    "directives",
    "arguments",
    "interfaces",
    "types",
    "values",
    "variable_definitions",
)
_OPTIONS = ("alias", "name")


async def shrink(case: Case, kind: str, *, limit_s: float = 60) -> Case:
    """Goes on until nothing more can be left out, or the time is over."""
    shrinker = _Shrinker(case, kind, time.monotonic() + limit_s)
    while await shrinker.turn():
        pass
    return shrinker.case


class _Shrinker:
    def __init__(self, case: Case, kind: str, end: float) -> None:
        self.case = case
        self._kind = kind
        self._end = end
        self._world = World(case.subgraphs)

    async def turn(self) -> bool:
        """Whether anything could be left out."""
        before = self.case
        for name in sorted(self.case.subgraphs):
            rest = {other: sdl for other, sdl in self.case.subgraphs.items() if other != name}
            if rest:
                await self._try(replace(self.case, subgraphs=rest))
        await self._cut(None)
        for name in sorted(self.case.subgraphs):
            await self._cut(name)
        await self._try(replace(self.case, labels=frozenset()))
        return self.case is not before and time.monotonic() < self._end

    async def _cut(self, subgraph: str | None) -> None:
        """Of the query or a subgraph one part after the other; what went does not have to be looked at again."""
        place = 0
        while time.monotonic() < self._end:
            text = self.case.query if subgraph is None else self.case.subgraphs[subgraph]
            shorter = next(islice(_without_one(text), place, None), None)
            if shorter is None:
                return
            if subgraph is None:
                case = replace(self.case, query=shorter)
            else:
                head = "# fed1\n" if "# fed1" in text else ""
                case = replace(self.case, subgraphs={**self.case.subgraphs, subgraph: head + shorter})
            if not await self._try(case):
                place += 1

    async def _try(self, case: Case) -> bool:
        case = replace(case, variables=_used(case, case.query))
        if case == self.case:
            return False
        try:
            world = self._world if case.subgraphs == self.case.subgraphs else World(case.subgraphs)
            found = await world.difference(case)
        except Exception:  # without that part it is no case at all
            return False
        if found is None or found.kind != self._kind:
            return False
        self.case, self._world = case, world
        return True


def _used(case: Case, query: str) -> dict[str, object]:
    names = {
        variable.variable.name.value
        for definition in parse(query).definitions
        if isinstance(definition, OperationDefinitionNode)
        for variable in definition.variable_definitions or ()
    }
    return {name: value for name, value in case.variables.items() if name in names}


def _without_one(text: str) -> Iterator[str]:
    document = parse(text, no_location=True)
    for change in list(_changes(document)):
        undo = change()
        try:
            yield print_ast(document)
        finally:
            undo()


def _changes(node: Node) -> Iterator[Callable[[], Callable[[], None]]]:
    """Each takes one part out and returns how to put it back. Large parts first."""
    below: list[Node] = []
    for name in node.keys:
        value = getattr(node, name, None)
        if isinstance(value, tuple | list):
            items = tuple(item for item in value if isinstance(item, Node))
            below += items
            if name in _LISTS:
                is_whole = isinstance(node, DocumentNode)
                for index in range(len(items)):
                    rest = (*items[:index], *items[index + 1 :])
                    if rest or not (is_whole or name == "selections"):
                        yield _setter(node, name, rest)
                    if name == "selections" and getattr(items[index], "selection_set", None):
                        lifted = items[index].selection_set.selections  # type: ignore[attr-defined]  # looked at above
                        yield _setter(node, name, (*items[:index], *lifted, *items[index + 1 :]))
        elif isinstance(value, Node):
            below.append(value)
            if name in _OPTIONS and (name == "alias" or isinstance(node, OperationDefinitionNode)):
                yield _setter(node, name, None)
    for each in below:
        yield from _changes(each)


def _setter(node: Node, name: str, value: object) -> Callable[[], Callable[[], None]]:
    def change() -> Callable[[], None]:
        before = getattr(node, name)
        object.__setattr__(node, name, value)  # nodes are frozen; this one is ours alone
        return lambda: object.__setattr__(node, name, before)

    return change
