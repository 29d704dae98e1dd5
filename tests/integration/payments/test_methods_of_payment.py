"""Every way to pay ends where it should: cards that ask back, wallets, banks, cash, and what customers keep."""

import asyncio
from typing import Any

import asyncpg
import pytest

from common.auth import Principal
from common.clock import SystemClock
from common.events import new_event
from common.ids import new_id
from common.settings import database_url_for
from subgraphs.users.domain import Role
from tests.kit.commerce import STAFF, Commerce, customer, database_of, eventually
from tests.kit.subgraph import as_user

pytestmark = pytest.mark.anyio

PAYMENT = """query($id: ID!) { payment(id: $id) { id status declineCode isDisputed
    capturedAmount { amount } nextAction { type redirectUrl expiresAt }
    method { __typename id kind isDefault label } } }"""
CONFIRM = """mutation($id: ID!) { paymentConfirmAction(id: $id) {
    payment { status } errors { __typename ... on PaymentDeclinedError { declineCode retryable } } } }"""
CAPTURE = """mutation($id: ID!, $key: String!, $amount: MoneyInput) {
    paymentCapture(id: $id, idempotencyKey: $key, amount: $amount) {
        payment { status capturedAmount { amount } } errors { __typename ... on UserError { message path } } } }"""
VOID = """mutation($id: ID!, $key: String!) { paymentVoid(id: $id, idempotencyKey: $key) {
    payment { status } errors { __typename } } }"""
SAVE = """mutation($input: PaymentMethodSaveInput!) { paymentMethodSave(input: $input) {
    paymentMethod { id kind isDefault label } errors { __typename } } }"""
DEFAULT = """mutation($id: ID!) { paymentMethodSetDefault(id: $id) {
    paymentMethod { id isDefault } errors { __typename } } }"""
DELETE = "mutation($id: ID!) { paymentMethodDelete(id: $id) { deletedId errors { __typename } } }"
METHODS = "... on User { paymentMethods { id kind isDefault label } }"


async def seen(shop: Commerce, payment_id: str, caller: Principal) -> dict[str, Any]:
    payment: dict[str, Any] = (await shop.payments.data(PAYMENT, {"id": payment_id}, caller))["payment"]
    return payment


async def ordered(shop: Commerce, buyer: Principal, price: str = "10.00") -> str:
    order_id: str = (await shop.placed(buyer, await shop.add_product(stock=5, price=price)))["id"]
    return order_id


async def answer(shop: Commerce, action: dict[str, Any], said: str) -> None:
    """What the customer does on the page of the bank."""
    url, _, secret = action["redirectUrl"].partition("?secret=")
    async with shop.sandbox.http.post(url, json={"answer": said, "secret": secret}) as response:
        assert response.status == 200


async def kept(shop: Commerce, buyer: Principal) -> list[dict[str, Any]]:
    (user,) = await shop.payments.entities(METHODS, [{"__typename": "User", "id": buyer.subject}], buyer)
    methods: list[dict[str, Any]] = user["paymentMethods"]
    return methods


async def told(shop: Commerce, event_type: str, aggregate_id: str, payload: dict[str, Any]) -> None:
    """An event of another subgraph, on the bus."""
    event = new_event(
        event_type,
        aggregate_id=aggregate_id,
        aggregate_version=90,
        payload=payload,
        source="tests",
        clock=SystemClock(),
    )
    await shop.orders.app.state.runtime._bus.publish(event)


@pytest.mark.parametrize("token", ["tok_3ds", "tok_wallet_redirect"])
async def test_a_customer_who_is_asked_approves_and_has_paid(shop: Commerce, token: str) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, token))["payment"]
    assert payment["status"] == "REQUIRES_ACTION"
    assert (await seen(shop, payment["id"], STAFF))["nextAction"] is None
    action = (await seen(shop, payment["id"], buyer))["nextAction"]
    assert action["type"] == "REDIRECT"
    waiting = (await shop.payments.data(CONFIRM, {"id": payment["id"]}, buyer))["paymentConfirmAction"]
    assert waiting == {"payment": {"status": "REQUIRES_ACTION"}, "errors": []}
    await answer(shop, action, "approve")
    await shop.payments.data(CONFIRM, {"id": payment["id"]}, buyer)
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])
    await eventually(lambda: shop.status(order_id), "CONFIRMED")
    assert (await seen(shop, payment["id"], buyer))["nextAction"] is None


async def test_a_webhook_tells_of_an_approval_nobody_asked_about(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, "tok_3ds"))["payment"]
    await answer(shop, (await seen(shop, payment["id"], buyer))["nextAction"], "approve")
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])


async def test_a_customer_who_denies_may_pay_with_another_card(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, "tok_3ds"))["payment"]
    await answer(shop, (await seen(shop, payment["id"], buyer))["nextAction"], "deny")
    await eventually(lambda: shop.payment_statuses(order_id), ["REQUIRES_METHOD"])
    assert (await seen(shop, payment["id"], buyer))["declineCode"] == "authentication_failed"
    assert (await shop.pay(buyer, order_id))["payment"]["id"] == payment["id"]
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])


async def test_an_order_cancelled_while_its_customer_is_asked_takes_no_money(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, "tok_3ds"))["payment"]
    cancel = "mutation($id: ID!) { orderCancel(id: $id, reason: CUSTOMER) { errors { __typename } } }"
    assert (await shop.orders.data(cancel, {"id": order_id}, buyer))["orderCancel"]["errors"] == []
    await eventually(lambda: shop.payment_statuses(order_id), ["VOIDED"])
    charge = next(c for c in await shop.sandbox.charges() if c["metadata"]["payment_id"] == payment["id"])
    assert charge["status"] == "canceled"


async def test_a_bank_transfer_arrives_later_and_confirms_the_order(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, "tok_bank_transfer"))["payment"]
    assert payment["status"] == "PROCESSING"
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])
    await eventually(lambda: shop.status(order_id), "CONFIRMED")
    assert (await seen(shop, payment["id"], buyer))["method"]["__typename"] == "BankTransferMethod"


async def test_a_bank_transfer_that_fails_leaves_the_order_waiting(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, "tok_bank_transfer_fails"))["payment"]
    await eventually(lambda: shop.payment_statuses(order_id), ["REQUIRES_METHOD"])
    assert (await seen(shop, payment["id"], buyer))["declineCode"] == "bank_refused"
    assert await shop.status(order_id) == "AWAITING_PAYMENT"


async def test_a_wallet_pays_at_once(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, "tok_wallet_ok"))["payment"]
    assert payment["status"] == "AUTHORIZED"
    assert (await seen(shop, payment["id"], buyer))["method"]["kind"] == "WALLET"
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])


async def test_cash_is_taken_when_the_courier_has_it_and_never_at_the_provider(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, "tok_cash_on_delivery"))["payment"]
    await eventually(lambda: shop.status(order_id), "CONFIRMED")
    await asyncio.sleep(0.3)
    assert await shop.payment_statuses(order_id) == ["AUTHORIZED"]
    captured = await shop.payments.data(CAPTURE, {"id": payment["id"], "key": new_id("key")}, STAFF)
    assert captured["paymentCapture"] == {
        "payment": {"status": "CAPTURED", "capturedAmount": {"amount": "17.26"}},
        "errors": [],
    }
    assert [c for c in await shop.sandbox.charges() if c["metadata"]["payment_id"] == payment["id"]] == []
    booked = await database_of(shop.payments).fetch(
        "SELECT sum(amount_minor) FROM ledger_posting WHERE account = 'CASH'"
    )
    assert booked[0]["sum"] == 1726


async def test_cash_is_booked_once_the_order_is_delivered_and_never_for_one_that_is_cancelled(shop: Commerce) -> None:
    buyer = customer()
    delivered, cancelled = [await ordered(shop, buyer) for _ in range(2)]
    for order_id in (delivered, cancelled):
        await shop.pay(buyer, order_id, "tok_cash_on_delivery")
        await eventually(lambda order_id=order_id: shop.status(order_id), "CONFIRMED")  # type: ignore[misc]
    await told(shop, "orders.order.completed", delivered, {"order_id": delivered})
    await eventually(lambda: shop.payment_statuses(delivered), ["CAPTURED"])
    await told(shop, "orders.order.cancelled", cancelled, {"order_id": cancelled})
    await eventually(lambda: shop.payment_statuses(cancelled), ["VOIDED"])
    booked = await database_of(shop.payments).fetch(
        """SELECT account, sum(amount_minor)::bigint AS minor FROM ledger_posting
           GROUP BY account HAVING sum(amount_minor) <> 0"""
    )
    assert {row["account"]: row["minor"] for row in booked} == {"CASH": 1726, "SALES": -1726}


async def test_a_part_is_captured_and_the_rest_let_go_and_a_key_does_it_once(shop: Commerce) -> None:
    buyer = customer()
    payment = (await shop.pay(buyer, await ordered(shop, buyer), "tok_cash_on_delivery"))["payment"]
    key = new_id("key")
    given = {"id": payment["id"], "key": key, "amount": {"amount": "5.00", "currency": "USD"}}
    too_much = {**given, "key": new_id("key"), "amount": {"amount": "17.27", "currency": "USD"}}
    refused = (await shop.payments.data(CAPTURE, too_much, STAFF))["paymentCapture"]
    assert [error["__typename"] for error in refused["errors"]] == ["InvalidInputError"]
    for _ in range(2):
        captured = (await shop.payments.data(CAPTURE, given, STAFF))["paymentCapture"]
        assert captured["payment"] == {"status": "CAPTURED", "capturedAmount": {"amount": "5.00"}}
    held = "SELECT coalesce(sum(amount_minor), 0)::bigint AS held FROM ledger_posting WHERE account = 'CUSTOMER_HOLD'"
    assert (await database_of(shop.payments).fetch(held))[0]["held"] == 0


async def test_staff_void_what_waits_and_cannot_void_what_was_taken(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, "tok_3ds"))["payment"]
    refused = await shop.payments.execute(VOID, {"id": payment["id"], "key": "k"}, as_user(new_id("usr"), Role.SUPPORT))
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]
    voided = (await shop.payments.data(VOID, {"id": payment["id"], "key": new_id("key")}, STAFF))["paymentVoid"]
    assert voided == {"payment": {"status": "VOIDED"}, "errors": []}
    again = (await shop.pay(buyer, order_id))["payment"]
    assert again["id"] != payment["id"]
    await eventually(lambda: shop.payment_statuses(order_id), ["VOIDED", "CAPTURED"])
    late = (await shop.payments.data(VOID, {"id": again["id"], "key": new_id("key")}, STAFF))["paymentVoid"]
    assert [error["__typename"] for error in late["errors"]] == ["InvalidInputError"]


async def test_an_order_whose_payment_is_let_go_is_cancelled_and_its_goods_are_for_sale_again(shop: Commerce) -> None:
    buyer, product_id = customer(), await shop.add_product(stock=5)
    order = await shop.placed(buyer, product_id)
    payment = (await shop.pay(buyer, order["id"], "tok_cash_on_delivery"))["payment"]
    await eventually(lambda: shop.status(order["id"]), "CONFIRMED")
    voided = (await shop.payments.data(VOID, {"id": payment["id"], "key": new_id("key")}, STAFF))["paymentVoid"]
    assert voided == {"payment": {"status": "VOIDED"}, "errors": []}
    await eventually(lambda: shop.status(order["id"]), "CANCELLED")
    await eventually(lambda: shop.inventory(product_id), (5, 0))
    reason = "query($id: ID!) { order(id: $id) { cancelReason } }"
    assert await shop.orders.data(reason, {"id": order["id"]}, buyer) == {"order": {"cancelReason": "PAYMENT_FAILED"}}


async def test_a_capture_owed_by_the_order_waits_for_the_payment_before_anybody_waits_for_it(
    shop: Commerce, postgres_url: str
) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    await shop.pay(buyer, order_id, "tok_cash_on_delivery")
    await eventually(lambda: shop.status(order_id), "CONFIRMED")
    database = database_of(shop.payments)
    (row,) = await database.fetch("SELECT id, current_database() AS name FROM payment")

    async def is_blocked() -> bool:
        sql = """SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
            AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO provider_task%') AS is_blocked"""
        return bool((await database.fetch(sql))[0]["is_blocked"])

    # as a capture by staff does: the payment first, then what is owed
    staff = await asyncpg.connect(database_url_for(postgres_url, row["name"]))
    try:
        async with staff.transaction():
            await staff.execute("SELECT FROM payment WHERE id = $1 FOR UPDATE", row["id"])
            await told(shop, "orders.order.completed", order_id, {"order_id": order_id})
            await eventually(is_blocked, True)
            await staff.execute("SET LOCAL lock_timeout = '100ms'")
            await staff.execute(
                """INSERT INTO provider_task (id, payment_id, kind, subject_id, next_at)
                VALUES (gen_random_uuid(), $1, 'CAPTURE', $1, now()) ON CONFLICT (kind, subject_id) DO NOTHING""",
                row["id"],
            )
    finally:
        await staff.close()
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])


async def test_a_disputed_charge_is_told_and_changes_no_amount(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, "tok_dispute"))["payment"]

    async def is_disputed() -> bool:
        return bool((await seen(shop, payment["id"], buyer))["isDisputed"])

    await eventually(is_disputed, True)
    assert await shop.payment_statuses(order_id) == ["CAPTURED"]


async def test_a_card_kept_while_paying_pays_again_and_nobody_else_may_use_it(shop: Commerce) -> None:
    buyer, stranger = customer(), customer()
    assert (await shop.pay(buyer, await ordered(shop, buyer), savePaymentMethod=True))["errors"] == []
    (method,) = await kept(shop, buyer)
    assert (method["kind"], method["isDefault"], method["label"]) == ("CARD", True, "visa •••• 4242")
    paid = await shop.pay(buyer, await ordered(shop, buyer), None, paymentMethodId=method["id"])  # type: ignore[arg-type]
    assert paid["payment"]["status"] == "AUTHORIZED"
    for caller, order_id in ((stranger, await ordered(shop, stranger)), (STAFF, await ordered(shop, buyer))):
        refused = await shop.pay(caller, order_id, None, paymentMethodId=method["id"])  # type: ignore[arg-type]
        assert [error["path"] for error in refused["errors"]] == [["paymentMethodId"]]
    (hidden,) = await shop.payments.entities(METHODS, [{"__typename": "User", "id": buyer.subject}], stranger)
    assert hidden == {"paymentMethods": None}
    rows = await database_of(shop.payments).fetch("SELECT token FROM payment_method")
    assert [row["token"].startswith("pm_") for row in rows] == [True]


async def test_methods_are_saved_once_chosen_and_deleted_also_at_the_provider(shop: Commerce) -> None:
    buyer = customer()

    async def save(token: str, *, is_default: bool = False, key: str | None = None) -> dict[str, Any]:
        given = {"paymentMethodToken": token, "idempotencyKey": key or new_id("key"), "isDefault": is_default}
        payload: dict[str, Any] = (await shop.payments.data(SAVE, {"input": given}, buyer))["paymentMethodSave"]
        return payload

    visa = (await save("tok_visa"))["paymentMethod"]
    assert (await save("tok_visa"))["paymentMethod"]["id"] == visa["id"]
    bank = (await save("tok_bank_transfer", is_default=True, key="k"))["paymentMethod"]
    assert (await save("tok_bank_transfer", is_default=True, key="k"))["paymentMethod"]["id"] == bank["id"]
    assert [(method["id"], method["isDefault"]) for method in await kept(shop, buyer)] == [
        (bank["id"], True),
        (visa["id"], False),
    ]
    assert (await save("tok_unheard_of"))["errors"] == [{"__typename": "InvalidInputError"}]
    chosen = (await shop.payments.data(DEFAULT, {"id": visa["id"]}, buyer))["paymentMethodSetDefault"]
    assert chosen["paymentMethod"] == {"id": visa["id"], "isDefault": True}
    stolen = (await shop.payments.data(DELETE, {"id": visa["id"]}, customer()))["paymentMethodDelete"]
    assert stolen["errors"] == [{"__typename": "NotFoundError"}]
    (row,) = await database_of(shop.payments).fetch("SELECT token FROM payment_method WHERE is_default")
    deleted = (await shop.payments.data(DELETE, {"id": visa["id"]}, buyer))["paymentMethodDelete"]
    assert deleted == {"deletedId": visa["id"], "errors": []}
    assert [method["id"] for method in await kept(shop, buyer)] == [bank["id"]]

    async def at_provider() -> int:
        return (await shop.sandbox.ask("GET", f"/v1/tokens/{row['token']}"))[0]

    await eventually(at_provider, 404)


async def test_of_somebody_who_was_erased_only_the_amounts_remain(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    await shop.pay(buyer, order_id, savePaymentMethod=True)
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])
    await told(shop, "users.user.erased", str(buyer.subject), {"user_id": buyer.subject})
    database = database_of(shop.payments)

    async def remembered() -> tuple[int, int]:
        methods = await database.fetch("SELECT count(*) AS count FROM payment_method")
        cards = await database.fetch("SELECT count(*) AS count FROM payment WHERE card_last4 IS NOT NULL")
        return methods[0]["count"], cards[0]["count"]

    await eventually(remembered, (0, 0))
    (payment,) = await database.fetch("SELECT captured_minor FROM payment")
    assert payment["captured_minor"] == 1726


async def test_what_was_forgotten_of_a_card_does_not_come_back_with_a_payment_under_way(shop: Commerce) -> None:
    buyer = customer()
    order_id = await ordered(shop, buyer)
    payment = (await shop.pay(buyer, order_id, "tok_3ds"))["payment"]
    action = (await seen(shop, payment["id"], buyer))["nextAction"]
    await told(shop, "users.user.erased", str(buyer.subject), {"user_id": buyer.subject})

    async def method() -> Any:
        return (await seen(shop, payment["id"], STAFF))["method"]

    await eventually(method, None)
    await answer(shop, action, "approve")
    await eventually(lambda: shop.payment_statuses(order_id), ["CAPTURED"])
    assert await method() is None


async def test_a_payment_that_outlives_its_customer_keeps_no_card(shop: Commerce) -> None:
    buyer = customer()
    asked, late = await ordered(shop, buyer), await ordered(shop, buyer)
    payment = (await shop.pay(buyer, asked, "tok_3ds", savePaymentMethod=True))["payment"]
    action = (await seen(shop, payment["id"], buyer))["nextAction"]
    await told(shop, "users.user.erased", str(buyer.subject), {"user_id": buyer.subject})
    database = database_of(shop.payments)

    async def forgotten() -> bool:
        return (await seen(shop, payment["id"], STAFF))["method"] is None

    await eventually(forgotten, True)
    await answer(shop, action, "approve")
    # as a request that had begun before the erasure does
    await shop.pay(STAFF, late)
    for order_id in (asked, late):
        await eventually(lambda order_id=order_id: shop.payment_statuses(order_id), ["CAPTURED"])  # type: ignore[misc]

    async def left() -> tuple[int, int]:
        await shop.payments.app.state.runtime.service().methods.clear_up()
        methods = await database.fetch("SELECT id FROM payment_method")
        cards = await database.fetch("SELECT id FROM payment WHERE card_last4 IS NOT NULL")
        return len(methods), len(cards)

    await eventually(left, (0, 0))


async def test_support_gives_back_so_much_a_day_and_not_more_at_once_either(shop: Commerce) -> None:
    support = as_user(new_id("usr"), Role.SUPPORT)
    payments = []
    for _ in range(2):
        buyer = customer()
        order_id = await ordered(shop, buyer, "150.00")
        payments.append((await shop.pay(buyer, order_id))["payment"]["id"])
        await eventually(lambda order_id=order_id: shop.payment_statuses(order_id), ["CAPTURED"])  # type: ignore[misc]
    document = """mutation($input: RefundCreateInput!) { refundCreate(input: $input) { refund { id }
        errors { __typename ... on RefundLimitExceededError { remaining { amount } } } } }"""

    async def refund(payment_id: str, amount: str, caller: Principal = support) -> dict[str, Any]:
        given = {
            "paymentId": payment_id,
            "amount": {"amount": amount, "currency": "USD"},
            "idempotencyKey": new_id("key"),
        }
        payload: dict[str, Any] = (await shop.payments.data(document, {"input": given}, caller))["refundCreate"]
        return payload

    payloads = await asyncio.gather(*(refund(payments[n % 2], "30.00") for n in range(8)))
    assert sum(payload["refund"] is not None for payload in payloads) == 6
    refused = await refund(payments[0], "20.01")
    assert refused["errors"] == [{"__typename": "RefundLimitExceededError", "remaining": {"amount": "20.00"}}]
    assert (await refund(payments[0], "20.00"))["errors"] == []
    assert (await refund(payments[1], "30.00", STAFF))["errors"] == []
