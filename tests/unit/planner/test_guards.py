"""A fetch is made only where something holds that asks for it: guards of the objects above it count as its own do."""

from __future__ import annotations

from collections.abc import Iterator

from router.plan.nodes import BatchFetch, Condition, Fetch, PlanNode
from router.plan.walk import children
from router.supergraph import Supergraph
from tests.kit.supergraphs import load, plan, plan_lines

KEY_CHAIN = load(
    "a b c",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { user: User @join__field(graph: A) }
type User @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: B, key: "email")
    @join__type(graph: C, key: "email") {
  id: ID! @join__field(graph: A) @join__field(graph: B)
  email: String @join__field(graph: B) @join__field(graph: C)
  city: String @join__field(graph: C)
}
""",
)

REQUIREMENTS = load(
    "a b c",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { item: Item @join__field(graph: A) }
type Item @join__type(graph: A, key: "id") @join__type(graph: B, key: "id") @join__type(graph: C, key: "id") {
  id: ID!
  weight: Int @join__field(graph: A, external: true) @join__field(graph: B)
  size: Int @join__field(graph: A, requires: "weight") @join__field(graph: C, external: true)
  price: Int @join__field(graph: C, requires: "size")
}
""",
)

SHELVES = load(
    "a b",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) { shelf: Shelf @join__field(graph: A) }
type Shelf @join__type(graph: A) { items: [Item] }
interface Item @join__type(graph: A) { id: ID! }
type Book implements Item @join__implements(graph: A, interface: "Item") @join__type(graph: A, key: "id")
    @join__type(graph: B, key: "id") { id: ID! pages: Int @join__field(graph: B) }
type Film implements Item @join__implements(graph: A, interface: "Item") @join__type(graph: A, key: "id")
    @join__type(graph: B, key: "id") { id: ID! minutes: Int @join__field(graph: B) }
""",
)

REVIEWED = load(
    "a b c",
    r"""
type Query @join__type(graph: A) @join__type(graph: B) @join__type(graph: C) { reviewed: Media @join__field(graph: B) }
interface Media @join__type(graph: A, key: "id") @join__type(graph: B, key: "id", isInterfaceObject: true) {
  id: ID!
  score: Int @join__field(graph: B)
}
type Book implements Media @join__implements(graph: A, interface: "Media") @join__type(graph: A, key: "id")
    @join__type(graph: C, key: "id") {
  id: ID! score: Int @join__field pages: Int @join__field(graph: A) stock: Int @join__field(graph: C)
}
type Film implements Media @join__implements(graph: A, interface: "Media") @join__type(graph: A, key: "id") {
  id: ID! score: Int @join__field minutes: Int @join__field(graph: A)
}
""",
)


def conditions(supergraph: Supergraph, query: str) -> list[str]:
    """Of each fetch its subgraph, and the variables that must be true."""
    node = plan(supergraph, query).node
    return [] if node is None else list(_conditions(node, ()))


def _conditions(node: PlanNode, variables: tuple[str, ...]) -> Iterator[str]:
    match node:
        case Fetch() | BatchFetch():
            yield " ".join((node.service, *variables))
        case Condition():
            variables = (*variables, node.variable)
    for child in children(node):
        yield from _conditions(child, variables)


def test_all_fetches_of_a_key_chain_have_the_guard_of_the_object() -> None:
    query = "query ($x: Boolean!) { user @include(if: $x) { city } user { __typename id } }"
    assert conditions(KEY_CHAIN, query) == ["a", "b x", "c x"]
    anyway = "query ($x: Boolean!) { user @include(if: $x) { city } user { city } }"
    assert conditions(KEY_CHAIN, anyway) == ["a", "b", "c"]


def test_what_a_guarded_field_requires_is_fetched_under_its_guard_only() -> None:
    query = "query ($x: Boolean!) { item { id price @include(if: $x) } }"
    assert conditions(REQUIREMENTS, query) == ["a", "b x", "a x", "c x"]


def test_guards_of_objects_in_one_another_add_up() -> None:
    query = """query ($x: Boolean!, $y: Boolean!) {
      shelf @include(if: $x) { items @include(if: $y) { ... on Book { pages } } }
      shelf { items { __typename id } }
    }"""
    assert conditions(SHELVES, query) == ["a", "b x y"]


def test_types_of_an_interface_share_a_fetch_and_keep_their_guards() -> None:
    query = """query ($x: Boolean!) {
      shelf @include(if: $x) { items { ... on Book { pages } } }
      shelf { items { __typename id ... on Film { minutes } } }
    }"""
    assert plan_lines(SHELVES, query)[1:] == [
        "1 b after 0 at shelf.items.@ (Book(id) Film(id)): {... on Book{pages @include(if:$x)} ... on Film{minutes}}"
    ]


def test_objects_whose_type_is_asked_for_elsewhere_keep_their_guards_on_the_way() -> None:
    query = """query ($x: Boolean!) {
      reviewed @include(if: $x) { ... on Book { pages stock } }
      reviewed { score ... on Film { minutes } }
    }"""
    selected = "... on Media{__typename ... on Book{pages @include(if:$x) id @include(if:$x)} ... on Film{minutes}}"
    assert plan_lines(REVIEWED, query)[1:] == [
        f"1 a after 0 at reviewed (Media(id)): {{{selected}}}",
        "2 c after 1 at reviewed (Book(id)): {... on Book{stock}}",
    ]
    assert conditions(REVIEWED, query) == ["b", "a", "c x"]
