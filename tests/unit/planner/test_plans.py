"""Whole plans for small supergraphs, one feature each. Every plan is also proved sound."""

from __future__ import annotations

import gc
import inspect
import sys

import pytest

from router.plan.nodes import Condition, ContextRewrite, Fetch, Key, OnTypes, QueryPlan, Sequence
from router.plan.walk import fetch_count, walk_fetches
from router.planner import Planner, PlanningError, PlanTooLargeError
from router.supergraph import Supergraph
from tests.kit.supergraphs import load, normalize, plan, plan_lines

PRODUCTS = load(
    "products reviews stock",
    r"""
type Query @join__type(graph: PRODUCTS) @join__type(graph: REVIEWS) @join__type(graph: STOCK) {
  product: Product @join__field(graph: PRODUCTS)
  products: [Product!]! @join__field(graph: PRODUCTS)
}
type Product @join__type(graph: PRODUCTS, key: "id") @join__type(graph: REVIEWS, key: "id")
    @join__type(graph: STOCK, key: "id") {
  id: ID!
  name: String @join__field(graph: PRODUCTS)
  price(currency: String): Int @join__field(graph: PRODUCTS) @join__field(graph: STOCK, external: true)
  reviews: [Review!] @join__field(graph: REVIEWS)
  stock: Int @join__field(graph: STOCK)
  taxed: Int @join__field(graph: STOCK, requires: "price(currency: \"EUR\")")
  taxedInDollars: Int @join__field(graph: STOCK, requires: "price(currency: \"USD\")")
}
type Review @join__type(graph: REVIEWS) { body: String author: Product }
""",
)

KEY_CHAIN = load(
    "a b c",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { user: User
    @join__field(graph: A) }
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id")
    @join__type(graph: B, key: "email") @join__type(graph: C, key: "email") {
  id: ID! @join__field(graph: A) @join__field(graph: B)
  email: String @join__field(graph: B) @join__field(graph: C)
  city: String @join__field(graph: C)
}
""",
)

PROVIDED = load(
    "a b",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) { post: Post
    @join__field(graph: A, provides: "author { name }") same: Post @join__field(graph: A) }
type Post @join__type(graph: A) { author: User }
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String
    @join__field(graph: A, external: true) @join__field(graph: B) }
""",
)

INTERFACE_OBJECT = load(
    "a b",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) { all: [Media!]!
    @join__field(graph: A) top: Media @join__field(graph: B) }
interface Media @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true) {
    id: ID! title: String @join__field(graph: A) score: Int @join__field(graph: B) }
type Book implements Media @join__implements(graph: A, interface: "Media")
    @join__type(graph: A, key: "id") { id: ID! title: String pages: Int score: Int @join__field }
type Film implements Media @join__implements(graph: A, interface: "Media")
    @join__type(graph: A, key: "id") { id: ID! title: String score: Int @join__field }
""",
)

UNION = load(
    "a b",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) { media: Media @join__field(graph: A) }
union Media @join__type(graph: A) @join__unionMember(graph: A, member: "Book")
    @join__unionMember(graph: A, member: "Film") = Book | Film
type Book @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! title: String!
    @join__field(graph: A) isbn: String @join__field(graph: B) owner: User @join__field(graph: A) }
type Film @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! title: String
    @join__field(graph: A) length: Int @join__field(graph: B) director: User @join__field(graph: A) }
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String
    @join__field(graph: B) }
""",
)

ROOTS = load(
    "a b",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) { n: Int @join__field(graph: A) }
type Mutation @join__type(graph: A) @join__type(graph: B) { add(n: Int): User
    @join__field(graph: A) drop: Int @join__field(graph: B) }
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String
    @join__field(graph: B) }
type Subscription @join__type(graph: A) { changed: User }
""",
)

OVERRIDE = load(
    "a b",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) { user: User @join__field(graph: A) }
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String
    @join__field(graph: A, overrideLabel: "moved") @join__field(graph: B, override: "a", overrideLabel:
    "moved") }
""",
)

SHARED = load(
    "a b",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) { config: Config }
type Config @join__type(graph: A) @join__type(graph: B) { a: Int @join__field(graph: A) b: Int
    @join__field(graph: B) }
""",
)

CONFLICT = load(
    "a",
    r"""
type Query @join__type(graph: A) { pet: Pet }
interface Pet @join__type(graph: A) { name: String }
type Cat implements Pet @join__implements(graph: A, interface: "Pet")
    @join__type(graph: A) { name: String @join__field(graph: A, type: "String!") }
type Dog implements Pet @join__implements(graph: A, interface: "Pet") @join__type(graph: A) { name: String }
""",
)

LATER = load(
    "a b c",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { p: P @join__field(graph: A) }
type P @join__type(graph: A, key: "id") @join__type(graph: B, key: "id")
    @join__type(graph: C, key: "id") { id: ID!
 stock: Int @join__field(graph: B) price: Int @join__field(graph: C)
    @join__field(graph: B, external: true) tax: Int @join__field(graph: B, requires: "price") }
""",
)


def test_a_field_of_another_subgraph_is_fetched_by_the_key() -> None:
    query = "{ product { name stock } }"
    assert plan_lines(PRODUCTS, query) == [
        "0 products: {product{__typename name id}}",
        "1 stock after 0 at product (Product(id)): {... on Product{stock}}",
    ]


def test_lookups_that_need_nothing_of_each_other_run_side_by_side() -> None:
    query = "{ products { reviews { body author { name } } stock } }"
    assert plan_lines(PRODUCTS, query) == [
        "0 products: {products{__typename id}}",
        "1 reviews after 0 at products.@ (Product(id)): {... on Product{reviews{body author{__typename id}}}}",
        "2 stock after 0 at products.@ (Product(id)): {... on Product{stock}}",
        "3 products after 1 at products.@.reviews.@.author (Product(id)): {... on Product{name}}",
    ]


def test_requirements_with_other_arguments_than_the_clients_own_use_are_fetched_under_aliases() -> None:
    query = '{ product { price(currency: "GBP") taxed taxedInDollars } }'
    assert plan_lines(PRODUCTS, query) == [
        (
            '0 products: {product{__typename price(currency: "GBP") id _price_0:price(currency: "EUR") '
            '_price_1:price(currency: "USD")}}'
        ),
        (
            "1 stock after 0 | _e0 at product (Product(id price:_price_0)) | _e1 at product (Product(id "
            "price:_price_1)): query($representations_0:[_Any!]!,$representations_1:[_Any!]!){"
            "_e0:_entities(representations:$representations_0){... on Product{taxed}} "
            "_e1:_entities(representations:$representations_1){... on Product{taxedInDollars}}}"
        ),
    ]


def test_a_fetch_whose_fields_are_all_guarded_is_conditional() -> None:
    query = "query ($a: Boolean!) { product { name stock @include(if: $a) reviews @skip(if: $a) { body } } }"
    assert plan_lines(PRODUCTS, query) == [
        "0 products: {product{__typename name id}}",
        "1 stock after 0 at product (Product(id)): {... on Product{stock}}",
        "2 reviews after 0 at product (Product(id)): {... on Product{reviews{body}}}",
    ]


def test_an_object_that_is_also_there_unguarded_is_looked_up_under_the_guard_only() -> None:
    query = "query ($a: Boolean!) { product @include(if: $a) { stock } product { id } }"
    planned = plan(PRODUCTS, query)
    assert isinstance(planned.node, Sequence)
    last = planned.node.nodes[-1]
    assert isinstance(last, Condition)
    assert (last.variable, [fetch.service for _, fetch in walk_fetches(QueryPlan(last.if_clause))]) == ("a", ["stock"])
    both = "query ($a: Boolean!) { product @include(if: $a) { stock } product { reviews { body } stock } }"
    assert plan_lines(PRODUCTS, both)[1:] == [
        "1 stock after 0 at product (Product(id)): {... on Product{stock}}",
        "2 reviews after 0 at product (Product(id)): {... on Product{reviews{body}}}",
    ]
    twice = "query ($a: Boolean!) { ...F @include(if: $a) ...F } fragment F on Query { product { stock } }"
    assert "{... on Product{stock}}" in plan_lines(PRODUCTS, twice)[1]


def test_a_key_keeps_clear_of_a_client_alias_of_the_same_name() -> None:
    query = "{ product { id: name stock } }"
    assert plan_lines(PRODUCTS, query) == [
        "0 products: {product{__typename id:name _id_0:id}}",
        "1 stock after 0 at product (Product(id:_id_0)): {... on Product{stock}}",
    ]


def test_equal_lookups_at_two_paths_are_one_lookup() -> None:
    query = "{ a: product { stock } b: products { stock } }"
    assert plan_lines(PRODUCTS, query) == [
        "0 products: {a:product{__typename id} b:products{__typename id}}",
        (
            "1 stock after 0 | _e0 at a, b.@ (Product(id)): query($representations_0:[_Any!]!){"
            "_e0:_entities(representations:$representations_0){... on Product{stock}}}"
        ),
    ]


def test_a_key_that_the_first_subgraph_lacks_is_fetched_on_the_way() -> None:
    query = "{ user { city } }"
    assert plan_lines(KEY_CHAIN, query) == [
        "0 a: {user{__typename id}}",
        "1 b after 0 at user (User(id)): {... on User{email}}",
        "2 c after 0, 1 at user (User(email)): {... on User{city}}",
    ]


def test_a_provided_field_is_taken_where_it_is_provided_and_only_there() -> None:
    query = "{ post { author { name } } same { author { name } } }"
    assert plan_lines(PROVIDED, query) == [
        "0 a: {post{author{name}} same{author{__typename id}}}",
        "1 b after 0 at same.author (User(id)): {... on User{name}}",
    ]


def test_an_interface_object_is_entered_for_all_types_at_once() -> None:
    query = "{ all { title score } }"
    assert plan_lines(INTERFACE_OBJECT, query) == [
        "0 a: {all{__typename title ... on Book{id} ... on Film{id}}}",
        "1 b after 0 at all.@ (Book(id) Film(id)): {... on Media{score}}",
    ]


def test_the_concrete_type_of_an_interface_object_is_asked_where_the_interface_is_real() -> None:
    query = "{ top { score __typename ... on Book { pages } } }"
    assert plan_lines(INTERFACE_OBJECT, query) == [
        "0 b: {top{score id}}",
        "1 a after 0 at top (Media(id)): {... on Media{__typename ... on Book{pages}}}",
    ]


def test_objects_of_different_types_are_looked_up_by_one_fetch() -> None:
    query = "{ media { ... on Book { isbn } ... on Film { length } } }"
    assert plan_lines(UNION, query) == [
        "0 a: {media{__typename ... on Book{id} ... on Film{id}}}",
        "1 b after 0 at media (Book(id) Film(id)): {... on Book{isbn} ... on Film{length}}",
    ]


def test_one_response_key_of_two_types_with_different_meanings_is_told_apart_by_type() -> None:
    query = "{ media { ... on Book { by: owner { name } } ... on Film { by: director { name } } } }"
    assert plan_lines(UNION, query) == [
        "0 a: {media{__typename ... on Book{by:owner{__typename id}} ... on Film{by:director{__typename id}}}}",
        (
            "1 b after 0 | _e0 at media|[Book].by, media|[Film].by (User(id)): query($representations_0:[_Any!]!){"
            "_e0:_entities(representations:$representations_0){... on User{name}}}"
        ),
    ]


def test_mutations_run_in_order_and_neighbours_share_a_request() -> None:
    query = "mutation M($n: Int) { one: add(n: $n) { name } two: add(n: 2) { id } drop three: add { id } }"
    assert plan_lines(ROOTS, query) == [
        "0 a: mutation M__a__0($n: Int){one:add(n: $n){__typename id} two:add(n: 2){id}}",
        "1 b after 0 at one (User(id)): {... on User{name}}",
        "2 b after 0, 1: mutation M__b__2{drop}",
        "3 a after 0, 1, 2: mutation M__a__3{three:add{id}}",
    ]


def test_each_event_of_a_subscription_is_completed_by_entity_fetches() -> None:
    query = "subscription { changed { name } }"
    assert plan_lines(ROOTS, query) == [
        "0 a: subscription{changed{__typename id}}",
        "1 b after 0 at changed (User(id)): {... on User{name}}",
    ]


def test_an_override_with_a_label_that_is_off_leaves_the_field_where_it_was() -> None:
    query = "{ user { name } }"
    assert plan_lines(OVERRIDE, query) == [
        "0 a: {user{name}}",
    ]


def test_an_override_with_a_label_that_is_on_moves_the_field() -> None:
    query = "{ user { name } }"
    assert plan_lines(OVERRIDE, query, "moved") == [
        "0 a: {user{__typename id}}",
        "1 b after 0 at user (User(id)): {... on User{name}}",
    ]


def test_a_value_type_spread_over_two_subgraphs_is_fetched_from_both() -> None:
    query = "{ config { a b } }"
    assert plan_lines(SHARED, query) == [
        "0 a: {config{a}}",
        "1 b: {config{b}}",
    ]


def test_fields_that_cannot_share_a_response_key_in_the_subgraph_are_aliased_and_renamed() -> None:
    query = "{ pet { ... on Cat { name } ... on Dog { name } } }"
    assert plan_lines(CONFLICT, query) == [
        "0 a: {pet{__typename ... on Cat{name} ... on Dog{_name_1_alias:name}}}",
    ]


def test_objects_that_come_later_to_the_same_place_are_not_kept_back_by_what_they_do_not_have_yet() -> None:
    """The maker of a book is there at once, that of a film after two more fetches: when books' makers have a `size` to
    send to `c`, films' have only their `id`."""
    supergraph = load(
        "a b c",
        """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { all: [Media] @join__field(graph: A) }
interface Media @join__type(graph: A) { maker: Maker }
type Book implements Media @join__implements(graph: A, interface: "Media") @join__type(graph: A) { maker: Maker }
type Film implements Media @join__implements(graph: A, interface: "Media") @join__type(graph: A, key: "id")
  @join__type(graph: C, key: "id") {
  id: ID!
  studio: String @join__field(graph: A, external: true) @join__field(graph: C)
  maker: Maker @join__field(graph: A, requires: "studio") }
type Maker @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  name: String @join__field(graph: B) @join__field(graph: C, external: true)
  tax: Int @join__field(graph: C) @join__field(graph: B, external: true)
  size: Int @join__field(graph: B, requires: "tax") @join__field(graph: C, external: true)
  rank: Int @join__field(graph: C, requires: "size")
  fame: Int @join__field(graph: C, requires: "name")
}
""",
    )
    lines = plan_lines(supergraph, "{ all { maker { rank fame } } }")
    assert lines[4].startswith(
        "4 c after 0, 2, 3 | _e0 at all.@.maker (Maker(id size)) | _e1 at all.@.maker (Maker(id name))"
        " | _e2 at all.@.maker (Maker(id)): "
    )
    assert lines[6].startswith(
        "6 c after 3, 5 | _e0 at all.@.maker (Maker(id size)) | _e1 at all.@.maker (Maker(id name)): "
    )


def test_the_same_lookup_at_one_path_is_made_once() -> None:
    supergraph = load(
        "a b c",
        """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { all: [Media] @join__field(graph: A) }
interface Media @join__type(graph: A) { maker: Maker }
type Book implements Media @join__implements(graph: A, interface: "Media") @join__type(graph: A) { maker: Maker }
type Film implements Media @join__implements(graph: A, interface: "Media") @join__type(graph: A, key: "id")
  @join__type(graph: C, key: "id") {
  id: ID!
  studio: String @join__field(graph: A, external: true) @join__field(graph: C)
  maker: Maker @join__field(graph: A, requires: "studio") }
type Maker @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") { id: ID! name: String
  @join__field(graph: B) }
""",
    )
    lines = plan_lines(supergraph, "{ all { maker { name } } }")
    assert [line.partition(": ")[0] for line in lines] == [
        "0 a", "1 c after 0 at all.@ (Film(id))", "2 a after 0, 1 at all.@ (Film(id studio))",
        "3 b after 0, 2 at all.@.maker (Maker(id))",
    ]  # fmt: skip


def test_a_fetch_for_objects_of_several_types_waits_for_the_keys_of_all_of_them() -> None:
    item = '@join__implements(graph: A, interface: "Item") @join__implements(graph: D, interface: "Item")'
    shelf = load(
        "a b c d",
        f"""
        type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) @join__type(graph: D) {{
          items: [Item] @join__field(graph: A)
        }}
        interface Item @join__type(graph: A) @join__type(graph: D) {{
          id: ID! @join__field(graph: A)
          price: Int @join__field(graph: D)
        }}
        type Book implements Item {item}
            @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: D, key: "isbn") {{
          id: ID! @join__field(graph: A) @join__field(graph: B)
          isbn: ID! @join__field(graph: B) @join__field(graph: D)
          price: Int @join__field(graph: D)
        }}
        type Film implements Item {item}
            @join__type(graph: A, key: "id") @join__type(graph: C, key: "id") @join__type(graph: D, key: "isan") {{
          id: ID! @join__field(graph: A) @join__field(graph: C)
          isan: ID! @join__field(graph: C) @join__field(graph: D)
          price: Int @join__field(graph: D)
        }}
        """,
    )
    assert plan_lines(shelf, "{ items { price } }") == [
        "0 a: {items{__typename ... on Book{id} ... on Film{id}}}",
        "1 b after 0 at items.@ (Book(id)): {... on Book{isbn}}",
        "2 c after 0 at items.@ (Film(id)): {... on Film{isan}}",
        "3 d after 0, 1, 2 at items.@ (Book(isbn) Film(isan)): {... on Book{price} ... on Film{price}}",
    ]


def test_a_lookup_nobody_waits_for_travels_with_a_later_request_to_its_subgraph() -> None:
    query = "{ p { stock tax } }"
    assert plan_lines(LATER, query) == [
        "0 a: {p{__typename id}}",
        "1 c after 0 at p (P(id)): {... on P{price}}",
        (
            "2 b after 0, 1 | _e0 at p (P(id)) | _e1 at p (P(id price)): "
            "query($representations_0:[_Any!]!,$representations_1:[_Any!]!){"
            "_e0:_entities(representations:$representations_0){... on P{stock}} "
            "_e1:_entities(representations:$representations_1){... on P{tax}}}"
        ),
    ]


def test_an_argument_from_context_is_read_from_the_object_above() -> None:
    shops = load(
        "a b",
        """
        type Query @join__type(graph: A) @join__type(graph: B) { shops: [Shop!]! @join__field(graph: A) }
        type Shop @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @context(name: "a__shop") {
          id: ID! currency: String @join__field(graph: B) items: [Item] @join__field(graph: A)
        }
        type Item @join__type(graph: A, key: "id") {
          id: ID!
          name: String
          price(digits: Int): String @join__field(graph: A, contextArguments: [
            {context: "a__shop", name: "currency", type: "String", selection: "{ currency }"}
          ])
        }
        """,
    )
    query = "{ shops { items { name price(digits: 2) } } }"
    assert plan_lines(shops, query) == [
        "0 a: {shops{__typename items{__typename name id} id}}",
        "1 b after 0 at shops.@ (Shop(id)): {... on Shop{currency}}",
        "2 a after 0, 1 at shops.@.items.@ (Item(id)): {... on Item{price(digits: 2, currency: $_context_0)}}",
    ]
    last = list(walk_fetches(plan(shops, query)))[-1][1]
    assert isinstance(last, Fetch)
    assert last.context_rewrites == (ContextRewrite("_context_0", 1, (OnTypes(("Shop",)), Key("currency"))),)


def seventy_types(next_at: str) -> Supergraph:
    """All over ten subgraphs. `next_at` says which of them resolve `next`: one by its number, or all."""
    names = [f"g{i}" for i in range(10)]
    everywhere = " ".join(f'@join__type(graph: {n.upper()}, key: "id")' for n in names)
    implements = " ".join(f'@join__implements(graph: {n.upper()}, interface: "Node")' for n in names)
    fields = " ".join(f"f{i}: Int @join__field(graph: {n.upper()})" for i, n in enumerate(names))
    plain = everywhere.replace(', key: "id"', "")
    types = "\n".join(
        f"type T{i} implements Node {implements} {everywhere}"
        f" {{ id: ID! {fields} next: Node {next_at.format(i % 10)} }}"
        for i in range(70)
    )
    return load(
        " ".join(names),
        f"type Query {plain} {{ nodes: [Node] }}\ninterface Node {plain} {{ id: ID! {fields} next: Node }}\n{types}",
    )


def test_an_interface_with_seventy_types_over_ten_subgraphs_is_planned_at_once() -> None:
    nodes = seventy_types("@join__field(graph: G{})")
    found = Planner(nodes).plan(normalize(nodes, "{ nodes { f0 f9 next { f1 next { f2 next { f3 } } } } }"))
    assert fetch_count(found) < 50
    assert sum(len(node.operation) for _, node in walk_fetches(found)) < 200_000


def test_where_all_ways_are_open_at_every_level_the_search_is_given_up() -> None:
    nodes = seventy_types("")
    query = "{ nodes " + "{ f0 f5 f9 next " * 12 + "{ f3 }" + " }" * 13
    with pytest.raises(PlanTooLargeError):
        Planner(nodes).plan(normalize(nodes, query))


def test_a_mutation_is_never_sent_to_two_subgraphs() -> None:
    shared = load(
        "a b",
        """
        type Query @join__type(graph: A) @join__type(graph: B) { n: Int }
        type Mutation @join__type(graph: A) @join__type(graph: B) { save: Saved }
        type Saved @join__type(graph: A) @join__type(graph: B) {
          a: Int @join__field(graph: A) b: Int @join__field(graph: B) both: Int
        }
        """,
    )
    assert plan_lines(shared, "mutation { save { both b } }") == ["0 b: mutation{save{both b}}"]
    with pytest.raises(PlanningError):
        plan_lines(shared, "mutation { save { a b } }")


def test_a_plan_leaves_nothing_for_the_garbage_collector() -> None:
    query = 'query($c: String = "EUR") { product { price(currency: $c) taxed reviews { author { stock } } } }'
    operation = normalize(PRODUCTS, query)
    planner = Planner(PRODUCTS)
    kept = planner.plan(operation)
    gc.collect()
    gc.disable()
    try:
        assert planner.plan(operation) == kept
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_a_plan_that_was_broken_off_leaves_nothing_behind() -> None:
    query = "{ product { taxed reviews { author { stock } } } }"
    operation = normalize(PRODUCTS, query)
    expected = Planner(PRODUCTS).plan(operation)
    planner = Planner(PRODUCTS)
    usual = sys.getrecursionlimit()
    broken_off = 0
    for spare in range(15, 200, 3):
        sys.setrecursionlimit(len(inspect.stack(0)) + spare)
        try:
            planner.plan(operation)
        except RecursionError:
            broken_off += 1
        finally:
            sys.setrecursionlimit(usual)
    assert broken_off > 5
    assert planner.plan(operation) == expected
