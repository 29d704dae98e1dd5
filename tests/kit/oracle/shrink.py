"""The smallest case that still fails in the same way: leaves out parts of the query, then of the SDLs."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace

from graphql import DocumentNode, Node, OperationDefinitionNode, parse, print_ast

from tests.kit.oracle.world import Case, Difference

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


async def shrink(
    case: Case, kind: str, find: Callable[[Case], Awaitable[Difference | None]], *, limit_s: float = 60
) -> Case:
    """`find` may raise ValueError for cases that make no sense."""
    end = time.monotonic() + limit_s
    is_smaller = True
    while is_smaller and time.monotonic() < end:
        is_smaller = False
        for smaller in _smaller(case):
            if time.monotonic() > end:
                break
            try:
                found = await find(smaller)
            except (ValueError, LookupError, TypeError, AssertionError, StopIteration):
                continue
            if found is not None and found.kind == kind:
                case, is_smaller = smaller, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    for text in _without_one(case.query):
        yield replace(case, query=text, variables=_used(case, text))
    for name in sorted(case.subgraphs):
        others = {other: sdl for other, sdl in case.subgraphs.items() if other != name}
        if others:
            yield replace(case, subgraphs=others)
        head = "# fed1\n" if "# fed1" in case.subgraphs[name] else ""
        for text in _without_one(case.subgraphs[name]):
            yield replace(case, subgraphs={**case.subgraphs, name: head + text})
    if case.labels:
        yield replace(case, labels=frozenset())


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
