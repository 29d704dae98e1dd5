# ruff: noqa: E501 - a schema that fits one line reads better on one line
"""Whatever comes in as SDL, a composition comes out."""

from __future__ import annotations

import random

import pytest

from router.compose import SubgraphDefinition, compose
from tests.kit.compositions import federation_link
from tests.load.compose_fuzz import mutate_mildly, mutate_tokens

_SDL = (
    federation_link()
    + """
type Query { product(id: ID!): Product @shareable search(text: String = "x", limit: Limit = FEW): [Result!]! }
type Product implements Node @key(fields: "id") @key(fields: "sku brand { name }") {
  id: ID! sku: String @tag(name: "a") brand: Brand @provides(fields: "country") price(currency: Currency): Int @cost(weight: 2)
  weight: Int @external shipping: Int @requires(fields: "weight")
}
type Brand @key(fields: "name") { name: String country: String @external }
interface Node { id: ID! }
union Result = Product | Brand
enum Limit { FEW MANY @inaccessible }
input Currency { code: String! = "EUR" digits: Int }
"""
)
_OTHER = (
    federation_link()
    + 'type Product @key(fields: "id") { id: ID! weight: Int } type Brand @key(fields: "name") { name: String country: String }'
)


@pytest.mark.parametrize("seed", range(8))
def test_mutated_schemas_are_composed_or_refused(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible on purpose
    for _ in range(60):
        sdl = (mutate_mildly, mutate_tokens)[seed % 2](_SDL, rng)
        result = compose([SubgraphDefinition("a", "", sdl), SubgraphDefinition("b", "", _OTHER)])
        assert result.ok == (result.supergraph_sdl is not None) == (not result.errors)


@pytest.mark.parametrize(
    "sdl",
    [
        "",
        "\x00",
        "# only a comment",
        "type Query { a: " + "[" * 5000 + "Int" + "]" * 5000 + " }",
        "type Query { a(x: [Int] = " + "[" * 5000 + "]" * 5000 + "): Int }",
        'type Query { a: T } type T @key(fields: "' + "{ a " * 2000 + '") { a: T }',
        "input A { a: A! } type Query { a(a: A): Int }",
        "interface A implements B { x: Int } interface B implements A { x: Int } type Query { a: A }",
        "union U = U type Query { u: U }",
        "type Query { __typename: Int }",
        "type Int { x: Int } type Query { a: Int }",
        'extend schema @link(url: 3, import: "x") type Query { a: Int }',
    ],
)
def test_odd_schemas_are_refused(sdl: str) -> None:
    assert not compose([SubgraphDefinition("a", "", sdl)]).ok
    assert not compose([SubgraphDefinition("a", "", federation_link() + sdl)]).ok
