"""The five subgraphs, run compiled and by graphql-core on the same rows: the same answers for every caller."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema, get_named_type, is_leaf_type
from graphql import is_required_argument as is_required
from starlette.applications import Starlette
from structlog.testing import capture_logs

from common.auth import ANONYMOUS, Principal
from common.ids import new_id
from common.subgraph.schema import Schema
from subgraphs.notifications.app import create_app as create_notifications
from subgraphs.notifications.schema import schema as notifications
from subgraphs.notifications.settings import NotificationsSettings
from subgraphs.orders.schema import schema as orders
from subgraphs.payments.schema import schema as payments
from subgraphs.products.schema import schema as products
from subgraphs.users.domain import Role
from subgraphs.users.schema import schema as users
from tests.kit.answers import errors_by_place, with_order
from tests.kit.commerce import eventually, running_commerce
from tests.kit.operation_generator import OperationGenerator
from tests.kit.subgraph import SubgraphClient, as_user, fresh_database_name, running, settings_of
from tests.kit.users import users_app, users_settings

pytestmark = [
    pytest.mark.anyio,
    # a branch that fails cancels its siblings in graphql-core; those that had not begun are never awaited
    pytest.mark.filterwarnings("ignore:.*coroutine:pytest.PytestUnraisableExceptionWarning"),
]

SCHEMAS = {
    "users": users,
    "products": products,
    "orders": orders,
    "payments": payments,
    "notifications": notifications,
}
OPERATIONS = 60
DEPTH = 3
REGISTER = """mutation($input: UserRegisterInput!) { userRegister(input: $input) { user { id } } }"""


@dataclass(frozen=True, slots=True)
class Shop:
    clients: Mapping[str, SubgraphClient]
    #: what the entities of one order and its buyer are known by
    representations: list[dict[str, Any]]
    callers: list[Principal]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def shop(anyio_backend: str, postgres_url: str, nats_url: str) -> AsyncIterator[Shop]:
    """One buyer, two orders, one of them paid."""
    settings = NotificationsSettings(**settings_of(postgres_url, nats_url))
    apps: list[Starlette] = [
        users_app(users_settings(postgres_url, nats_url)),
        create_notifications(settings, database_name=fresh_database_name("notifications")),
    ]
    async with AsyncExitStack() as stack:
        first, second = [await stack.enter_async_context(running(app)) for app in apps]
        commerce = await stack.enter_async_context(running_commerce(postgres_url, nats_url))
        account = {"email": f"{new_id('x')}@punnet.example", "password": "a-long-password", "name": "Carla"}
        buyer_id = (await first.data(REGISTER, {"input": account}))["userRegister"]["user"]["id"]
        buyer = as_user(buyer_id, Role.CUSTOMER)
        product_id = await commerce.add_product(stock=9)
        paid, unpaid = await commerce.placed(buyer, product_id, 2), await commerce.placed(buyer, product_id)
        payment = (await commerce.pay(buyer, paid["id"]))["payment"]
        await eventually(lambda: commerce.status(paid["id"]), "CONFIRMED")
        yield Shop(
            {
                "users": first,
                "products": commerce.products,
                "orders": commerce.orders,
                "payments": commerce.payments,
                "notifications": second,
            },
            [
                {"__typename": typename, "id": public_id}
                for typename, public_id in (
                    ("User", buyer_id),
                    ("Product", product_id),
                    ("Order", paid["id"]),
                    ("Order", unpaid["id"]),
                    ("Order", new_id("ord")),
                    ("Payment", payment["id"]),
                    ("Nothing", "1"),
                )
            ],
            [as_user(new_id("usr"), Role.ADMIN), buyer, ANONYMOUS],
        )


async def both(
    client: SubgraphClient, text: str, variables: Mapping[str, Any], principal: Principal
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The compiled answer, and Strawberry's, which takes every request with extensions."""
    body = {"query": text, "variables": variables}
    with capture_logs():
        compiled, expected = [
            await client.http.post("/graphql", json={**body, **more}, headers=client.headers(principal))
            for more in ({}, {"extensions": {"by": "strawberry"}})
        ]
    return compiled.json(), expected.json()


def assert_same(compiled: dict[str, Any], expected: dict[str, Any], text: str) -> None:
    assert with_order(compiled["data"]) == with_order(expected["data"]), text
    assert errors_by_place(compiled) == errors_by_place(expected), text


def everything(schema: GraphQLSchema, of: str, depth: int) -> str:
    """A selection of all that can be asked of a type, down to that depth. Aliases tell types in a union apart."""
    kind = schema.type_map[of]
    if not isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        return "{ __typename }"
    parts = ["__typename"]
    for name, field in kind.fields.items():
        below = get_named_type(field.type)
        if any(is_required(argument) for argument in field.args.values()):
            continue
        if is_leaf_type(below):
            parts.append(f"{of}_{name}: {name}")
        elif depth > 0:
            parts.append(f"{of}_{name}: {name} {everything(schema, below.name, depth - 1)}")
    return "{ " + " ".join(parts) + " }"


@pytest.mark.parametrize("name", SCHEMAS)
async def test_entities_with_everything_they_have_are_those_of_graphql_core(shop: Shop, name: str) -> None:
    schema = SCHEMAS[name]
    union = schema._schema.type_map["_Entity"]
    selection = " ".join(
        f"... on {kind.name} {everything(schema._schema, kind.name, DEPTH)}"
        for kind in schema._schema.get_possible_types(union)  # type: ignore[arg-type]
    )
    text = f"query($r: [_Any!]!) {{ _entities(representations: $r) {{ {selection} }} }}"
    for principal in shop.callers:
        compiled, expected = await both(shop.clients[name], text, {"r": shop.representations}, principal)
        assert_same(compiled, expected, text)
        if principal is shop.callers[0]:
            assert any(compiled["data"]["_entities"])
    assert schema.operations._prepared(text, None), "not run compiled at all"


@pytest.mark.parametrize("name", SCHEMAS)
async def test_random_queries_get_the_answers_of_graphql_core(shop: Shop, name: str) -> None:
    schema: Schema = SCHEMAS[name]
    generator = OperationGenerator(schema._schema, seed=5, max_selections=25)
    random = Random(5)  # noqa: S311  # repeatable test data
    for index in range(OPERATIONS):
        text = generator.text()
        variables = {guard: random.random() < 0.5 for guard in ("a", "b") if f"${guard}:" in text}
        compiled, expected = await both(shop.clients[name], text, variables, shop.callers[index % 3])
        assert_same(compiled, expected, text)
