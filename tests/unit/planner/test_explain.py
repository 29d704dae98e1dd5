"""Why a plan is as it is: for every field the ways to it, what they cost, and what decided."""

from __future__ import annotations

from router.planner import Planner
from router.planner.explain import Candidate, Choice, print_explanation
from router.supergraph import Supergraph
from tests.kit.supergraphs import load, normalize, plan

SHOP = load(
    "shop stock price old",
    r"""
type Query @join__type(graph: SHOP) @join__type(graph: STOCK) @join__type(graph: PRICE) @join__type(graph: OLD) {
  product: Product @join__field(graph: SHOP)
}
type Product @join__type(graph: SHOP, key: "id") @join__type(graph: STOCK, key: "sku")
    @join__type(graph: STOCK, key: "id") @join__type(graph: PRICE, key: "id")
    @join__type(graph: OLD, key: "id", resolvable: false) {
  id: ID!
  sku: ID @join__field(graph: STOCK) @join__field(graph: PRICE)
  count: Int @join__field(graph: STOCK)
  weight: Int @join__field(graph: STOCK) @join__field(graph: PRICE)
  price: Int @join__field(graph: PRICE) @join__field(graph: STOCK, external: true)
  taxed: Int @join__field(graph: STOCK, requires: "price")
  legacy: Int @join__field(graph: OLD)
}
""",
)


def explain(supergraph: Supergraph, query: str) -> str:
    return print_explanation(Planner(supergraph).explain(normalize(supergraph, query)))


def test_each_field_names_its_candidates_their_costs_and_what_decided() -> None:
    assert (
        explain(SHOP, "{ product { id count weight } }")
        == """\
product (Query.product): shop, 2 requests in 2 round trips: the only way
product.id (Product.id, shop): shop, no request: it is at hand
product.count (Product.count, shop)
  * stock by { id }, 1 request in 1 round trip: the only way
  - stock by { sku }, 2 requests in 2 round trips: its key costs more
product.weight (Product.weight, shop)
  * stock by { id }, 1 request in 1 round trip: its requests are made anyway
  - price by { id }, 1 request in 1 round trip: 1 request more together with what else is selected here
  - stock by { sku }, 2 requests in 2 round trips: its key costs more
The plan: 2 requests in 2 round trips."""
    )


def test_requirements_are_explained_with_the_field_they_are_for() -> None:
    assert (
        explain(SHOP, "{ product { taxed } }")
        == """\
product (Query.product): shop, 3 requests in 3 round trips: the only way
product.taxed (Product.taxed, shop): stock by { id } requiring { price }, 2 requests in 2 round trips: the only way
product.id (Product.id, shop, for { id price } of stock): shop, no request: it is at hand
product.price (Product.price, shop, for { id price } of stock)
  * price by { id }, 1 request in 1 round trip: the only way
  x stock: external there
The plan: 3 requests in 3 round trips."""
    )


def test_equal_costs_are_decided_by_what_is_looked_up_then_by_order() -> None:
    explanation = Planner(SHOP).explain(normalize(SHOP, "{ product { weight } }"))
    assert explanation.choices[1] == Choice(
        "product.weight", "Product.weight", "shop", "selected",
        (
            Candidate("stock by { id }", "costs least", True, True, 1, 1),
            Candidate("price by { id }", "costs the same and comes later", False, True, 1, 1),
            Candidate("stock by { sku }", "its key costs more", False, True, 2, 2),
        ),
    )  # fmt: skip


def test_a_field_taken_in_parts_says_so() -> None:
    supergraph = load(
        "a b",
        """
type Query @join__type(graph: A) @join__type(graph: B) { config: Config }
type Config @join__type(graph: A) @join__type(graph: B) {
  theme: String @join__field(graph: A)
  limit: Int @join__field(graph: B)
}
""",
    )
    assert (
        explain(supergraph, "{ config { theme limit } }")
        == """\
config (Query.config): in parts from a and b, 2 requests in 1 round trip: the only way
config (Query.config)
  * a, 1 request in 1 round trip: the only way
  x b: what is selected below cannot be had from there
config.theme (Config.theme, a): a, no request: it is at hand
config (Query.config)
  * b, 1 request in 1 round trip: the only way
  x a: what is selected below cannot be had from there
config.limit (Config.limit, b): b, no request: it is at hand
The plan: 2 requests in 1 round trip."""
    )


def test_fields_of_an_interface_are_explained_once_for_all_types() -> None:
    supergraph = load(
        "a b",
        """
type Query @join__type(graph: A) @join__type(graph: B) { all: [Media!] @join__field(graph: A) }
interface Media @join__type(graph: A) { id: ID! title: String }
type Book implements Media @join__implements(graph: A, interface: "Media") @join__type(graph: A, key: "id")
  @join__type(graph: B, key: "id") { id: ID! title: String @join__field(graph: B) }
type Film implements Media @join__implements(graph: A, interface: "Media") @join__type(graph: A) {
  id: ID! title: String }
""",
    )
    assert (
        explain(supergraph, "{ all { id title } }")
        == """\
all (Query.all): a, 2 requests in 2 round trips: the only way
all.@.id (Media.id, a): a, no request: all its types have it here
all.@|[Book].title (Book.title, a): b by { id }, 1 request in 1 round trip: the only way
all.@|[Film].title (Film.title, a): a, no request: it is at hand
The plan: 2 requests in 2 round trips."""
    )


def test_without_a_plan_the_fields_that_nobody_can_give_are_named() -> None:
    assert (
        explain(SHOP, "{ product { legacy } }")
        == """\
No plan. What nobody can give:
product.legacy (Product.legacy, shop)
  x old: it cannot look Product up: no resolvable key
product (Query.product)
  x shop: what is selected below cannot be had from there"""
    )


def test_keys_and_requirements_that_cannot_be_had_are_named() -> None:
    supergraph = load(
        "a b",
        """
type Query @join__type(graph: A) @join__type(graph: B) { one: One @join__field(graph: A) two: Two
  @join__field(graph: A) }
type One @join__type(graph: A) @join__type(graph: B, key: "code") {
  own: Int @join__field(graph: A) code: ID @join__field(graph: B) far: Int @join__field(graph: B) }
type Two @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") {
  id: ID! lost: Int @join__field(graph: B, external: true) made: Int @join__field(graph: B, requires: "lost") }
""",
    )
    assert "  x b: no key of it can be had from here: { code }" in explain(supergraph, "{ one { far } }")
    assert "  x b: what it requires, { lost }, cannot be had from here" in explain(supergraph, "{ two { made } }")


def test_explaining_leaves_plans_as_they_are() -> None:
    query = "{ product { count weight taxed } }"
    planner = Planner(SHOP)
    explained = planner.explain(normalize(SHOP, query)).plan
    assert explained == planner.plan(normalize(SHOP, query)) == plan(SHOP, query)
