"""Where orders go is personal: sealed at rest, gone with its owner. And who may order for whom."""

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest

from common.auth import ANONYMOUS, Principal
from common.clock import SystemClock
from common.events import Bus, CommandError, Event, new_event
from common.ids import new_id, parse_id
from subgraphs.orders.service.addresses_in_clear import AddressesInClear
from tests.kit.commerce import ADDRESS, PLACE, STAFF, Commerce, customer, database_of, eventually, running_commerce

pytestmark = pytest.mark.anyio

ADDRESS_OF = "query($id: ID!) { order(id: $id) { shippingAddress { street city zip country } total { amount } } }"
KNOWN = {name: ADDRESS[name] for name in ("street", "city", "zip", "country")}


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    """Stands in for users, and tells what it tells."""
    connected = await Bus.connect(nats_url, name="users of the tests")
    yield connected
    await connected.close()


async def place(shop: Commerce, caller: Any, product_id: str, **more: Any) -> dict[str, Any]:
    items = [{"productId": product_id, "quantity": 1}]
    given = {"items": items, "idempotencyKey": new_id("key"), **more}
    return await shop.orders.execute(PLACE, {"input": given}, caller)


async def shown(shop: Commerce, order_id: str) -> Any:
    return (await shop.orders.data(ADDRESS_OF, {"id": order_id}, STAFF))["order"]


def erasure_of(buyer: Principal) -> Event:
    assert buyer.subject is not None
    return new_event(
        "users.user.erased",
        aggregate_id=buyer.subject,
        aggregate_version=9,
        payload={"user_id": buyer.subject},
        source="users",
        clock=SystemClock(),
    )


async def everything_stored(shop: Commerce) -> str:
    rows = await database_of(shop.orders).fetch(
        """SELECT o::text || (SELECT coalesce(string_agg(b::text, ''), '') FROM outbox b)
                || (SELECT coalesce(string_agg(s::text, ''), '') FROM saga s)
                || (SELECT coalesce(string_agg(i::text, ''), '') FROM idempotency i) AS text FROM orders o"""
    )
    return "".join(row["text"] for row in rows)


async def test_an_address_is_read_by_its_owner_and_lies_nowhere_in_clear(shop: Commerce) -> None:
    buyer = customer()
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    assert (await shown(shop, order["id"]))["shippingAddress"] == KNOWN
    assert ADDRESS["street"] not in await everything_stored(shop)
    stored = await database_of(shop.orders).fetch("SELECT address_sealed FROM orders")
    assert ADDRESS["street"].encode() not in stored[0]["address_sealed"]


async def test_who_is_erased_leaves_totals_and_no_address_and_no_cart(shop: Commerce, bus: Bus) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    order = await shop.placed(buyer, product_id)
    await shop.orders.data(
        f'mutation {{ cartSetLine(productId: "{product_id}", quantity: 1) {{ errors {{ __typename }} }} }}', {}, buyer
    )
    before = await shown(shop, order["id"])
    await bus.publish(erasure_of(buyer))

    async def after() -> Any:
        return await shown(shop, order["id"])

    await eventually(after, {**before, "shippingAddress": None})
    assert await database_of(shop.orders).fetch("SELECT id FROM cart") == []


async def test_an_order_placed_for_a_customer_who_was_erased_meanwhile_shows_no_address(
    shop: Commerce, bus: Bus
) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    first = await shop.placed(buyer, product_id)
    await bus.publish(erasure_of(buyer))

    async def address() -> Any:
        return (await shown(shop, first["id"]))["shippingAddress"]

    await eventually(address, None)
    # users does not say so: it is away
    late = await place(shop, STAFF, product_id, customerId=buyer.subject, shippingAddress=ADDRESS)
    order = late["data"]["orderPlace"]["order"]
    assert (await shown(shop, order["id"]))["shippingAddress"] is None


async def test_addresses_from_before_are_sealed_by_the_next_start(shop: Commerce) -> None:
    order = await shop.placed(customer(), await shop.add_product(stock=5))
    database = database_of(shop.orders)
    update = "UPDATE orders SET address_sealed = NULL, shipping_address = $1, version = version + 1"
    await database.fetch(update, [orjson.dumps(ADDRESS).decode()])
    await AddressesInClear(shop.orders.app.state.runtime.service().destinations).run()
    assert (await shown(shop, order["id"]))["shippingAddress"] == KNOWN
    assert ADDRESS["street"] not in await everything_stored(shop)


async def test_without_an_address_the_customers_default_one_counts_or_none(shop: Commerce, bus: Bus) -> None:
    somewhere, nowhere = customer(), customer()

    async def default_address(payload: dict[str, Any]) -> dict[str, Any]:
        return {"address": ADDRESS if payload["user_id"] == somewhere.subject else None}

    product_id = await shop.add_product(stock=5)
    away = await place(shop, somewhere, product_id)
    assert away["errors"][0]["extensions"]["code"] == "SERVICE_UNAVAILABLE"
    await bus.serve("commands.users.default_address", default_address)
    found = {}
    for name, buyer in (("somewhere", somewhere), ("nowhere", nowhere)):
        order = (await place(shop, buyer, product_id))["data"]["orderPlace"]["order"]
        found[name] = (await shown(shop, order["id"]))["shippingAddress"]
    assert found == {"somewhere": KNOWN, "nowhere": None}


async def test_staff_cannot_order_for_somebody_whom_users_does_not_know(shop: Commerce, bus: Bus) -> None:
    async def nobody(_: dict[str, Any]) -> dict[str, Any]:
        raise CommandError("NOT_FOUND", "There is no such user.")

    await bus.serve("commands.users.default_address", nobody)
    product_id = await shop.add_product(stock=1)
    answer = await place(shop, STAFF, product_id, customerId=customer().subject, shippingAddress=ADDRESS)
    (refusal,) = answer["data"]["orderPlace"]["errors"]
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInputError", ["customerId"])
    assert await shop.inventory(product_id) == (1, 0)


async def test_for_others_order_those_who_may_and_for_a_guest_whoever_knows_its_id(shop: Commerce, bus: Bus) -> None:
    guest, member = customer(), customer()

    async def is_guest(payload: dict[str, Any]) -> dict[str, Any]:
        return {"is_guest": payload["user_id"] == guest.subject}

    await bus.serve("commands.users.guest", is_guest)
    product_id = await shop.add_product(stock=9)
    tries = {
        "anonymous for a guest": (ANONYMOUS, guest.subject, "ok"),
        "anonymous for a member": (ANONYMOUS, member.subject, "UNAUTHENTICATED"),
        "anonymous for nobody": (ANONYMOUS, None, "UNAUTHENTICATED"),
        "anonymous for no user": (ANONYMOUS, "prod_1", "UNAUTHENTICATED"),
        "a member for himself": (member, member.subject, "ok"),
        "a member for another": (member, guest.subject, "FORBIDDEN"),
        "staff for a member": (STAFF, member.subject, "ok"),
    }
    outcomes = {}
    for name, (caller, customer_id, _) in tries.items():
        answer = await place(shop, caller, product_id, customerId=customer_id, shippingAddress=ADDRESS)
        outcomes[name] = answer["errors"][0]["extensions"]["code"] if "errors" in answer else "ok"
    assert outcomes == {name: expected for name, (_, _, expected) in tries.items()}
    assert guest.subject is not None
    owned = await database_of(shop.orders).fetch(
        "SELECT count(*) AS n FROM orders WHERE customer_id = $1", [parse_id("usr", guest.subject)]
    )
    assert owned == [{"n": 1}]


async def test_where_guests_may_not_order_nobody_orders_without_a_token(
    postgres_url: str, nats_url: str, bus: Bus
) -> None:
    async def is_guest(_: dict[str, Any]) -> dict[str, Any]:
        return {"is_guest": True}

    await bus.serve("commands.users.guest", is_guest)
    async with running_commerce(postgres_url, nats_url, flags='{"guest-orders": false}') as shop:
        answer = await place(shop, ANONYMOUS, await shop.add_product(stock=1), customerId=customer().subject)
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
