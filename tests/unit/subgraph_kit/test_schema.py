"""The federation schema of the kit: batched entities, isolated failures, masked errors, shared scalars and SDL."""

import copy
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
import strawberry

from common.errors import ForbiddenError, RateLimitedError
from common.subgraph.scalars import parse_decimal
from common.subgraph.schema import Schema, create_schema, export_sdl

pytestmark = pytest.mark.anyio

ENTITIES = "query($r: [_Any!]!) { _entities(representations: $r) { ... on Pear { id weight } ... on Plum { id } } }"


def fruit_schema(batches: list[list[str]]) -> Schema:
    @strawberry.federation.type(keys=["id"])
    class Pear:
        id: strawberry.ID
        weight: Decimal

        @classmethod
        async def resolve_references(
            cls, info: strawberry.Info, representations: Sequence[dict[str, Any]]
        ) -> list["Pear | None"]:
            batches.append([representation["id"] for representation in representations])
            return [cls(id=r["id"], weight=Decimal("1.50")) if r["id"] != "gone" else None for r in representations]

    @strawberry.federation.type(keys=["id"])
    class Plum:
        id: strawberry.ID

        @classmethod
        async def resolve_references(
            cls, info: strawberry.Info, representations: Sequence[dict[str, Any]]
        ) -> list["Plum"]:
            raise ConnectionError("password=hunter2")

    @strawberry.type
    class Query:
        @strawberry.field
        def pear(self) -> Pear | None:
            return None

        @strawberry.field
        def forbidden(self) -> int | None:
            raise ForbiddenError("usr_1 lacks the scope fruit:eat")

        @strawberry.field
        def throttled(self) -> int | None:
            raise RateLimitedError("too fast", retry_after_s=1.5)

        @strawberry.field
        def broken(self) -> int | None:
            raise KeyError("secret detail")

        @strawberry.field
        def echo(self, at: dt.datetime, amount: Decimal) -> str:
            return f"{at.isoformat()} {amount}"

    return create_schema("fruit", query=Query, types=[Pear, Plum])


async def test_entities_of_one_type_are_one_call_and_keep_their_places() -> None:
    batches: list[list[str]] = []
    representations = [{"__typename": "Pear", "id": name} for name in ("b", "gone", "a")]
    before = copy.deepcopy(representations)

    result = await fruit_schema(batches).execute(ENTITIES, variable_values={"r": representations})

    assert result.errors is None
    assert result.data == {"_entities": [{"id": "b", "weight": "1.50"}, None, {"id": "a", "weight": "1.50"}]}
    assert batches == [["b", "gone", "a"]]
    assert representations == before


async def test_a_failing_type_or_an_unknown_one_leaves_the_others_alone() -> None:
    representations = [{"__typename": "Plum", "id": "p"}, {"__typename": "Pear", "id": "a"}, {"__typename": "Kiwi"}, {}]

    result = await fruit_schema([]).execute(ENTITIES, variable_values={"r": representations})

    assert result.data == {"_entities": [None, {"id": "a", "weight": "1.50"}, None, None]}
    assert [(error.path, (error.extensions or {})["code"]) for error in result.errors or []] == [
        (["_entities", 0], "SERVICE_UNAVAILABLE"),
        (["_entities", 2], "BAD_USER_INPUT"),
        (["_entities", 3], "BAD_USER_INPUT"),
    ]
    assert "hunter2" not in str(result.errors)


async def test_errors_carry_codes_and_never_our_inside() -> None:
    result = await fruit_schema([]).execute("{ forbidden throttled broken }")

    assert result.data == {"forbidden": None, "throttled": None, "broken": None}
    assert [(error.message, error.extensions) for error in result.errors or []] == [
        ("Not allowed", {"code": "FORBIDDEN", "retryable": False}),
        ("Too many requests", {"code": "RATE_LIMITED", "retryable": True, "retryAfterMs": 1500}),
        ("Internal server error", {"code": "INTERNAL_ERROR", "retryable": False}),
    ]


@pytest.mark.parametrize(
    ("document", "code"), [("{", "GRAPHQL_PARSE_FAILED"), ("{ kiwi }", "GRAPHQL_VALIDATION_FAILED")]
)
async def test_a_wrong_document_is_named_as_such(document: str, code: str) -> None:
    result = await fruit_schema([]).execute(document)

    assert [error.extensions for error in result.errors or []] == [{"code": code}]


async def test_scalars_are_utc_times_and_exact_decimals() -> None:
    schema = fruit_schema([])

    good = await schema.execute('{ echo(at: "2026-01-31T10:05:00.1205+01:00", amount: "10.50") }')
    naive = await schema.execute('{ echo(at: "2026-01-31T10:05:00", amount: "1") }')
    float_ = await schema.execute('{ echo(at: "2026-01-31T10:05:00Z", amount: 1.5) }')
    exponent = await schema.execute('{ echo(at: "2026-01-31T10:05:00Z", amount: "1e9") }')

    assert good.data == {"echo": "2026-01-31T09:05:00.120500+00:00 10.50"}
    assert [bool(result.errors) for result in (naive, float_, exponent)] == [True, True, True]


def test_the_sdl_links_federation_and_specifies_its_scalars() -> None:
    sdl = export_sdl(fruit_schema([]))

    assert 'schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key"])' in sdl
    assert 'scalar Decimal @specifiedBy(url: "https://example.invalid/scalars/decimal")' in sdl
    assert 'scalar DateTime @specifiedBy(url: "https://scalars.graphql.org/andimarek/date-time")' in sdl


@pytest.mark.parametrize("text", ["٣", " 1", "1 ", "1_000", "1e3", "NaN", "Infinity", "0x10", "", ".", "1.", "--1"])
def test_a_decimal_is_written_in_plain_digits(text: str) -> None:
    with pytest.raises(ValueError, match="Decimal must be a finite number"):
        parse_decimal(text)
    assert parse_decimal("-12.50") == Decimal("-12.50")
