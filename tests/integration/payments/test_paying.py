"""Money is taken once, for what was ordered, and given back no more often than it was taken."""

import asyncio
from typing import Any

import orjson
import pytest
from tortoise.exceptions import IntegrityError

from common.ids import format_id, new_id
from subgraphs.users.domain import Role
from tests.kit.commerce import STAFF, Commerce, customer, database_of, eventually
from tests.kit.flaky_provider import FlakyProvider
from tests.kit.subgraph import as_user

pytestmark = pytest.mark.anyio

REFUND = """mutation($input: RefundCreateInput!) { refundCreate(input: $input) {
    refund { id status amount { amount } } payment { status refundedAmount { amount } }
    errors { __typename ... on UserError { message path } } } }"""


def codes(payload: dict[str, Any]) -> list[str]:
    return [error["__typename"] for error in payload["errors"]]


async def charges(shop: Commerce) -> list[tuple[str, int, int]]:
    """Status, captured and refunded amount in the provider's own ledger of every charge for the payments here."""
    rows = await database_of(shop.payments).fetch("SELECT id FROM payment")
    ours = {format_id("pay", row["id"]) for row in rows}
    return sorted(
        (charge["status"], charge["captured_minor"], charge["refunded_minor"])
        for charge in await shop.sandbox.charges()
        if charge["metadata"]["payment_id"] in ours
    )


async def check_ledger(shop: Commerce) -> None:
    """Debits equal credits, and the accounts say what the payments say."""
    database = database_of(shop.payments)
    unbalanced = "SELECT currency FROM ledger_posting GROUP BY currency HAVING sum(amount_minor) <> 0"
    assert await database.fetch(unbalanced) == []
    (said,) = await database.fetch(
        """SELECT (SELECT coalesce(sum(captured_minor - refunded_minor), 0)::bigint FROM payment) AS taken,
               (SELECT coalesce(sum(amount_minor), 0)::bigint FROM ledger_posting
                WHERE account IN ('PROVIDER_BALANCE', 'CASH')) AS booked"""
    )
    assert said["taken"] == said["booked"] == sum(taken - given for _, taken, given in await charges(shop))


async def captured(shop: Commerce, price: str = "10.00") -> tuple[str, str]:
    """Ids of a confirmed order and its captured payment."""
    buyer = customer()
    order = await shop.placed(buyer, await shop.add_product(stock=5, price=price))
    payment = (await shop.pay(buyer, order["id"]))["payment"]
    await eventually(lambda: shop.payment_statuses(order["id"]), ["CAPTURED"])
    return order["id"], payment["id"]


async def refund(shop: Commerce, payment_id: str, amount: str | None, key: str | None = None) -> dict[str, Any]:
    given: dict[str, Any] = {"paymentId": payment_id, "idempotencyKey": key or new_id("key")}
    if amount is not None:
        given["amount"] = {"amount": amount, "currency": "USD"}
    payload: dict[str, Any] = (await shop.payments.data(REFUND, {"input": given}, STAFF))["refundCreate"]
    return payload


@pytest.mark.parametrize(
    ("token", "decline_code", "is_retryable"),
    [
        ("tok_declined", "generic_decline", False),
        ("tok_insufficient_funds", "insufficient_funds", True),
        ("tok_stolen", "stolen_card", False),
        ("tok_expired", "expired_card", False),
    ],
)
async def test_a_declined_card_leaves_the_order_waiting_for_another_one(
    shop: Commerce, token: str, decline_code: str, is_retryable: bool
) -> None:
    buyer, key = customer(), new_id("key")
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    declined = [await shop.pay(buyer, order["id"], token, idempotencyKey=key) for _ in range(2)]
    for payload in declined:
        assert payload["payment"] is None
        assert codes(payload) == ["PaymentDeclinedError"]
        assert (payload["errors"][0]["declineCode"], payload["errors"][0]["retryable"]) == (decline_code, is_retryable)
    assert await shop.status(order["id"]) == "AWAITING_PAYMENT"
    assert await shop.payment_statuses(order["id"]) == ["REQUIRES_METHOD"]
    assert codes(await shop.pay(buyer, order["id"])) == []
    await eventually(lambda: shop.payment_statuses(order["id"]), ["CAPTURED"])
    assert await charges(shop) == [("requires_payment_method", 0, 0), ("succeeded", 1726, 0)]
    await check_ledger(shop)


async def test_paying_twenty_times_at_once_under_one_key_charges_once(
    shop: Commerce, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("common.subgraph.phased.IN_FLIGHT_WAIT_S", 60.0)  # nobody is told to come later
    buyer, key = customer(), new_id("key")
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    payloads = await asyncio.gather(*(shop.pay(buyer, order["id"], idempotencyKey=key) for _ in range(20)))
    assert {payload["payment"]["id"] for payload in payloads} == {payloads[0]["payment"]["id"]}
    await eventually(lambda: charges(shop), [("succeeded", 1726, 0)])


async def test_of_many_payments_under_different_keys_one_is_taken(shop: Commerce) -> None:
    buyer = customer()
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    payloads = await asyncio.gather(*(shop.pay(buyer, order["id"]) for _ in range(8)))
    assert sorted(codes(payload) for payload in payloads) == [[], *([["OrderNotPayableError"]] * 7)]
    await eventually(lambda: charges(shop), [("succeeded", 1726, 0)])


async def test_a_key_reused_for_another_card_is_a_conflict(shop: Commerce) -> None:
    buyer, key = customer(), new_id("key")
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    await shop.pay(buyer, order["id"], idempotencyKey=key)
    assert codes(await shop.pay(buyer, order["id"], "tok_mastercard", idempotencyKey=key)) == [
        "IdempotencyConflictError"
    ]


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"token": "tok_unheard_of"}, "InvalidInputError"),
        ({"amount": {"amount": "1.00", "currency": "USD"}}, "InvalidInputError"),
        ({"order_id": "ord_01h455vb4pex5vsknk084sn02q"}, "NotFoundError"),
        ({"order_id": "nonsense"}, "NotFoundError"),
    ],
)
async def test_a_wrong_payment_is_refused_and_leaves_no_trace(
    shop: Commerce, wrong: dict[str, Any], error: str
) -> None:
    buyer = customer()
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    payload = await shop.pay(buyer, **{"order_id": order["id"], **wrong})
    assert payload["payment"] is None
    assert codes(payload) == [error]
    assert await shop.payment_statuses(order["id"]) == []
    assert await charges(shop) == []


async def test_orders_of_others_can_be_neither_paid_nor_seen_in_payments(shop: Commerce) -> None:
    buyer, stranger = customer(), customer()
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    assert codes(await shop.pay(stranger, order["id"])) == ["NotFoundError"]
    payment = (await shop.pay(buyer, order["id"]))["payment"]
    given = [{"__typename": "Payment", "id": payment["id"]}]
    total = {"amount": "17.26", "currency": "USD"}
    totals = {"__typename": "Order", "id": order["id"], "total": total, "amountPayable": total}
    selection = "... on Order { payments { id } paymentStatus balanceDue { amount } }"
    document = "query($id: ID!) { payment(id: $id) { id } }"
    nothing = {"payments": None, "paymentStatus": None, "balanceDue": None}
    for caller, expected in [(buyer, {"id": payment["id"]}), (STAFF, {"id": payment["id"]}), (stranger, None)]:
        assert await shop.payments.entities("... on Payment { id }", given, caller) == [expected]
        assert (await shop.payments.data(document, {"id": payment["id"]}, caller))["payment"] == expected
        (seen,) = await shop.payments.entities(selection, [totals], caller)
        assert (seen == nothing) is (expected is None)


async def test_support_pays_on_behalf_of_a_customer(shop: Commerce) -> None:
    order = await shop.placed(customer(), await shop.add_product(stock=5))
    assert codes(await shop.pay(as_user(new_id("usr"), Role.SUPPORT), order["id"])) == []
    await eventually(lambda: shop.status(order["id"]), "CONFIRMED")


async def test_an_answer_lost_on_its_way_is_found_out_and_charged_once(shop: Commerce, provider: FlakyProvider) -> None:
    buyer, key = customer(), new_id("key")
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    provider.lose.update(authorize=1, find=1, capture=2)
    paid = [await shop.pay(buyer, order["id"], idempotencyKey=key) for _ in range(2)]
    assert [payload["payment"]["status"] for payload in paid] == ["PROCESSING", "PROCESSING"]
    # the worker takes the open attempt up when it is due; here it is due at once
    await database_of(shop.payments).fetch("UPDATE provider_task SET next_at = now()")
    await eventually(lambda: shop.status(order["id"]), "CONFIRMED")
    await eventually(lambda: charges(shop), [("succeeded", 1726, 0)])
    await eventually(lambda: shop.payment_statuses(order["id"]), ["CAPTURED"])
    await check_ledger(shop)


async def test_a_refund_race_never_gives_back_more_than_was_taken(shop: Commerce) -> None:
    order_id, payment_id = await captured(shop)
    payloads = await asyncio.gather(*(refund(shop, payment_id, "2.00") for _ in range(20)))
    assert sum(payload["refund"] is not None for payload in payloads) == 8
    assert await shop.payment_statuses(order_id) == ["PARTIALLY_REFUNDED"]
    rest = await refund(shop, payment_id, None)
    assert rest["refund"]["amount"] == {"amount": "1.26"}
    assert rest["payment"] == {"status": "REFUNDED", "refundedAmount": {"amount": "17.26"}}
    assert await charges(shop) == [("succeeded", 1726, 1726)]
    assert codes(await refund(shop, payment_id, None)) == ["InvalidInputError"]
    await check_ledger(shop)


async def test_a_refund_repeated_under_its_key_is_one_refund(shop: Commerce, provider: FlakyProvider) -> None:
    order_id, payment_id = await captured(shop)
    provider.lose["refund"] = 1
    first, second = [await refund(shop, payment_id, "3.00", "k") for _ in range(2)]
    assert first["refund"]["status"] == "PENDING"
    assert second["refund"]["id"] == first["refund"]["id"]
    assert codes(await refund(shop, payment_id, "4.00", "k")) == ["IdempotencyConflictError"]
    await database_of(shop.payments).fetch("UPDATE provider_task SET next_at = now()")
    await eventually(lambda: shop.payment_statuses(order_id), ["PARTIALLY_REFUNDED"])
    assert await charges(shop) == [("succeeded", 1726, 300)]
    await check_ledger(shop)


async def test_refunds_are_for_staff(shop: Commerce) -> None:
    _, payment_id = await captured(shop)
    given = {"paymentId": payment_id, "idempotencyKey": new_id("key")}
    answer = await shop.payments.execute(REFUND, {"input": given}, customer())
    assert [error["extensions"]["code"] for error in answer["errors"]] == ["FORBIDDEN"]


async def test_an_authorisation_of_an_order_cancelled_meanwhile_is_voided(
    shop: Commerce, provider: FlakyProvider
) -> None:
    buyer = customer()
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    provider.lose["authorize"] = 1
    await shop.pay(buyer, order["id"])
    cancel = "mutation($id: ID!) { orderCancel(id: $id, reason: CUSTOMER) { errors { __typename } } }"
    assert (await shop.orders.data(cancel, {"id": order["id"]}, buyer))["orderCancel"]["errors"] == []
    await database_of(shop.payments).fetch("UPDATE provider_task SET next_at = now()")
    await eventually(lambda: shop.payment_statuses(order["id"]), ["VOIDED"])
    assert await charges(shop) == [("canceled", 0, 0)]
    await check_ledger(shop)


async def test_the_order_behind_a_payment_and_what_is_due_are_known_without_asking_orders(shop: Commerce) -> None:
    buyer = customer()
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    payment = (await shop.pay(buyer, order["id"]))["payment"]
    await eventually(lambda: shop.payment_statuses(order["id"]), ["CAPTURED"])
    document = """query($id: ID!) { payment(id: $id) {
        order { id number } method { label ... on CardMethod { brand last4 } } } }"""
    assert (await shop.payments.data(document, {"id": payment["id"]}, buyer))["payment"] == {
        "order": {"id": order["id"], "number": order["number"]},
        "method": {"label": "visa •••• 4242", "brand": "visa", "last4": "4242"},
    }
    total = {"amount": "20.00", "currency": "USD"}
    given = [{"__typename": "Order", "id": order["id"], "total": total, "amountPayable": total}]
    selection = "... on Order { paymentStatus balanceDue { amount } }"
    assert await shop.payments.entities(selection, given, buyer) == [
        {"paymentStatus": "PARTIALLY_PAID", "balanceDue": {"amount": "2.74"}}
    ]


async def test_a_watcher_sees_the_payment_through_all_its_states(shop: Commerce) -> None:
    buyer = customer()
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    await shop.pay(buyer, order["id"], "tok_declined")
    document = "subscription($id: ID!) { paymentStatusChanged(orderId: $id) { status } }"
    async with shop.payments.subscribe(document, {"id": order["id"]}, buyer) as payloads:
        seen = [(await anext(payloads))["data"]["paymentStatusChanged"]["status"]]
        await shop.pay(buyer, order["id"])
        while seen[-1] != "CAPTURED":
            seen.append((await anext(payloads))["data"]["paymentStatusChanged"]["status"])
    # none twice, none going back; one that was left before it could be told is not told
    assert seen == [state for state in ("REQUIRES_METHOD", "PROCESSING", "AUTHORIZED", "CAPTURED") if state in seen]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("UPDATE ledger_posting SET amount_minor = 1", "append-only"),
        ("DELETE FROM ledger_posting", "append-only"),
        ("UPDATE payment SET refunded_minor = captured_minor + 1", "payment_refunded_was_captured"),
        ("UPDATE payment SET status = 'REQUIRES_METHOD'", "cannot go from CAPTURED"),
        (
            """INSERT INTO ledger_posting
               (id, entry_id, payment_id, kind, account, amount_minor, currency, provider_ref, created_at)
               SELECT gen_random_uuid(), gen_random_uuid(), id, 'CAPTURE', 'SALES', 5, currency, 'x', now()
               FROM payment""",
            "must sum to zero",
        ),
    ],
)
async def test_the_database_itself_keeps_the_books(shop: Commerce, statement: str, reason: str) -> None:
    await captured(shop)
    with pytest.raises(IntegrityError, match=reason):
        await database_of(shop.payments).fetch(statement)


async def test_a_repetition_continues_the_attempt_of_a_request_that_died(shop: Commerce) -> None:
    buyer, database = customer(), database_of(shop.payments)
    order = await shop.placed(buyer, await shop.add_product(stock=5))
    assert codes(await shop.pay(buyer, order["id"], idempotencyKey="k")) == []
    await eventually(lambda: shop.payment_statuses(order["id"]), ["CAPTURED"])
    # as if the process had died after the provider was asked: the answer under the key is still to be written
    (attempt,) = await database.fetch("SELECT id, payment_id FROM payment_attempt")
    point = {"payment_id": str(attempt["payment_id"]), "attempt_id": str(attempt["id"])}
    died = orjson.dumps({"recovery_point": point, "locked_until": 0}).decode()
    await database.fetch("UPDATE idempotency SET answer = $1", [died])
    again = await shop.pay(buyer, order["id"], idempotencyKey="k")
    assert (codes(again), again["payment"]["status"]) == ([], "CAPTURED")
    assert await charges(shop) == [("succeeded", 1726, 0)]
    await check_ledger(shop)
