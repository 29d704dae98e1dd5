"""`@context` and `@fromContext`: values of ancestors as arguments, compared in several universes with what one schema
would answer."""

import pytest

from tests.kit.oracle.world import Case, World

pytestmark = pytest.mark.anyio

_UNIVERSE_COUNT = 8
SUBGRAPHS = {
    "shops": """
        type Query { places: [Place!]! owners: [Owner] shops: [Shop!]! }
        interface Place { id: ID! items: [Item!]! }
        union Owner = Shop | Stall
        type Shop implements Place @key(fields: "id") @context(name: "place") {
          id: ID! region: String! currency: Currency! items: [Item!]! stall: Stall
        }
        type Stall implements Place @key(fields: "id") @context(name: "place") {
          id: ID! zone: String! currency: Currency! items: [Item!]!
        }
        type Currency { code: String! }
        type Item @key(fields: "id") {
          id: ID!
          price(code: String @fromContext(field: "$place { currency { code } }")): Float
          label(
            where: String @fromContext(field: "$place ... on Shop { region } ... on Stall { zone }"), size: Int
          ): String
          near: [Item!]
        }
    """,
    "stock": """
        type Item @key(fields: "id") { id: ID! count: Int! }
    """,
}


@pytest.fixture(scope="module")
def world() -> World:
    return World(SUBGRAPHS)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("{ shops { items { price label(size: 2) } } }", id="two values of one ancestor"),
        pytest.param("{ places { items { label price } } }", id="an interface of types that set it"),
        pytest.param("{ places { items { near { near { label } price } } } }", id="ancestors far above"),
        pytest.param(
            "{ owners { ... on Stall { items { label } } ... on Shop { stall { items { price } } items { price } } } }",
            id="types of a union, and the nearest of two ancestors",
        ),
        pytest.param(
            "{ places { __typename id ... on Shop { items { label } } ... on Stall { id items { price } } } }",
            id="fields of one implementation only",
        ),
        pytest.param(
            "query ($a: Boolean!) { places { items { a: label(size: 1) b: label(size: 2) @include(if: $a) count } } }",
            id="aliases, arguments of the client and conditions",
        ),
    ],
)
@pytest.mark.parametrize("is_on", [True, False])
async def test_arguments_have_the_values_of_the_nearest_ancestor_that_sets_the_context(
    world: World, query: str, is_on: bool
) -> None:
    variables = {"a": is_on} if "$a" in query else {}
    for seed in range(_UNIVERSE_COUNT):
        difference = await world.difference(Case(SUBGRAPHS, query, variables, seed=seed))
        assert difference is None, difference
