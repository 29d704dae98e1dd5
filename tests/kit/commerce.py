"""Products, orders and payments in this process, each on a database of its own, joined by a real bus; and the payment
provider outside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg
from pydantic import SecretStr

from common.auth import Principal
from common.ids import new_id
from common.settings import SubgraphSettings
from common.subgraph.database import Database, fetch
from subgraphs.orders.app import create_app as create_orders
from subgraphs.orders.settings import OrdersSettings
from subgraphs.payments.app import create_app as create_payments
from subgraphs.payments.domain.provider import PaymentProvider
from subgraphs.payments.service.listening import PATH as WEBHOOK_PATH
from subgraphs.payments.settings import PaymentsSettings
from subgraphs.products.app import create_app as create_products
from subgraphs.users.domain import Role
from tests.kit.ports import free_port
from tests.kit.sandbox import KEY, WEBHOOK_SECRET, Sandbox, running_sandbox
from tests.kit.subgraph import SubgraphClient, as_user, fresh_database_name, running, settings_of

ValueT = TypeVar("ValueT")

ADDRESS = {"street": "1 Berry Lane", "city": "Portland", "zip": "97201", "country": "US"}
STAFF = as_user("usr_01h455vb4pex5vsknk084sn02q", Role.ADMIN)

CREATE_PRODUCT = """mutation($input: ProductCreateInput!) {
    productCreate(input: $input) { product { id sku } errors { ... on UserError { message path } } } }"""
PLACE = """mutation($input: OrderPlaceInput!) { orderPlace(input: $input) {
    order { id number status version total { amount currency } lines { id quantity } }
    errors { __typename ... on UserError { message path }
        ... on InsufficientStockError { shortages { product { id } requested available } }
        ... on PriceChangedError { was { amount } now { amount } } } } }"""
PAY = """mutation($input: PaymentCreateInput!) { paymentCreate(input: $input) {
    payment { id status amount { amount currency } }
    errors { __typename ... on UserError { message path }
        ... on PaymentDeclinedError { declineCode retryable } } } }"""


def customer() -> Principal:
    """Somebody new, without any scope."""
    return as_user(new_id("usr"), Role.CUSTOMER)


@dataclass(frozen=True, slots=True)
class Commerce:
    products: SubgraphClient
    orders: SubgraphClient
    payments: SubgraphClient
    #: the payment provider, where one was started
    outside: Sandbox | None = None

    @property
    def sandbox(self) -> Sandbox:
        assert self.outside is not None
        return self.outside

    async def add_product(self, *, stock: int, price: str = "10.00", weight_grams: int = 500) -> str:
        """Id of a new product."""
        given = {
            "name": "Punnet of strawberries",
            "price": {"amount": price, "currency": "USD"},
            "inventory": stock,
            "weightGrams": weight_grams,
        }
        created = (await self.products.data(CREATE_PRODUCT, {"input": given}, STAFF))["productCreate"]
        assert created["errors"] == []
        product_id: str = created["product"]["id"]
        return product_id

    async def place(self, buyer: Principal, items: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        """Payload of orderPlace; the idempotency key is new unless given."""
        given = {"items": items, "shippingAddress": ADDRESS, "idempotencyKey": new_id("key"), **more}
        payload: dict[str, Any] = (await self.orders.data(PLACE, {"input": given}, buyer))["orderPlace"]
        return payload

    async def placed(self, buyer: Principal, product_id: str, quantity: int = 1) -> dict[str, Any]:
        """An order that awaits its payment."""
        payload = await self.place(buyer, [{"productId": product_id, "quantity": quantity}])
        assert payload["errors"] == []
        order: dict[str, Any] = payload["order"]
        return order

    async def pay(self, buyer: Principal, order_id: str, token: str = "tok_visa", **more: Any) -> dict[str, Any]:  # noqa: S107
        """Payload of paymentCreate; the idempotency key is new unless given."""
        given = {"orderId": order_id, "paymentMethodToken": token, "idempotencyKey": new_id("key"), **more}
        payload: dict[str, Any] = (await self.payments.data(PAY, {"input": given}, buyer))["paymentCreate"]
        return payload

    async def status(self, order_id: str) -> str:
        answer = await self.orders.data("query($id: ID!) { order(id: $id) { status } }", {"id": order_id}, STAFF)
        status: str = answer["order"]["status"]
        return status

    async def payment_statuses(self, order_id: str) -> list[str]:
        given = [{"__typename": "Order", "id": order_id}]
        (order,) = await self.payments.entities("... on Order { payments { status } }", given, STAFF)
        return [payment["status"] for payment in order["payments"]]

    async def inventory(self, product_id: str) -> tuple[int, int]:
        """Units on hand and reserved."""
        document = "query($id: ID!) { product(id: $id) { inventory { onHand reserved } } }"
        stock = (await self.products.data(document, {"id": product_id}, STAFF))["product"]["inventory"]
        return stock["onHand"], stock["reserved"]


def database_of(client: SubgraphClient) -> Database:
    database: Database = client.app.state.runtime.database
    return database


async def eventually(ask: Callable[[], Awaitable[ValueT]], expected: ValueT, timeout_s: float = 60.0) -> None:
    """Waits until `ask` gives `expected`; fails with what it gave last."""
    deadline = asyncio.get_running_loop().time() + timeout_s
    while (found := await ask()) != expected:
        assert asyncio.get_running_loop().time() < deadline, f"expected {expected!r}, found {found!r}"
        await asyncio.sleep(0.02)


@asynccontextmanager
async def running_commerce(
    postgres_url: str,
    nats_url: str,
    *,
    names: tuple[str, str, str] | None = None,
    wrap_provider: Callable[[PaymentProvider], PaymentProvider] = lambda provider: provider,
    flags: str = "",
    sandbox_settings: Mapping[str, Any] | None = None,
    provider_timeout_s: float = 30.0,
) -> AsyncIterator[Commerce]:
    """The three of them. `names` of databases that exist already start them on what is in there; so long as
    `provider_timeout_s` does payments wait for an answer of the provider."""
    settings = SubgraphSettings(**settings_of(postgres_url, nats_url))
    products, orders, payments = names or (
        fresh_database_name("products"),
        fresh_database_name("orders"),
        fresh_database_name("payments"),
    )
    webhooks = f"127.0.0.1:{free_port()}"
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(
            running_sandbox(
                postgres_url,
                f"http://{webhooks}{WEBHOOK_PATH}",
                database_name=f"{payments}_sandbox",
                **(sandbox_settings or {}),
            )
        )
        payments_settings = PaymentsSettings(
            **settings_of(postgres_url, nats_url),
            payment_provider_url=sandbox.url,
            payment_provider_key=SecretStr(KEY),
            payment_provider_timeout_s=provider_timeout_s,
            payment_webhook_secret=SecretStr(WEBHOOK_SECRET),
            payment_webhook_listen=webhooks,
            flags=flags,
        )
        apps = (
            create_products(settings, database_name=products),
            create_orders(OrdersSettings(**settings_of(postgres_url, nats_url), flags=flags), database_name=orders),
            create_payments(payments_settings, database_name=payments, wrap_provider=wrap_provider),
        )
        first, second, third = [await stack.enter_async_context(running(app)) for app in apps]
        yield Commerce(first, second, third, sandbox)


async def empty(*databases: Database) -> None:
    """Takes every row out of the databases: cheaper than starting subgraphs anew for each test."""
    for database in databases:
        rows = await database.fetch(
            """SELECT string_agg(quote_ident(tablename), ', ') AS tables FROM pg_tables
               WHERE schemaname = 'public' AND tablename <> 'tortoise_migrations'"""
        )
        await truncate(database, rows[0]["tables"])


async def truncate(database: Database, tables: str) -> None:
    """Locks one table after the other, while tasks in the background read them in another order: where it has to
    wait, it lets go of all and begins again, so that nobody is caught in a deadlock."""
    async with asyncio.timeout(60):
        while True:
            with suppress(asyncpg.LockNotAvailableError):
                async with database.transaction() as connection:
                    await fetch(connection, "SET LOCAL lock_timeout = '50ms'")
                    await fetch(connection, f"TRUNCATE {tables}")
                return
