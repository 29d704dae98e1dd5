"""A customer tells the bank that a charge was not theirs: what the provider keeps back, and gives back, is booked."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from common.ids import new_id, parse_id
from common.subgraph.database import fetch
from tests.kit.commerce import STAFF, Commerce, customer, database_of, eventually, running_commerce

pytestmark = pytest.mark.anyio

#: the clock of the provider is moved on by as much, no one waits
DELAY_S = 3600.0

DISPUTE = """query($id: ID!) { payment(id: $id) {
    status isDisputed disputeStatus disputedAmount { amount } refundedAmount { amount } refunds { status } } }"""
REFUND = """mutation($input: RefundCreateInput!) { refundCreate(input: $input) {
    refund { status } errors { __typename ... on UserError { message } } } }"""
CANCEL = """mutation($id: ID!) { orderCancel(id: $id, reason: STAFF) { errors { __typename } } }"""


@pytest.fixture(scope="module")
async def shop(anyio_backend: str, postgres_url: str, nats_url: str) -> AsyncIterator[Commerce]:
    given = {"sandbox_dispute_delay_s": DELAY_S}
    async with running_commerce(postgres_url, nats_url, sandbox_settings=given) as commerce:
        yield commerce


async def paid(shop: Commerce, token: str) -> tuple[str, str]:
    """Order and payment, captured."""
    buyer = customer()
    order_id = (await shop.placed(buyer, await shop.add_product(stock=5)))["id"]
    payment_id = (await shop.pay(buyer, order_id, token))["payment"]["id"]
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])
    return order_id, payment_id


async def seen(shop: Commerce, payment_id: str) -> dict[str, Any]:
    payment: dict[str, Any] = (await shop.payments.data(DISPUTE, {"id": payment_id}, STAFF))["payment"]
    return payment


async def becomes(shop: Commerce, payment_id: str, status: str) -> None:
    """Of the dispute, an hour of the provider's time later."""
    await shop.sandbox.advance(DELAY_S + 1)
    await is_seen_as(shop, payment_id, status)


async def is_seen_as(shop: Commerce, payment_id: str, status: str) -> None:
    async def now() -> str:
        return str((await seen(shop, payment_id))["disputeStatus"])

    await eventually(now, status)


async def booked(shop: Commerce, payment_id: str) -> dict[str, int]:
    """Accounts that do not say zero, in parts of what was paid."""
    rows = await database_of(shop.payments).fetch(
        """SELECT l.account, (sum(l.amount_minor) / min(p.amount_minor))::int AS parts FROM ledger_posting l
           JOIN payment p ON p.id = l.payment_id WHERE p.id = $1
           GROUP BY l.account HAVING sum(l.amount_minor) <> 0""",
        [parse_id("pay", payment_id)],
    )
    return {row["account"]: row["parts"] for row in rows}


async def refund(shop: Commerce, payment_id: str) -> dict[str, Any]:
    given = {"paymentId": payment_id, "idempotencyKey": new_id("key")}
    answer: dict[str, Any] = (await shop.payments.data(REFUND, {"input": given}, STAFF))["refundCreate"]
    return answer


async def cancel(shop: Commerce, order_id: str) -> None:
    assert (await shop.orders.data(CANCEL, {"id": order_id}, STAFF))["orderCancel"]["errors"] == []


async def test_what_a_lost_dispute_costs_is_booked_as_a_loss_and_not_given_back_again(shop: Commerce) -> None:
    _, payment_id = await paid(shop, "tok_dispute")
    assert await booked(shop, payment_id) == {"PROVIDER_BALANCE": 1, "SALES": -1}
    await becomes(shop, payment_id, "OPEN")
    assert await booked(shop, payment_id) == {"DISPUTED": 1, "SALES": -1}
    refused = await refund(shop, payment_id)
    assert (refused["refund"], [error["__typename"] for error in refused["errors"]]) == (None, ["InvalidInputError"])
    assert "wait until it has decided" in refused["errors"][0]["message"]
    await becomes(shop, payment_id, "LOST")
    assert await booked(shop, payment_id) == {"CHARGEBACKS": 1, "SALES": -1}
    refused = await refund(shop, payment_id)
    assert "The bank has given the money back" in refused["errors"][0]["message"]
    found = await seen(shop, payment_id)
    assert (found["status"], found["isDisputed"], found["refunds"]) == ("CAPTURED", True, [])


async def test_after_a_dispute_that_was_won_everything_is_as_before(shop: Commerce) -> None:
    _, payment_id = await paid(shop, "tok_dispute_won")
    await becomes(shop, payment_id, "OPEN")
    await becomes(shop, payment_id, "WON")
    assert await booked(shop, payment_id) == {"PROVIDER_BALANCE": 1, "SALES": -1}
    assert (await refund(shop, payment_id))["refund"] == {"status": "SUCCEEDED"}
    assert await booked(shop, payment_id) == {}


async def test_what_was_given_back_before_is_not_in_dispute(shop: Commerce) -> None:
    _, payment_id = await paid(shop, "tok_dispute")
    assert (await refund(shop, payment_id))["errors"] == []
    _, other_id = await paid(shop, "tok_dispute")
    await becomes(shop, other_id, "OPEN")
    assert (await seen(shop, payment_id))["disputeStatus"] is None


@pytest.mark.parametrize(
    ("token", "outcome", "refund_status", "left"),
    [
        ("tok_dispute", "LOST", "FAILED", {"CHARGEBACKS": 1, "SALES": -1}),
        ("tok_dispute_won", "WON", "SUCCEEDED", {}),
    ],
)
async def test_the_money_of_an_order_cancelled_during_a_dispute_goes_back_once(
    shop: Commerce, token: str, outcome: str, refund_status: str, left: dict[str, int]
) -> None:
    order_id, payment_id = await paid(shop, token)
    await becomes(shop, payment_id, "OPEN")
    await cancel(shop, order_id)

    async def refunds() -> list[str]:
        return [each["status"] for each in (await seen(shop, payment_id))["refunds"]]

    await eventually(refunds, ["PENDING"])
    await becomes(shop, payment_id, outcome)
    await eventually(refunds, [refund_status])
    assert await booked(shop, payment_id) == left
    (charge,) = [charge for charge in await shop.sandbox.charges() if charge["metadata"]["payment_id"] == payment_id]
    assert (charge["refunded_minor"] > 0) is (outcome == "WON")


async def test_a_refund_that_a_dispute_has_overtaken_waits_for_the_bank(shop: Commerce) -> None:
    """The dispute is not known here yet when the refund is asked for: its message is on the way."""
    _, payment_id = await paid(shop, "tok_dispute_won")
    await becomes(shop, payment_id, "OPEN")
    # as it was before that message
    await _forget_the_dispute(shop, payment_id)
    assert (await refund(shop, payment_id))["refund"] == {"status": "PENDING"}
    assert (await seen(shop, payment_id))["disputeStatus"] == "OPEN"
    await becomes(shop, payment_id, "WON")

    async def refunds() -> list[str]:
        return [each["status"] for each in (await seen(shop, payment_id))["refunds"]]

    await eventually(refunds, ["SUCCEEDED"])
    assert await booked(shop, payment_id) == {}


async def _forget_the_dispute(shop: Commerce, payment_id: str) -> None:
    known = [parse_id("pay", payment_id)]
    async with database_of(shop.payments).transaction() as connection:
        await fetch(connection, "SET LOCAL session_replication_role = 'replica'")
        await fetch(connection, "UPDATE payment SET dispute_status = NULL, disputed_minor = 0 WHERE id = $1", known)
        await fetch(connection, "DELETE FROM ledger_posting WHERE kind = 'DISPUTE' AND payment_id = $1", known)


async def test_messages_of_a_dispute_come_twice_and_in_any_order(shop: Commerce) -> None:
    payments = [(await paid(shop, token))[1] for token in ("tok_dispute", "tok_dispute_won")]
    await shop.sandbox.faults(webhooks={"copies": 3, "is_shuffled": True})
    for statuses in (("OPEN", "OPEN"), ("LOST", "WON")):
        await shop.sandbox.advance(DELAY_S + 1)
        for payment_id, status in zip(payments, statuses, strict=True):
            await is_seen_as(shop, payment_id, status)
    await shop.sandbox.reset()
    for payment_id, outcome in zip(payments, ("DISPUTE_LOST", "DISPUTE_WON"), strict=True):
        rows = await database_of(shop.payments).fetch(
            "SELECT kind, count(*) AS count FROM ledger_posting WHERE payment_id = $1 AND kind LIKE 'DISP%' GROUP BY 1",
            [parse_id("pay", payment_id)],
        )
        assert {row["kind"]: row["count"] for row in rows} == {"DISPUTE": 2, outcome: 2}
