"""What the fetches of a plan have brought so far, by response position, runtime type and response key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from graphql import (
    ArgumentNode,
    print_ast,
)

from router.operation.model import Field, Guard
from router.plan.nodes import (
    EachItem,
    FlattenPath,
    Key,
    OnTypes,
)

Guards = frozenset[Guard]
Meaning = tuple[str, str]


@dataclass(slots=True)
class Entry:
    """One response key of one runtime type."""

    meaning: Meaning
    list_depth: int
    below: Position | None
    sources: list[tuple[int, Guards]] = field(default_factory=list)  #: fetch id, guards under which it comes


@dataclass(slots=True)
class Position:
    """Objects at one place of the response."""

    types: frozenset[str]
    entries: dict[str, dict[str, Entry]] = field(default_factory=dict)  #: runtime type -> response key -> entry


def follow(
    position: Position, types: frozenset[str], path: FlattenPath, is_subtype: object
) -> Iterator[tuple[Position, frozenset[str]]]:
    """The positions at a path. Lists must be stepped into exactly as deep as the field's type is."""
    if not path:
        yield position, types
        return
    step, rest = path[0], path[1:]
    match step:
        case OnTypes(names):
            assert callable(is_subtype)
            kept = frozenset(t for t in types if any(is_subtype(t, n) for n in names))
            if kept:
                yield from follow(position, kept, rest, is_subtype)
        case Key(name):
            done: list[Position] = []
            for type_name in sorted(types):
                entry = position.entries.get(type_name, {}).get(name)
                if entry is None or entry.below is None or any(entry.below is d for d in done):
                    continue
                done.append(entry.below)
                depth = 0
                while depth < len(rest) and isinstance(rest[depth], EachItem):
                    depth += 1
                if depth == entry.list_depth or depth == 0:
                    yield from follow(entry.below, entry.below.types, rest[depth:], is_subtype)
        case EachItem():
            return


def note(entries: dict[str, Entry], key: str, entry: Entry, source: tuple[int, Guards]) -> None:
    before = entries.get(key)
    if before is None:
        entries[key] = entry
    elif entry.below is not None and before.below is not None:
        absorb(before.below, entry.below)
    entries[key].sources.append(source)


def merge(position: Position, brought: Position, type_name: str) -> None:
    target = position.entries.setdefault(type_name, {})
    for key, entry in brought.entries.get(type_name, {}).items():
        before = target.get(key)
        if before is None:
            target[key] = entry
            continue
        if before.below is not None and entry.below is not None:
            absorb(before.below, entry.below)
        if before.meaning != entry.meaning:
            before.meaning = ("two meanings", f"{before.meaning} and {entry.meaning}")
        before.sources.extend(entry.sources)


def absorb(one: Position, other: Position) -> None:
    one.types = one.types & other.types or one.types
    for type_name in other.entries:
        merge(one, other, type_name)


def meaning(selection: Field) -> Meaning:
    return selection.name, ", ".join(f"{a.name}: {print_ast(a.value)}" for a in selection.arguments)


def arguments(nodes: Iterable[ArgumentNode]) -> str:
    return ", ".join(f"{n.name.value}: {print_ast(n.value)}" for n in nodes)
