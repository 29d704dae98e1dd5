"""Random operations on a supergraph that has every federation feature: each plan is proved sound.

The supergraph is unkind on purpose: chains of keys, requirements of requirements, provided and external fields,
interface objects, a value type spread over subgraphs, members of a union and types of an interface that not every
subgraph knows, field types that differ in nullability.
"""

from __future__ import annotations

import pytest
from graphql import parse, validate

from router.operation.normalize import normalize_operation
from router.plan.text import print_plan
from router.planner import Planner
from tests.kit.operation_generator import OperationGenerator
from tests.kit.plan_checker import check_plan
from tests.kit.supergraphs import load

SUPERGRAPH = load(
    "a b c d",
    """
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) @join__type(graph: D) {
  user(id: ID): User @join__field(graph: A)
  users(first: Int): [User!]! @join__field(graph: A) @join__field(graph: B)
  product: Product @join__field(graph: B, provides: "maker { name }")
  products: [[Product]] @join__field(graph: C)
  found: [Found] @join__field(graph: A) @join__field(graph: C)
  media: Media @join__field(graph: D)
  medias: [Media!] @join__field(graph: A)
  config: Config
}
type Mutation @join__type(graph: A) @join__type(graph: C) {
  rename(name: String!): User @join__field(graph: A)
  restock(count: Int): Product @join__field(graph: C)
}
type Config @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) @join__type(graph: D) {
  theme: String @join__field(graph: A) @join__field(graph: D)
  limits: Limits @join__field(graph: B) @join__field(graph: C)
}
type Limits @join__type(graph: B) @join__type(graph: C) {
  low: Int @join__field(graph: B)
  high: Int @join__field(graph: C)
}
type User
  @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: B, key: "email")
  @join__type(graph: C, key: "email") @join__type(graph: D, key: "id", resolvable: false) {
  id: ID! @join__field(graph: A) @join__field(graph: B) @join__field(graph: D)
  email: String @join__field(graph: B) @join__field(graph: C)
  name: String @join__field(graph: A) @join__field(graph: B, external: true)
  city: String @join__field(graph: C)
  greeting(loud: Boolean): String @join__field(graph: B, requires: "name")
  friends: [User!] @join__field(graph: A)
  address: Address @join__field(graph: C) @join__field(graph: B, external: true)
  zone: Int @join__field(graph: B, requires: "address { zip(long: true) }")
  label: String @join__field(graph: C, requires: "zoneName")
  zoneName: String @join__field(graph: C, external: true) @join__field(graph: B, requires: "address { city }")
}
type Address @join__type(graph: B) @join__type(graph: C) {
  zip(long: Boolean): String @join__field(graph: C) @join__field(graph: B, external: true)
  city: String @join__field(graph: C) @join__field(graph: B, external: true)
}
union Found
  @join__type(graph: A) @join__type(graph: C)
  @join__unionMember(graph: A, member: "User") @join__unionMember(graph: A, member: "Book")
  @join__unionMember(graph: C, member: "User") @join__unionMember(graph: C, member: "Product")
  = User | Book | Product
type Product @join__type(graph: B, key: "sku maker { id }") @join__type(graph: C, key: "sku maker { id }")
  @join__type(graph: C, key: "upc") @join__type(graph: D, key: "upc") {
  sku: ID! @join__field(graph: B) @join__field(graph: C)
  upc: ID! @join__field(graph: C) @join__field(graph: D)
  maker: Maker @join__field(graph: B) @join__field(graph: C)
  price(currency: String): Float @join__field(graph: D) @join__field(graph: C, external: true)
  taxed: Float @join__field(graph: C, requires: "price(currency: \\"EUR\\")")
  taxedInDollars: Float @join__field(graph: C, requires: "price(currency: \\"USD\\")")
  similar: [Product] @join__field(graph: D)
}
type Maker @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  name: String @join__field(graph: A) @join__field(graph: B, external: true)
}
interface Media
  @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true)
  @join__type(graph: D, key: "id", isInterfaceObject: true) {
  id: ID!
  title: String @join__field(graph: A)
  score(of: Int): Int @join__field(graph: B)
  views: Int @join__field(graph: D)
  ratio: Float @join__field(graph: D, requires: "score(of: 1)")
  owner: User @join__field(graph: B)
}
type Book implements Media
  @join__implements(graph: A, interface: "Media") @join__type(graph: A, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  title: String @join__field(graph: A, type: "String!")
  score(of: Int): Int @join__field
  views: Int @join__field
  ratio: Float @join__field
  owner: User @join__field
  pages: Int @join__field(graph: C)
}
type Film implements Media
  @join__implements(graph: A, interface: "Media") @join__type(graph: A, key: "id") {
  id: ID!
  title: String
  score(of: Int): Int @join__field
  views: Int @join__field
  ratio: Float @join__field
  owner: User @join__field
  sequel: Film
}
""",
)


@pytest.mark.parametrize("kind", ["query", "mutation"])
@pytest.mark.parametrize("seed", range(4))
def test_every_plan_is_sound(seed: int, kind: str) -> None:
    planner = Planner(SUPERGRAPH)
    generator = OperationGenerator(SUPERGRAPH.api_schema, seed)
    checked = 0
    for _ in range(60):
        text = generator.text(kind)
        document = parse(text)
        if validate(SUPERGRAPH.api_schema, document):
            continue
        operation = normalize_operation(document, SUPERGRAPH.api_schema)
        plan = planner.plan(operation)
        assert check_plan(SUPERGRAPH, operation, plan) == [], text
        assert print_plan(Planner(SUPERGRAPH).plan(operation)) == print_plan(plan), "plans depend on earlier plans"
        checked += 1
    assert checked > 20
