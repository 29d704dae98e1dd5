"""Two oracles: graphql-core's own rule for overlapping fields, and graphql-core executing what the normaliser made.

Documents are random, from a seed: fragments (named and inline) on objects, interfaces and unions, aliases that collide,
`@skip` and `@include` with constants and variables.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest
from graphql import DocumentNode, build_schema, execute_sync, parse, validate
from graphql.validation import OverlappingFieldsCanBeMergedRule

from router.operation import normalize_operation, validate_document
from router.operation.print import print_operation

SCHEMA = build_schema("""
interface Node { id: ID! self: Node }
interface Named implements Node { id: ID! self: Node name(upper: Boolean): String }
type Cat implements Node & Named { id: ID! self: Node name(upper: Boolean): String lives: Int friend: Pet }
type Dog implements Node & Named {
  id: ID! self: Node name(upper: Boolean): String lives: String friend: Pet barks: Boolean!
}
type Fish implements Node { id: ID! self: Node lives: Int }
union Pet = Cat | Dog | Fish
type Query { node: Node named: Named pet: Pet cat: Cat pets: [Pet!]! }
""")
FIELDS = {
    "Query": ["node", "named", "pet", "cat", "pets"],
    "Node": ["id", "self"],
    "Named": ["id", "self", "name"],
    "Cat": ["id", "self", "name", "lives", "friend"],
    "Dog": ["id", "self", "name", "lives", "friend", "barks"],
    "Fish": ["id", "self", "lives"],
    "Pet": [],
}
RETURNS = {
    "node": "Node",
    "named": "Named",
    "pet": "Pet",
    "cat": "Cat",
    "pets": "Pet",
    "self": "Node",
    "friend": "Pet",
}
INSIDE = {
    "Query": ["Query"],
    "Node": ["Node", "Named", "Cat", "Dog", "Fish"],
    "Named": ["Node", "Named", "Cat", "Dog"],
    "Cat": ["Node", "Named", "Cat", "Pet"],
    "Dog": ["Node", "Named", "Dog", "Pet"],
    "Fish": ["Node", "Fish", "Pet"],
    "Pet": ["Node", "Named", "Cat", "Dog", "Fish", "Pet"],
}


class _Writer:
    """Writes one random document; fragments only spread fragments written before them, so there are no circles."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # a seed makes each case again
        self._fragments: list[tuple[str, str, str]] = []  # name, type, text

    def document(self) -> str:
        for number in range(self._random.randint(0, 3)):
            on = self._random.choice(["Node", "Named", "Cat", "Dog", "Pet"])
            self._fragments.append((f"F{number}", on, self._selections(on, 2)))
        text = self._selections("Query", 4)
        for name, on, inner in reversed(self._fragments):
            if f"...{name}" in text:
                text += f"\nfragment {name} on {on} {inner}"
        declared = ", ".join(f"${name}: Boolean!" for name in "ab" if f"${name}" in text)
        return f"query {f'({declared}) ' if declared else ''}{text}"

    def _selections(self, parent: str, depth: int) -> str:
        return "{ " + " ".join(self._selection(parent, depth) for _ in range(self._random.randint(1, 4))) + " }"

    def _selection(self, parent: str, depth: int) -> str:
        draw = self._random.random()
        fitting = [name for name, on, _ in self._fragments if on in INSIDE[parent]]
        if draw < 0.15 and fitting:
            return f"...{self._random.choice(fitting)}{self._guards()}"
        if draw < 0.4 and depth > 0:
            on = self._random.choice(INSIDE[parent])
            return f"... on {on}{self._guards()} {self._selections(on, depth - 1)}"
        names = [name for name in FIELDS[parent] if depth > 0 or name not in RETURNS]
        if not names or draw < 0.45:
            return "__typename"
        name = self._random.choice(names)
        alias = self._random.choice(["", "", "", "x: ", "y: "])
        arguments = self._random.choice(["", "", "(upper: true)"]) if name == "name" else ""
        inner = f" {self._selections(RETURNS[name], depth - 1)}" if name in RETURNS else ""
        return f"{alias}{name}{arguments}{self._guards()}{inner}"

    def _guards(self) -> str:
        if self._random.random() < 0.75:
            return ""
        verb = self._random.choice(["skip", "include"])
        return f" @{verb}(if: {self._random.choice(['true', 'false', '$a', '$a', '$b'])})"


def documents(first_seed: int, count: int) -> Iterator[tuple[str, DocumentNode]]:
    for seed in range(first_seed, first_seed + count):
        text = _Writer(seed).document()
        yield text, parse(text)


CAT = {"__typename": "Cat", "id": "c", "name": lambda info, upper=False: "TOM" if upper else "tom", "lives": 9}
DOG = {
    "__typename": "Dog",
    "id": "d",
    "name": lambda info, upper=False: "REX" if upper else "rex",
    "lives": "1",
    "barks": True,
}
FISH = {"__typename": "Fish", "id": "f", "lives": 1}
for one, friend in ((CAT, DOG), (DOG, FISH), (FISH, CAT)):
    one["self"], one["friend"] = one, friend
UNIVERSE = {"node": FISH, "named": DOG, "pet": CAT, "cat": CAT, "pets": [DOG, CAT, FISH]}


def answer(text: str, variables: dict[str, bool]) -> str:
    """The whole answer as text, in which the order of keys counts."""
    result = execute_sync(SCHEMA, parse(text), UNIVERSE, variable_values=variables)
    assert result.errors is None, (text, result.errors)
    return json.dumps(result.data)


@pytest.mark.parametrize("first_seed", range(0, 800, 200))
def test_the_same_documents_conflict_as_in_graphql_core(first_seed: int) -> None:
    conflicts = 0
    for text, document in documents(first_seed, 200):
        theirs = validate(SCHEMA, document, [OverlappingFieldsCanBeMergedRule])
        ours = validate_document(document, SCHEMA)
        assert bool(ours) == bool(theirs), (text, theirs, ours)
        conflicts += bool(ours)
    assert 20 < conflicts < 180


@pytest.mark.parametrize("first_seed", range(10_000, 10_800, 200))
def test_a_normalised_operation_answers_the_same_in_the_same_order(first_seed: int) -> None:
    compared = 0
    for text, document in documents(first_seed, 200):
        if validate_document(document, SCHEMA):
            continue
        normalised = _runnable(print_operation(normalize_operation(document, SCHEMA)))
        for a, b in ((True, True), (True, False), (False, True), (False, False)):
            variables = {"a": a, "b": b}
            assert answer(normalised, variables) == answer(text, variables), text
        compared += 1
    assert compared > 20


def _runnable(normalised: str) -> str:
    """An object of which nothing is left is printed `{ }`, which is no GraphQL; a skipped selection stands in."""
    lines = normalised.split("\n")
    for index, line in enumerate(lines[:-1]):
        if line.endswith("{") and lines[index + 1].strip() == "}":
            lines[index] = line + " __typename @skip(if: true)"
    return "\n".join(lines)
