"""Where routers in wide use were found wrong by random testing. Each is tried in several universes, so that lists of
every length, nulls and all types of an interface come up, and compared with what one schema would answer.

That planning failures are not answered with HTTP 500 is seen where whole requests are tested.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pytest

from tests.kit.oracle.world import Case, World

pytestmark = pytest.mark.anyio

_UNIVERSE_COUNT = 12


@lru_cache(maxsize=1)
def _compose(subgraphs: tuple[tuple[str, str], ...]) -> World:
    return World(dict(subgraphs))


async def agree(query: str, variables: Mapping[str, Any] | None = None, /, **subgraphs: str) -> None:
    world = _compose(tuple(subgraphs.items()))
    for seed in range(_UNIVERSE_COUNT):
        difference = await world.difference(Case(subgraphs, query, variables or {}, seed=seed))
        assert difference is None, difference


async def asked(
    query: str, subgraph: str, variables: Mapping[str, Any] | None = None, /, **subgraphs: str
) -> list[str]:
    """What one subgraph is asked."""
    world = _compose(tuple(subgraphs.items()))
    assert await world.difference(Case(subgraphs, query, variables or {})) is None
    return world.asked[subgraph]


PRICES = {
    "catalog": """
        type Query { products: [Product!]! }
        type Product @key(fields: "id") { id: ID! price(currency: String!): Float! }
    """,
    "tax": """
        type Product @key(fields: "id") {
          id: ID!
          price(currency: String!): Float! @external
          taxed: Float! @requires(fields: "price(currency: \\"EUR\\")")
          duty: Float! @requires(fields: "price(currency: \\"USD\\")")
        }
    """,
}


@pytest.mark.parametrize(
    "selection",
    [
        'price(currency: "SEK") taxed',
        'taxed price(currency: "SEK")',
        'price: taxed taxed: price(currency: "SEK")',
        'taxed duty price(currency: "EUR")',
        'taxed price(currency: "USD") duty',
    ],
)
async def test_a_required_field_with_arguments_keeps_apart_from_the_clients_own_use_of_it(selection: str) -> None:
    await agree(f"{{ products {{ {selection} }} }}", **PRICES)


async def test_a_variable_as_the_clients_argument_keeps_apart_from_the_requirement() -> None:
    await agree("query ($c: String!) { products { price(currency: $c) taxed duty } }", {"c": "EUR"}, **PRICES)


async def test_nobody_is_sent_to_a_subgraph_whose_key_is_not_resolvable() -> None:
    subgraphs = {
        "a": 'type Query { user: User } type User @key(fields: "id", resolvable: false) { id: ID! }',
        "b": 'type User @key(fields: "id") @key(fields: "name") { id: ID! name: String! friend: User }',
        "c": """
            type User @key(fields: "id", resolvable: false) @key(fields: "name") { id: ID! name: String! age: Int }
        """,
    }
    await agree("{ user { id age friend { age name friend { id age } } } }", **subgraphs)


async def test_a_field_with_requirements_in_the_first_subgraph_is_returned_to_by_a_key_that_is_resolvable() -> None:
    subgraphs = {
        "a": """
            type Query { user: User }
            type User @key(fields: "id", resolvable: false) @key(fields: "name") {
              id: ID! name: String! age: Int @external adult: Boolean @requires(fields: "age")
            }
        """,
        "b": 'type User @key(fields: "id") { id: ID! age: Int }',
    }
    await agree("{ user { adult } }", **subgraphs)


async def test_chains_of_requirements_whose_inputs_are_external_elsewhere() -> None:
    subgraphs = {
        "a": 'type Query { items: [Item] } type Item @key(fields: "id") { id: ID! weight: Int size: Size }',
        "b": """
            type Item @key(fields: "id") {
              id: ID! weight: Int @external size: Size @external
              volume: Float @requires(fields: "weight size { width }")
            }
            type Size { width: Int @external }
        """,
        "c": """
            type Item @key(fields: "id") {
              id: ID! volume: Float @external weight: Int @external
              price: Float @requires(fields: "volume weight")
            }
        """,
        "d": """
            type Item @key(fields: "id") {
              id: ID! price: Float @external volume: Float @external label: String @requires(fields: "price volume")
            }
        """,
    }
    subgraphs["a"] += "type Size { width: Int height: Int }"
    await agree("{ items { label } }", **subgraphs)
    await agree("{ items { weight: label price: volume label: weight size { height } } }", **subgraphs)


MEDIA = {
    "shelf": """
        type Query { media: [Media!]! book: Book }
        interface Media @key(fields: "id") { id: ID! title: String }
        type Book implements Media @key(fields: "id") { id: ID! title: String pages: Int }
        type Film implements Media @key(fields: "id") { id: ID! title: String minutes: Int }
    """,
    "reviews": """
        type Query { reviewed: [Media] }
        type Media @key(fields: "id") @interfaceObject { id: ID! score: Int similar: [Media!] }
    """,
}


@pytest.mark.parametrize(
    "query",
    [
        "{ media { __typename score } }",
        "{ media { score __typename similar { __typename score } } }",
        "{ reviewed { __typename id } }",
        "{ reviewed { score similar { kind: __typename similar { __typename ... on Film { minutes score } } } } }",
        "{ book { __typename score similar { ... on Book { __typename pages } ... on Film { score } } } }",
        "{ reviewed { ... on Media { score ... on Book { __typename } } } }",
    ],
)
async def test_objects_known_as_interface_objects_keep_their_own_type_name(query: str) -> None:
    await agree(query, **MEDIA)


async def test_a_union_around_an_interface_object_changes_nothing_when_it_has_all_its_types() -> None:
    subgraphs = {**MEDIA, "shelf": MEDIA["shelf"] + " union Found = Book | Film | Text type Text { body: String }"}
    await agree("{ reviewed { ... on Found { ... on Media { score } } } }", **subgraphs)
    await agree(
        "{ reviewed { ... on Found { ... on Text { body } ... on Media { id similar { id } } } } }", **subgraphs
    )


async def test_an_interface_object_field_with_requirements_is_asked_only_for_types_that_send_them() -> None:
    subgraphs = {
        "a": """
            type Media @key(fields: "id") @interfaceObject {
              id: ID! title: String @external length: Int @requires(fields: "title")
            }
        """,
        "b": MEDIA["shelf"],
    }
    query = "query ($p: Boolean!) { media { title ... on Book @include(if: $p) { length } } }"
    await agree(query, {"p": True}, **subgraphs)
    await agree(query, {"p": False}, **subgraphs)
    await agree("{ media { length } }", **subgraphs)


async def test_a_list_selected_twice_has_its_items_once() -> None:
    subgraphs = {
        "a": 'type Query { users: [User!]! } type User @key(fields: "id") { id: ID! tags: [String!] friends: [User] }',
        "b": 'type User @key(fields: "id") { id: ID! name: String posts: [Post] } '
        "type Post { text: String likes: [Int] }",
    }
    await agree(
        "{ users { tags } users { tags friends { id } friends { name } posts { text } } ...F }"
        " fragment F on Query { users { friends { posts { likes } } posts { likes text } } }",
        **subgraphs,
    )


async def test_a_shared_list_brought_by_two_subgraphs_has_its_items_once() -> None:
    subgraphs = {
        "a": """
            type Query { cart: Cart }
            type Cart @key(fields: "id") { id: ID! lines: [Line] @shareable }
            type Line { sku: ID @shareable amount: Int }
        """,
        "b": """
            type Cart @key(fields: "id") { id: ID! lines: [Line] @shareable }
            type Line { sku: ID @shareable price: Float }
        """,
    }
    await agree("{ cart { lines { price sku amount } } }", **subgraphs)


async def test_nested_provides_apply_at_their_own_level() -> None:
    subgraphs = {
        "a": """
            type Query { user: User @provides(fields: "boss { name boss { age } }") plain: User }
            type User @key(fields: "id") { id: ID! boss: User @external name: String @external age: Int @external }
        """,
        "b": """
            type User @key(fields: "id") {
              id: ID! boss: User @shareable name: String @shareable age: Int @shareable
            }
        """,
    }
    await agree("{ user { name age boss { name age boss { name age boss { name age } } } } }", **subgraphs)
    await agree("{ plain { name boss { name boss { age } } } }", **subgraphs)
    assert await asked("{ user { boss { name boss { age } } } }", "b", **subgraphs) == []


async def test_provides_on_unions_and_interfaces_apply_to_the_types_they_name() -> None:
    subgraphs = {
        "a": """
            type Query {
              pet: Pet @provides(fields: "... on Cat { name } ... on Dog { owner { name } }")
              animals: [Animal] @provides(fields: "... on Dog { name }")
            }
            union Pet = Cat | Dog
            interface Animal { id: ID! }
            type Cat implements Animal @key(fields: "id") { id: ID! name: String @external }
            type Dog implements Animal @key(fields: "id") { id: ID! name: String @external owner: User @shareable }
            type User @key(fields: "id") { id: ID! name: String @external }
        """,
        "b": """
            type Cat @key(fields: "id") { id: ID! name: String @shareable }
            type Dog @key(fields: "id") { id: ID! name: String @shareable owner: User @shareable }
            type User @key(fields: "id") { id: ID! name: String @shareable age: Int }
        """,
    }
    await agree("{ pet { ... on Cat { name } ... on Dog { name owner { name age } } } }", **subgraphs)
    await agree("{ animals { ... on Cat { name } ... on Dog { name owner { name } } } }", **subgraphs)


async def test_field_sets_are_read_by_the_types_that_fields_have_in_their_own_subgraph() -> None:
    subgraphs = {
        "a": """
            type Query { shelf: Shelf }
            type Shelf @key(fields: "id") { id: ID! item: Item @shareable }
            interface Item { id: ID! }
            type Book implements Item @key(fields: "id") { id: ID! pages: Int @shareable }
        """,
        "b": """
            type Shelf @key(fields: "id") {
              id: ID! item: Book @shareable next: Shelf @provides(fields: "item { pages }")
            }
            type Book @key(fields: "id") { id: ID! pages: Int @external }
        """,
    }
    query = "{ shelf { next { item { ... on Book { pages } } } } }"
    await agree(query, **subgraphs)
    assert len(await asked(query, "a", **subgraphs)) == 2  # the answer is taken twice: for the first shelf only


USERS = {
    "a": 'type Query { me: User users: [User] } type User @key(fields: "id") { id: ID! name: String address: Address } '
    "type Address { city: String }",
    "b": 'type User @key(fields: "id") { id: ID! age: Int pet: Pet } type Pet { name: String }',
}


@pytest.mark.parametrize("is_on", [True, False])
async def test_objects_of_which_every_field_is_skipped_are_empty_objects(is_on: bool) -> None:
    for query in (
        "query ($p: Boolean!) { me { name @include(if: $p) } }",
        "query ($p: Boolean!) { users { age @include(if: $p) pet { name @skip(if: $p) } } }",
        "query ($p: Boolean!) { me { address { city @skip(if: true) } } users { id @skip(if: $p) } }",
        "query ($p: Boolean!) { me { pet { name @include(if: false) } } users { id @skip(if: $p) } }",
        "query ($p: Boolean!) { users { ... @include(if: $p) { age } pet { ... on Pet @skip(if: $p) { name } } } }",
    ):
        await agree(query, {"p": is_on}, **USERS)


async def test_variables_of_another_operation_in_the_document_are_not_asked_for() -> None:
    world = World({"a": "type Query { a(n: Int): Int b(s: String!): Int }"})
    query = "query One($n: Int) { a(n: $n) } query Two($s: String!) { b(s: $s) }"
    for seed in range(_UNIVERSE_COUNT):
        case = Case({}, query, {"n": 1}, seed=seed, operation_name="One")
        assert await world.difference(case) is None


MUTATIONS = {
    "a": "type Query { q: Int } type Mutation { a(n: Int): Int c: User } "
    'type User @key(fields: "id") { id: ID! name: String }',
    "b": 'type Mutation { b(n: Int): Int d: User } type User @key(fields: "id") { id: ID! age: Int }',
}


@pytest.mark.parametrize(
    "selection",
    [
        "a b",
        "b a",
        "a x: b y: a z: b w: a",
        "b c { age name } x: b d { name age } a",
        "x: a(n: 1) a y: a(n: 2) b(n: 3)",
        "a @skip(if: $p) b a",
        "a @skip(if: $p) x: a a",
        "c @skip(if: $p) { name } b c { age }",
        "... on Mutation @include(if: $p) { b c { age } } a b c { name }",
        "... @include(if: $p) { d { name } } a ... @include(if: $q) { d { age } } b d { id }",
    ],
)
async def test_mutations_are_done_in_the_order_of_the_document_whichever_subgraph_does_them(selection: str) -> None:
    query = f"mutation ($p: Boolean!, $q: Boolean!) {{ {selection} x1: a @skip(if: $p) y1: a @skip(if: $q) }}"
    for values in ({"p": p, "q": q} for p in (True, False) for q in (True, False)):
        await agree(query, values, **MUTATIONS)


@pytest.mark.parametrize(
    "query",
    [
        "{ me { age name pet { name } id } }",
        "{ users { pet { name } address { city } age id name } }",
        "{ me { age } users { age name } me { name age id } }",
        "{ users { ... on User { age } id ...F name } } fragment F on User { pet { __typename } address { city } }",
    ],
)
async def test_keys_stand_in_the_order_of_the_query_however_late_a_field_arrives(query: str) -> None:
    await agree(query, **USERS)


async def test_keys_below_a_field_selected_again_behind_a_fragment_keep_their_order() -> None:
    subgraphs = {
        "a": "type Query { i: [I] } interface I { v: V } type A implements I { v: V } type B implements I { v: V } "
        "type V { x: Int y: Int z: Int }"
    }
    await agree("{ i { v { x } ... on A { v { y } } v { z } } }", **subgraphs)
    for is_on in (True, False):
        fields = "v @include(if: $p) { x } ... on A { v { y } } v @include(if: $p) { z } v { x }"
        await agree(f"query ($p: Boolean!) {{ i {{ {fields} }} }}", {"p": is_on}, **subgraphs)


async def test_entities_are_found_in_nested_lists() -> None:
    subgraphs = {
        "a": """
            type Query { grid: [[Cell]] cube: [[[Cell!]!]]! pages: [Page!] }
            type Page { rows: [[Cell]!] }
            type Cell @key(fields: "id") { id: ID! next: [[Cell]] }
        """,
        "b": """
            type Cell @key(fields: "id") { id: ID! value: Int lines: [[Text!]!] @shareable }
            type Text { words: [[String]] }
        """,
    }
    await agree("{ grid { value id } cube { lines { words } next { value next { id value } } } }", **subgraphs)
    await agree("{ pages { rows { value next { lines { words } } } } }", **subgraphs)


async def test_fields_of_unlike_nullability_are_told_apart_at_every_depth() -> None:
    subgraphs = {
        "a": """
            type Query { all: [Node!]! }
            interface Node { id: ID! }
            type Leaf implements Node @key(fields: "id") { id: ID! next: Node }
            type Root implements Node @key(fields: "id") { id: ID! next: Node! }
        """,
        "b": """
            interface Node { id: ID! next: Node }
            type Root implements Node @key(fields: "id") { id: ID! next: Node! @external }
        """,
    }
    await agree("{ all { next { next { __typename next { id next { id } } } } } }", **subgraphs)


async def test_a_field_selected_on_an_interface_and_otherwise_declared_on_a_type_has_all_that_was_selected() -> None:
    subgraphs = {
        "a": """
            type Media @key(fields: "id") @interfaceObject {
              id: ID! next: [Media] @external length: Int size: Int @requires(fields: "next { length }")
            }
        """,
        "b": """
            type Query { media: [Media] }
            interface Media @key(fields: "id") { id: ID! next: [Media] title: String }
            type Book implements Media @key(fields: "id") { id: ID! next: [Media]! title: String }
            type Film implements Media @key(fields: "id") { id: ID! next: [Media] title: String }
        """,
    }
    await agree("{ media { size next { title } } }", **subgraphs)


@pytest.mark.parametrize("is_wanted", [True, False])
@pytest.mark.parametrize(
    "query",
    [
        "{ item { fits box @include(if: $a) { label } } }",
        "{ item { fits ... @include(if: $a) { box { label width } } } }",
    ],
)
async def test_an_object_that_something_requires_is_asked_for_no_more_than_the_client_selects(
    query: str, is_wanted: bool
) -> None:
    subgraphs = {
        "items": """
            type Query { item: Item }
            type Item @key(fields: "id") { id: ID! box: Box }
            type Box @key(fields: "id") { id: ID! }
        """,
        "widths": 'type Box @key(fields: "id") { id: ID! width: Int }',
        "sizes": """
            type Item @key(fields: "id") {
              id: ID! box: Box @external fits: Boolean @requires(fields: "box { width }")
            }
            type Box @key(fields: "id") { id: ID! width: Int @external label: String }
        """,
    }
    await agree(f"query ($a: Boolean!) {query}", {"a": is_wanted}, **subgraphs)


@pytest.mark.parametrize("is_wanted", [True, False])
@pytest.mark.parametrize(
    "fields",
    [
        "box @include(if: $a) { label } box { width }",
        "... @include(if: $a) { box { lid { label } } } box { lid { width } }",
    ],
)
async def test_what_is_guarded_on_all_types_of_an_interface_is_not_asked_for_with_what_is_not(
    fields: str, is_wanted: bool
) -> None:
    subgraphs = {
        "items": """
            type Query { item: Item }
            interface Item { id: ID! }
            type Bag implements Item @key(fields: "id") { id: ID! }
            type Cup implements Item @key(fields: "id") { id: ID! }
        """,
        "boxes": """
            interface Item { box: Box }
            type Bag implements Item @key(fields: "id") { id: ID! box: Box }
            type Cup implements Item @key(fields: "id") { id: ID! box: Box }
            type Box { label: String width: Int lid: Box }
        """,
    }
    await agree(f"query ($a: Boolean!) {{ item {{ {fields} }} }}", {"a": is_wanted}, **subgraphs)


@pytest.mark.parametrize(
    "fields",
    [
        "box { label } ... on Bag { box { width } }",
        "box { label } ... on Open { box { width lid { label } } } ... on Cup { box { lid { width } } }",
        "... on Open { box { width owner { name } } } box { owner { id } }",
    ],
)
async def test_what_is_selected_on_a_type_is_not_asked_for_on_its_fellows(fields: str) -> None:
    subgraphs = {
        "items": """
            type Query { item: Item }
            interface Item { id: ID! }
            type Bag implements Item @key(fields: "id") { id: ID! }
            type Cup implements Item @key(fields: "id") { id: ID! }
            type Jar implements Item @key(fields: "id") { id: ID! }
        """,
        "boxes": """
            interface Item { box: Box }
            interface Open { box: Box }
            type Bag implements Item & Open @key(fields: "id") { id: ID! box: Box }
            type Cup implements Item & Open @key(fields: "id") { id: ID! box: Box }
            type Jar implements Item @key(fields: "id") { id: ID! box: Box }
            type Box { label: String width: Int lid: Box owner: Owner }
            type Owner @key(fields: "id") { id: ID! }
        """,
        "owners": 'type Owner @key(fields: "id") { id: ID! name: String }',
    }
    await agree(f"{{ item {{ {fields} }} }}", **subgraphs)


@pytest.mark.parametrize("is_wanted", [True, False])
@pytest.mark.parametrize(
    "fields",
    [
        "theme limits @include(if: $a) { low }",
        "theme limits { least low @include(if: $a) high @include(if: $a) }",
        "theme ... @include(if: $a) { limits { low } lights }",
    ],
)
async def test_a_subgraph_whose_part_of_a_root_field_is_skipped_is_not_asked(fields: str, is_wanted: bool) -> None:
    subgraphs = {
        "themes": """
            type Query { config: Config @shareable }
            type Config { theme: String limits: Limits @shareable }
            type Limits { least: Int }
        """,
        "limits": """
            type Query { config: Config @shareable }
            type Config { limits: Limits @shareable lights: Int }
            type Limits { low: Int high: Int }
        """,
    }
    query = f"query ($a: Boolean!) {{ config {{ {fields} }} }}"
    await agree(query, {"a": is_wanted}, **subgraphs)
    assert bool(await asked(query, "limits", {"a": is_wanted}, **subgraphs)) is is_wanted


async def test_a_root_field_all_of_whose_parts_may_be_skipped_is_asked_for_once() -> None:
    subgraphs = {
        "themes": "type Query { config: Config @shareable } type Config { theme: String }",
        "limits": "type Query { config: Config @shareable } type Config { low: Int }",
    }
    query = "query ($a: Boolean!, $b: Boolean!) { config { theme @include(if: $a) low @include(if: $b) } }"
    for a, b in ((True, True), (True, False), (False, True), (False, False)):
        await agree(query, {"a": a, "b": b}, **subgraphs)
    variables = {"a": False, "b": False}
    assert not await asked(query, "themes", variables, **subgraphs)
    assert await asked(query, "limits", variables, **subgraphs)
