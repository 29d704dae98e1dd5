"""Compiled execution answers as graphql-core does: the same data, the same errors in the same places."""

from __future__ import annotations

import asyncio
import datetime as dt
import enum
from decimal import Decimal
from random import Random
from typing import Annotated, Any

import pytest
import strawberry
from strawberry.permission import BasePermission
from structlog.testing import capture_logs

from common.errors import ForbiddenError
from common.subgraph.schema import Schema, create_schema
from tests.kit.answers import errors_by_place, with_order
from tests.kit.operation_generator import OperationGenerator

pytestmark = pytest.mark.anyio

OPERATIONS = 150


@strawberry.enum
class Colour(enum.Enum):
    RED = "r"
    BLUE = "b"


@strawberry.input
class Wish:
    colour: Colour = Colour.RED
    count: int | None = 1


class OnlyOnWeekdays(BasePermission):
    message = "closed"

    def has_permission(self, source: Any, info: strawberry.Info, **kwargs: Any) -> bool:
        return bool(source.id != "closed")


@strawberry.interface
class Plant:
    id: strawberry.ID
    name: str | None

    @strawberry.field
    def label(self) -> str:
        return f"{self.id} {self.name}"


@strawberry.type
class Leaf(Plant):
    size: float
    is_green: bool
    tags: list[str | None]


@strawberry.type
class Bush(Plant):
    #: out of range for every other one
    berries: int
    colour: Colour
    price: Decimal
    planted_at: dt.datetime
    grid: list[list[int]]
    leaf: Leaf
    #: None where null is not allowed
    lost: Leaf

    @strawberry.field
    async def leaves(self, info: strawberry.Info, first: int = 2) -> list[Leaf | None]:
        await asyncio.sleep(0)
        return [leaf(index) if index != 1 else None for index in range(first)]

    @strawberry.field
    def wished(self, wish: Wish, colours: list[Colour] | None = None) -> str:
        return f"{wish.colour} {wish.count} {colours}"

    @strawberry.field
    def neighbour(self, root: strawberry.Parent[Any], info: strawberry.Info) -> Plant | None:
        return bush(7, info.context.depth) if root.id == "b1" else leaf(3)

    @strawberry.field
    async def later(self) -> str:
        await asyncio.sleep(0)
        return "later"

    @strawberry.field
    def broken(self) -> int:
        raise KeyError("secret")

    @strawberry.field
    async def broken_late(self) -> int | None:
        await asyncio.sleep(0)
        raise ForbiddenError("usr_1 may not")

    @strawberry.field
    async def broken_list(self) -> list[Leaf]:
        return [leaf(0), None]  # type: ignore[list-item]  # what a mistake looks like

    @strawberry.field
    def path(self, info: strawberry.Info) -> str:
        return f"{info.path.as_list()} {info.field_name} {sorted(info.variable_values)}"

    @strawberry.field(permission_classes=[OnlyOnWeekdays])  # type: ignore[untyped-decorator]
    def opened(self, times: int = 1) -> int | None:
        return times


Anything = Annotated[Leaf | Bush, strawberry.union("Anything")]


class Context:
    depth = 0


def leaf(number: int) -> Leaf:
    return Leaf(id=strawberry.ID(f"l{number}"), name=None, size=number / 2, is_green=number > 1, tags=["x", None])


def bush(number: int, _depth: int = 0) -> Bush:
    return Bush(
        id=strawberry.ID("closed" if number == 2 else f"b{number}"),
        name=f"bush {number}",
        berries=number if number % 2 else 2**40,
        colour=Colour.BLUE,
        price=Decimal("1.50"),
        planted_at=dt.datetime(2026, 1, 31, 9, 5, tzinfo=dt.UTC),
        grid=[[number], []],
        leaf=leaf(number),
        lost=leaf(number) if number else None,  # type: ignore[arg-type]  # what a mistake looks like
    )


@strawberry.type
class Query:
    @strawberry.field
    def bush(self, number: int = 1) -> Bush | None:
        return bush(number) if number else None

    @strawberry.field
    async def bushes(self, count: int = 3) -> list[Bush]:
        await asyncio.sleep(0)
        return [bush(number) for number in range(count)]

    @strawberry.field
    def perhaps(self) -> list[Bush | None] | None:
        return [bush(0), None, bush(1)]

    @strawberry.field
    async def anything(self) -> list[Anything]:
        return [bush(1), leaf(1), bush(0)]

    @strawberry.field
    def plants(self) -> list[Plant]:
        return [leaf(2), bush(3)]

    @strawberry.field
    def unknown(self) -> Anything | None:
        return "neither"  # type: ignore[return-value]  # what a mistake looks like


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def plant(self, info: strawberry.Info, wish: Wish | None = None) -> Bush:
        await asyncio.sleep(0)
        info.context.depth += 1
        return bush(info.context.depth)

    @strawberry.mutation
    def prune(self, info: strawberry.Info) -> int:
        info.context.depth += 10
        return int(info.context.depth)

    @strawberry.mutation
    def fell(self) -> Bush | None:
        raise ForbiddenError("no")


@pytest.fixture(scope="module")
def garden() -> Schema:
    return create_schema("garden", query=Query, mutation=Mutation)


async def both(schema: Schema, text: str, variables: dict[str, Any] | None = None) -> tuple[Any, Any]:
    """What the compiled way answers, and what graphql-core does; each on a context of its own."""
    with capture_logs():
        compiled = await schema.answer(text, variables or {}, None, Context())
        result = await schema.execute(text, variables, context_value=Context())
    expected: dict[str, Any] = {"data": result.data}
    if result.errors:
        expected["errors"] = [error.formatted for error in result.errors]
    return compiled, expected


# a branch that fails cancels its siblings, in graphql-core too; those that had not begun are never awaited
@pytest.mark.filterwarnings("ignore:.*coroutine:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("kind", ["query", "mutation"])
async def test_random_operations_get_the_answers_of_graphql_core(garden: Schema, kind: str) -> None:
    generator = OperationGenerator(garden._schema, seed=13, max_selections=30)
    random = Random(13)  # noqa: S311  # repeatable test data
    valid = failed = 0
    for _ in range(OPERATIONS):
        text = generator.text(kind)
        variables = {name: random.random() < 0.5 for name in ("a", "b") if f"${name}:" in text}
        with capture_logs():
            is_left = await garden.answer(text, variables, None, Context()) is None
        if is_left:
            # two aliases for different fields, for example
            continue
        valid += 1
        compiled, expected = await both(garden, text, variables)
        assert with_order(compiled["data"]) == with_order(expected["data"]), text
        assert errors_by_place(compiled) == errors_by_place(expected), text
        failed += "errors" in expected
    assert valid > OPERATIONS / 2
    assert failed > valid / 10


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{ bushes { leaves(first: 3) { id size tags } later neighbour { __typename id } } }", {}),
        ("query($n: Int!) { bushes(count: $n) { wished(wish: {count: $n}, colours: [RED]) path opened } }", {"n": 3}),
        ("query($w: Wish!) { bush { wished(wish: $w) } }", {"w": {"colour": "BLUE"}}),
        ("{ bushes { lost { id } } perhaps { lost { id } leaves { id } } }", {}),
        ("{ perhaps { broken leaves { id } later } bush { brokenLate brokenList { id } } }", {}),
        ("{ unknown { __typename } anything { ... on Bush { berries } ... on Leaf { id } } }", {}),
        ("mutation { a: plant { id } prune b: plant(wish: {count: 2}) { id broken } fell { id } }", {}),
        ("mutation { a: plant { id } fell { id } prune b: plant { id } }", {}),
    ],
)
async def test_values_nulls_and_errors_are_those_of_graphql_core(
    garden: Schema, text: str, variables: dict[str, Any]
) -> None:
    compiled, expected = await both(garden, text, variables)
    assert compiled == expected


async def test_conditions_are_taken_from_the_variables_of_each_request(garden: Schema) -> None:
    text = "query($yes: Boolean!, $n: Int = 1) { bush(number: $n) { id @include(if: $yes) name @skip(if: $yes) } }"
    answers = [await garden.answer(text, {"yes": yes, "n": 3}, None, Context()) for yes in (True, False, True)]
    assert answers == [{"data": {"bush": kept}} for kept in ({"id": "b3"}, {"name": "bush 3"}, {"id": "b3"})]


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("{ __schema { queryType { name } } }", {}),
        ("{ nothing }", {}),
        ("{ bush {", {}),
        ("subscription { x }", {}),
        ("query($n: Int!) { bush(number: $n) { id } }", {"n": "three"}),
        ("query($n: Int!) { bush(number: $n) { id } }", {}),
        ("{ a: bush { id } } query Named { bush { id } }", {}),
        ("query @unknown { bush { id } }", {}),
    ],
)
async def test_what_is_unusual_or_faulty_is_left_to_strawberry(
    garden: Schema, text: str, variables: dict[str, Any]
) -> None:
    assert await garden.answer(text, variables, None, Context()) is None
    assert await garden.answer(text, variables, None, Context()) is None


async def test_an_operation_is_chosen_by_its_name(garden: Schema) -> None:
    text = "query One { bush { id } } query Two { bush(number: 3) { id } }"
    assert await garden.answer(text, {}, "Two", Context()) == {"data": {"bush": {"id": "b3"}}}
    assert await garden.answer(text, {}, "Three", Context()) is None


async def test_secrets_among_the_variables_are_not_kept_with_what_was_compiled(garden: Schema) -> None:
    text = "query($secret: Wish!, $yes: Boolean!) { bush { wished(wish: $secret) id @include(if: $yes) } }"
    await garden.answer(text, {"secret": {"count": 4321}, "yes": True}, None, Context())
    prepared = garden.operations._prepared(text, None)
    assert prepared
    assert "4321" not in repr(prepared)
    assert prepared.variants.get((True,)) is not None
