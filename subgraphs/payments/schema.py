"""Root fields of the payments subgraph: each calls the service or a loader and maps what comes back."""

from collections.abc import AsyncIterator
from typing import Any

import strawberry
from strawberry.federation.schema_directives import Authenticated

from common import money
from common.money import InvalidMoneyError
from common.subgraph.access import require_scope, require_user
from common.subgraph.errors import IdempotencyConflictedError
from common.subgraph.schema import create_schema
from common.subgraph.types import IdempotencyConflictError, InvalidInputError, MoneyInput, NotFoundError
from subgraphs.payments import errors
from subgraphs.payments.domain.words import ORDER_PREFIX, PAYMENT_PREFIX
from subgraphs.payments.events import PAYMENT_EVENTS
from subgraphs.payments.service.paying import PaymentRequest
from subgraphs.payments.types import (
    PAY_FOR_OTHERS,
    REFUND,
    CardMethod,
    Info,
    Order,
    OrderNotPayableError,
    Payment,
    PaymentCreateInput,
    PaymentDeclinedError,
    PaymentPayload,
    Refund,
    RefundCreateInput,
    RefundPayload,
    is_visible,
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
        description="Pays an order that awaits it. A declined attempt leaves the order as it is: try another card",
    )
    async def payment_create(self, info: Info, input: PaymentCreateInput) -> PaymentPayload:
        principal = info.context.principal
        actor = require_user(principal)
        try:
            order_id = uuid_of(ORDER_PREFIX, input.order_id)
            if order_id is None:
                raise errors.NotFound("There is no such order.", ["orderId"])
            wanted = PaymentRequest(
                actor=actor,
                may_act_for_others=principal.has_scope(PAY_FOR_OTHERS),
                order_id=order_id,
                token=input.payment_method_token,
                amount=_money(input.amount),
                key=input.idempotency_key,
            )
            payment_id = await info.context.service.paying.pay(wanted)
        except REFUSALS as refusal:
            return PaymentPayload(errors=[payment_error(refusal)])
        record = await info.context.loaders.payment.load(payment_id)
        return PaymentPayload(payment=Payment.of(record) if record else None)

    @strawberry.federation.mutation(requires_scopes=[[REFUND]], description="Gives back what was captured, or a part")
    async def refund_create(self, info: Info, input: RefundCreateInput) -> RefundPayload:
        actor = require_scope(info.context.principal, REFUND)
        try:
            payment_id = uuid_of(PAYMENT_PREFIX, input.payment_id)
            if payment_id is None:
                raise errors.NotFound("There is no such payment.", ["paymentId"])
            refund_id = await info.context.service.refunding.refund(
                actor, payment_id, _money(input.amount), input.reason, input.idempotency_key
            )
        except REFUSALS as refusal:
            return RefundPayload(errors=[payment_error(refusal)])
        refund = await info.context.loaders.refund.load(refund_id)
        payment = await info.context.loaders.payment.load(payment_id)
        return RefundPayload(
            refund=Refund.of(refund) if refund else None, payment=Payment.of(payment) if payment else None
        )


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


schema = create_schema(
    "payments", query=Query, mutation=Mutation, subscription=Subscription, types=[Order, Refund, CardMethod]
)
