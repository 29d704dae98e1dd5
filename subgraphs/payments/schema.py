"""Root fields of the payments subgraph: each calls the service or a loader and maps what comes back."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import strawberry
from strawberry.federation.schema_directives import Authenticated

from common import money
from common.ids import format_id
from common.money import InvalidMoneyError
from common.subgraph.access import may_see, require_scope, require_user
from common.subgraph.errors import IdempotencyConflictedError
from common.subgraph.schema import create_schema
from common.subgraph.types import IdempotencyConflictError, InvalidInputError, Money, MoneyInput, NotFoundError
from subgraphs.payments import errors
from subgraphs.payments.domain.words import METHOD_PREFIX, ORDER_PREFIX, PAYMENT_PREFIX, USER_PREFIX
from subgraphs.payments.events import PAYMENT_EVENTS
from subgraphs.payments.service.paying import PaymentRequest
from subgraphs.payments.service.refunding import RefundRequest
from subgraphs.payments.types import (
    PAY_FOR_OTHERS,
    REFUND,
    WRITE,
    BankTransferMethod,
    CardMethod,
    CashOnDeliveryMethod,
    Info,
    Order,
    OrderNotPayableError,
    Payment,
    PaymentCreateInput,
    PaymentDeclinedError,
    PaymentMethodDeletePayload,
    PaymentMethodPayload,
    PaymentMethodSaveInput,
    PaymentPayload,
    Refund,
    RefundCreateInput,
    RefundLimitExceededError,
    RefundPayload,
    User,
    WalletMethod,
    is_visible,
    saved_method,
    uuid_of,
    visible_payments,
)

REFUSALS = (errors.PaymentError, IdempotencyConflictedError)


def payment_error(refusal: Exception) -> Any:
    """The payload error of a refusal; Any, because each payload has its own union."""
    match refusal:
        case errors.PaymentDeclined():
            return PaymentDeclinedError(
                message=refusal.message,
                path=list(refusal.path),
                decline_code=refusal.decline_code,
                retryable=refusal.is_retryable,
            )
        case errors.OrderNotPayable():
            order = Order(id=strawberry.ID(refusal.order_id), number="")
            return OrderNotPayableError(message=refusal.message, path=list(refusal.path), order=order)
        case errors.RefundLimitExceeded():
            return RefundLimitExceededError(
                message=refusal.message,
                path=list(refusal.path),
                remaining=Money.of(refusal.remaining_minor, refusal.currency),
            )
        case errors.NotFound():
            return NotFoundError(message=refusal.message, path=list(refusal.path))
        case errors.InvalidInput():
            return InvalidInputError(message=refusal.message, path=list(refusal.path))
        case _:
            return IdempotencyConflictError(message=str(refusal), path=["idempotencyKey"])


@strawberry.type
class Query:
    @strawberry.federation.field(
        authenticated=True, description="Of one's own orders; of others with payments:read_any"
    )
    async def payment(self, info: Info, id: strawberry.ID) -> Payment | None:
        require_user(info.context.principal)
        return (await visible_payments(info, [id]))[0]


@strawberry.type
class Mutation:
    @strawberry.federation.mutation(
        authenticated=True,
        description="Pays an order that awaits it. A declined attempt leaves the order as it is: try another card. "
        "An attempt that is REQUIRES_ACTION is given up for a new one",
    )
    async def payment_create(self, info: Info, input: PaymentCreateInput) -> PaymentPayload:
        principal = info.context.principal
        actor = require_user(principal)
        try:
            order_id = uuid_of(ORDER_PREFIX, input.order_id)
            if order_id is None:
                raise errors.NotFound("There is no such order.", ["orderId"])
            method_id = _method_id(input.payment_method_id)
            wanted = PaymentRequest(
                actor=actor,
                may_act_for_others=principal.has_scope(PAY_FOR_OTHERS),
                order_id=order_id,
                token=input.payment_method_token,
                method_id=method_id,
                saves_method=input.save_payment_method,
                amount=_money(input.amount),
                key=input.idempotency_key,
            )
            record = await info.context.service.paying.pay(wanted)
        except REFUSALS as refusal:
            return PaymentPayload(errors=[payment_error(refusal)])
        return PaymentPayload(payment=Payment.of(record))

    @strawberry.federation.mutation(
        authenticated=True,
        description="After the customer has confirmed at nextAction.redirectUrl, or a bank was given time: looks what "
        "became of the payment. It comes back as it is while nothing did",
    )
    async def payment_confirm_action(self, info: Info, id: strawberry.ID) -> PaymentPayload:
        principal = info.context.principal
        require_user(principal)
        try:
            known = await info.context.loaders.payment.load(_payment_id(id, "id"))
            if known is None or not may_see(
                principal, format_id(USER_PREFIX, known.customer_id), any_scope=PAY_FOR_OTHERS
            ):
                raise errors.NotFound("There is no such payment.", ["id"])
            record = await info.context.service.paying.confirm(known.id)
        except REFUSALS as refusal:
            return PaymentPayload(errors=[payment_error(refusal)])
        return PaymentPayload(payment=Payment.of(record))

    @strawberry.federation.mutation(
        requires_scopes=[[WRITE]],
        description="Takes what was authorised, or a part of it and lets go of the rest. Confirmed orders are captured "
        "without it, but for cash on delivery",
    )
    async def payment_capture(
        self, info: Info, id: strawberry.ID, idempotency_key: str, amount: MoneyInput | None = None
    ) -> PaymentPayload:
        actor = require_scope(info.context.principal, WRITE)
        try:
            managing = info.context.service.managing
            record = await managing.capture(actor, _payment_id(id, "id"), _money(amount), idempotency_key)
        except REFUSALS as refusal:
            return PaymentPayload(errors=[payment_error(refusal)])
        return PaymentPayload(payment=Payment.of(record))

    @strawberry.federation.mutation(
        requires_scopes=[[WRITE]],
        description="Lets go of what is held; not after capture. An order that counted on it is cancelled, unless "
        "goods have left the house",
    )
    async def payment_void(self, info: Info, id: strawberry.ID, idempotency_key: str) -> PaymentPayload:
        actor = require_scope(info.context.principal, WRITE)
        try:
            record = await info.context.service.managing.void(actor, _payment_id(id, "id"), idempotency_key)
        except REFUSALS as refusal:
            return PaymentPayload(errors=[payment_error(refusal)])
        return PaymentPayload(payment=Payment.of(record))

    @strawberry.federation.mutation(requires_scopes=[[REFUND]], description="Gives back what was captured, or a part")
    async def refund_create(self, info: Info, input: RefundCreateInput) -> RefundPayload:
        principal = info.context.principal
        actor = require_scope(principal, REFUND)
        try:
            payment_id = _payment_id(input.payment_id, "paymentId")
            wanted = RefundRequest(
                actor=actor,
                is_limited=not principal.has_scope(WRITE),
                payment_id=payment_id,
                amount=_money(input.amount),
                reason=input.reason,
                key=input.idempotency_key,
            )
            refund_id = await info.context.service.refunding.refund(wanted)
        except REFUSALS as refusal:
            return RefundPayload(errors=[payment_error(refusal)])
        refund = await info.context.loaders.refund.load(refund_id)
        payment = await info.context.loaders.payment.load(payment_id)
        return RefundPayload(
            refund=Refund.of(refund) if refund else None, payment=Payment.of(payment) if payment else None
        )

    @strawberry.federation.mutation(
        authenticated=True,
        description="Keeps a means of payment of one's own; of a card that is kept already, that one",
    )
    async def payment_method_save(self, info: Info, input: PaymentMethodSaveInput) -> PaymentMethodPayload:
        actor = require_user(info.context.principal)
        try:
            record = await info.context.service.methods.save(
                actor,
                _customer_id(actor),
                input.payment_method_token,
                input.idempotency_key,
                is_default=input.is_default,
            )
        except REFUSALS as refusal:
            return PaymentMethodPayload(errors=[payment_error(refusal)])
        return PaymentMethodPayload(payment_method=saved_method(record))

    @strawberry.federation.mutation(authenticated=True, description="Proposed first from now on")
    async def payment_method_set_default(self, info: Info, id: strawberry.ID) -> PaymentMethodPayload:
        actor = require_user(info.context.principal)
        try:
            methods = info.context.service.methods
            record = await methods.set_default(_customer_id(actor), _known_method_id(id))
        except REFUSALS as refusal:
            return PaymentMethodPayload(errors=[payment_error(refusal)])
        return PaymentMethodPayload(payment_method=saved_method(record))

    @strawberry.federation.mutation(authenticated=True, description="Forgotten here at once, and at the provider soon")
    async def payment_method_delete(self, info: Info, id: strawberry.ID) -> PaymentMethodDeletePayload:
        actor = require_user(info.context.principal)
        try:
            await info.context.service.methods.delete(_customer_id(actor), _known_method_id(id))
        except REFUSALS as refusal:
            return PaymentMethodDeletePayload(errors=[payment_error(refusal)])
        return PaymentMethodDeletePayload(deleted_id=id)


@strawberry.type
class Subscription:
    @strawberry.subscription(
        directives=[Authenticated()], description="The payments of an order: as they are, then at every change"
    )
    async def payment_status_changed(self, info: Info, order_id: strawberry.ID) -> AsyncIterator[Payment]:
        require_user(info.context.principal)
        known = uuid_of(ORDER_PREFIX, order_id)
        if known is None:
            return
        versions: dict[Any, int] = {}
        feed = info.context.service.feeds[PAYMENT_EVENTS]
        async with feed.listen(matches=lambda event: event.payload.get("order_id") == order_id) as events:
            for record in await info.context.loaders.of_order.load(known):
                if is_visible(info.context.principal, record):
                    versions[record.id] = record.version
                    yield Payment.of(record)
            async for _ in events:
                info.context.refresh()
                for record in await info.context.loaders.of_order.load(known):
                    # two events may be seen after both changes: a state is told once, and none goes back
                    is_news = record.version > versions.get(record.id, 0)
                    if is_news and is_visible(info.context.principal, record):
                        versions[record.id] = record.version
                        yield Payment.of(record)


def _money(given: MoneyInput | None) -> money.Money | None:
    if given is None:
        return None
    try:
        return money.Money.parse(format(given.amount, "f"), given.currency)
    except InvalidMoneyError as exc:
        raise errors.InvalidInput(str(exc), ["amount"]) from exc


def _payment_id(text: str, field: str) -> UUID:
    known = uuid_of(PAYMENT_PREFIX, text)
    if known is None:
        raise errors.NotFound("There is no such payment.", [field])
    return known


def _method_id(text: str | None) -> UUID | None:
    if text is None:
        return None
    known = uuid_of(METHOD_PREFIX, text)
    if known is None:
        raise errors.InvalidInput("There is no such payment method.", ["paymentMethodId"])
    return known


def _known_method_id(text: str) -> UUID:
    known = uuid_of(METHOD_PREFIX, text)
    if known is None:
        raise errors.NotFound("There is no such payment method.", ["id"])
    return known


def _customer_id(actor: str) -> UUID:
    """Raises NotFound for who is no person: nothing is kept for them."""
    known = uuid_of(USER_PREFIX, actor)
    if known is None:
        raise errors.NotFound("Only customers keep payment methods.", [])
    return known


schema = create_schema(
    "payments",
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    types=[Order, User, Refund, CardMethod, WalletMethod, BankTransferMethod, CashOnDeliveryMethod],
)
