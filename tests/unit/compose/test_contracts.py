# ruff: noqa: E501 - a schema that fits one line reads better on one line
"""Contracts show a part of the API, chosen by tags."""

from __future__ import annotations

from router.compose import Contract, SubgraphDefinition, compose
from tests.kit.compositions import definition, federation_link

_SDL = """
type Query { products: [Product] @tag(name: "public") audit(range: Range!): [Entry] @tag(name: "internal") status: Status }
type Product @key(fields: "id") { id: ID! @tag(name: "public") price: Int @tag(name: "public") cost: Int @tag(name: "internal")
  maker: Maker @tag(name: "public") }
type Maker @tag(name: "public") { name: String secret: String @tag(name: "internal") }
type Entry @tag(name: "internal") { text: String }
input Range @tag(name: "internal") { from: Int }
enum Status { UP DOWN @tag(name: "internal") }
"""


def _api(contract: Contract) -> tuple[str, str]:
    composition = compose([SubgraphDefinition("a", "", federation_link() + _SDL)], contract=contract)
    assert composition.errors == ()
    return composition.api_sdl or "", composition.supergraph_sdl or ""


def test_excluded_tags_take_away_what_depends_on_them() -> None:
    api, supergraph = _api(Contract(exclude=frozenset({"internal"})))
    assert {name: definition(api, name) for name in ("Query", "Product", "Maker", "Status")} == {
        "Query": "type Query { products: [Product] status: Status }",
        "Product": "type Product { id: ID! price: Int maker: Maker }",
        "Maker": "type Maker { name: String }",
        "Status": "enum Status { UP }",
    }
    assert "Entry" not in api
    assert '@link(url: "https://specs.apollo.dev/inaccessible/v0.2", for: SECURITY)' in supergraph


def test_included_tags_admit_fields_by_their_own_or_their_types_tag() -> None:
    api, _ = _api(Contract(frozenset({"public"}), frozenset({"internal"}), hide_unreachable_types=True))
    assert api == (
        "type Maker {\n  name: String\n}\n\n"
        "type Product {\n  id: ID!\n  price: Int\n  maker: Maker\n}\n\n"
        "type Query {\n  products: [Product]\n}\n"
    )


def test_a_contract_that_leaves_nothing_is_refused() -> None:
    composition = compose(
        [SubgraphDefinition("a", "", federation_link() + _SDL)], contract=Contract(include=frozenset({"absent"}))
    )
    assert [error.code.name for error in composition.errors] == ["QUERY_ROOT_TYPE_INACCESSIBLE"]
