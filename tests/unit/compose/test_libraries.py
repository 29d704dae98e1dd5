"""SDL as libraries print it."""

from __future__ import annotations

import strawberry
from strawberry.federation import Schema

from tests.kit.compositions import compose_sdl, definition


@strawberry.federation.type(keys=["id"], shareable=True)
class Product:
    id: strawberry.ID
    name: str = strawberry.federation.field(tags=["public"])

    @classmethod
    def resolve_reference(cls, id: strawberry.ID) -> Product:  # noqa: A002 - the name of the key
        return cls(id=id, name="")


@strawberry.type
class Query:
    @strawberry.field
    def product(self) -> Product:
        return Product(id=strawberry.ID("1"), name="")


def test_a_strawberry_schema_composes() -> None:
    sdl = Schema(query=Query, federation_version="2.9").as_str()
    assert "_entities" in sdl
    composition = compose_sdl(products=sdl, reviews='type Product @key(fields: "id") { id: ID! stars: Int }')
    assert definition(composition.api_sdl, "Product") == "type Product { id: ID! name: String! stars: Int }"
    assert definition(composition.api_sdl, "Query") == "type Query { product: Product! }"
