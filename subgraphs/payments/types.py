"""GraphQL types of the payments subgraph and how records become them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Self, TypeAlias
from uuid import UUID

import strawberry

from common import money
from common.auth import Principal
from common.errors import BadInputError
from common.ids import InvalidIdError, format_id, parse_id
from common.subgraph.access import may_see
from common.subgraph.context import Context
from common.subgraph.schema import Representation
from common.subgraph.types import (
    IdempotencyConflictError,
    InvalidInputError,
    Money,
    MoneyInput,
    NotFoundError,
    UserError,
)
from subgraphs.payments.domain import status as domain
from subgraphs.payments.domain.status import (
    OrderPaymentStatus,
    PaymentStatus,
    RefundStatus,
    balance_due_minor,
    order_payment_status,
)
from subgraphs.payments.domain.words import ORDER_PREFIX, PAYMENT_PREFIX, REFUND_PREFIX, USER_PREFIX
from subgraphs.payments.loaders import PaymentLoaders
from subgraphs.payments.service.till import PaymentsService

Info: TypeAlias = strawberry.Info[Context[PaymentsService, PaymentLoaders], None]

READ_ANY = "payments:read_any"
PAY_FOR_OTHERS = "orders:write_any"
REFUND = "payments:refund"

for _kind in (PaymentStatus, OrderPaymentStatus, RefundStatus):
    strawberry.enum(_kind)


@strawberry.interface(description="How a payment was made")
class PaymentMethod:
    label: str = strawberry.field(description="For people: visa •••• 4242")


@strawberry.type
class CardMethod(PaymentMethod):
    brand: str
    last4: str

    @classmethod
    def of(cls, payment: domain.Payment) -> Self | None:
        if payment.card_brand is None or payment.card_last4 is None:
            return None
        label = f"{payment.card_brand} •••• {payment.card_last4}"
        return cls(label=label, brand=payment.card_brand, last4=payment.card_last4)


@strawberry.federation.type(keys=["id"])
class Refund:
    id: strawberry.ID
    amount: Money
    status: RefundStatus
    reason: str | None
    created_at: datetime

    @classmethod
    def of(cls, record: domain.Refund) -> Self:
        return cls(
            id=strawberry.ID(format_id(REFUND_PREFIX, record.id)),
            amount=Money.of(record.amount_minor, record.currency),
            status=record.status,
            reason=record.reason,
            created_at=record.created_at,
        )

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> "list[Refund | None]":
        """A refund is visible to whoever may see its payment."""
        loaders, principal = info.context.loaders, info.context.principal
        ids = [uuid_of(REFUND_PREFIX, str(given.get("id"))) for given in representations]
        records = await loaders.refund.load_many([refund_id for refund_id in ids if refund_id])
        known = {record.id: record for record in records if record}
        payments = await loaders.payment.load_many([record.payment_id for record in known.values()])
        seen = {payment.id for payment in payments if payment and is_visible(principal, payment)}
        found = [known.get(refund_id) if refund_id else None for refund_id in ids]
        return [cls.of(record) if record and record.payment_id in seen else None for record in found]


@strawberry.federation.type(keys=["id"])
class Payment:
    record: strawberry.Private[domain.Payment]
    id: strawberry.ID
    status: PaymentStatus
    decline_code: str | None = strawberry.field(description="Why the last attempt was declined")
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, record: domain.Payment) -> Self:
        return cls(
            record=record,
            id=strawberry.ID(format_id(PAYMENT_PREFIX, record.id)),
            status=record.status,
            decline_code=record.decline_code,
            created_at=record.created_at,
            updated_at=record.updated_at,
        )

    @strawberry.federation.field(provides=["number"])
    def order(self) -> "Order":
        # an order never changes its number, so the copy saves lists of payments a hop to orders
        order_id = strawberry.ID(format_id(ORDER_PREFIX, self.record.order_id))
        return Order(id=order_id, number=self.record.order_number)

    @strawberry.field
    def amount(self) -> Money:
        return Money.of(self.record.amount_minor, self.record.currency)

    @strawberry.field
    def captured_amount(self) -> Money:
        return Money.of(self.record.captured_minor, self.record.currency)

    @strawberry.field
    def refunded_amount(self) -> Money:
        return Money.of(self.record.refunded_minor, self.record.currency)

    @strawberry.field
    def method(self) -> PaymentMethod | None:
        return CardMethod.of(self.record)

    @strawberry.field(description="Oldest first")
    async def refunds(self, info: Info) -> list[Refund]:
        return [Refund.of(record) for record in await info.context.loaders.refunds.load(self.record.id)]

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> "list[Payment | None]":
        return await visible_payments(info, [str(given.get("id")) for given in representations])


@strawberry.federation.type(keys=["id"])
class Order:
    id: strawberry.ID
    number: str = strawberry.federation.field(external=True)
    #: in minor units, where the router sent it along for `@requires`
    total_given: strawberry.Private[money.Money | None] = None

    @strawberry.federation.field(external=True)
    def total(self) -> Money:
        return Money.of(self._total().amount_minor, self._total().currency)

    @strawberry.federation.field(authenticated=True, description="Oldest first; null for the orders of others")
    async def payments(self, info: Info) -> list[Payment] | None:
        payments = await self._visible(info)
        return None if payments is None else [Payment.of(payment) for payment in payments]

    @strawberry.federation.field(authenticated=True, requires=["total { amount currency }"])
    async def payment_status(self, info: Info) -> OrderPaymentStatus | None:
        payments = await self._visible(info)
        return None if payments is None else order_payment_status(payments, self._total().amount_minor)

    @strawberry.federation.field(authenticated=True, requires=["total { amount currency }"])
    async def balance_due(self, info: Info) -> Money | None:
        payments = await self._visible(info)
        total = self._total()
        return None if payments is None else Money.of(balance_due_minor(payments, total.amount_minor), total.currency)

    async def _visible(self, info: Info) -> list[domain.Payment] | None:
        order_id = uuid_of(ORDER_PREFIX, self.id)
        payments = await info.context.loaders.of_order.load(order_id) if order_id else []
        return payments if all(is_visible(info.context.principal, payment) for payment in payments) else None

    def _total(self) -> money.Money:
        if self.total_given is None:
            raise BadInputError("The representation of the order lacks its total.")
        return self.total_given

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> "list[Order | None]":
        return [cls._of(given) for given in representations]

    @classmethod
    def _of(cls, given: Representation) -> "Order":
        total: dict[str, Any] | None = given.get("total")
        return cls(
            id=strawberry.ID(str(given.get("id"))),
            number=str(given.get("number", "")),
            total_given=money.Money.parse(total["amount"], total["currency"]) if total else None,
        )


def is_visible(principal: Principal, payment: domain.Payment) -> bool:
    return may_see(principal, format_id(USER_PREFIX, payment.customer_id), any_scope=READ_ANY)


async def visible_payments(info: Info, ids: Sequence[str]) -> list[Payment | None]:
    """Payments by id, in the order asked for: None where there is none or the caller may not know."""
    uuids = [uuid_of(PAYMENT_PREFIX, text) for text in ids]
    records = await info.context.loaders.payment.load_many([uuid for uuid in uuids if uuid])
    known = {record.id: record for record in records if record and is_visible(info.context.principal, record)}
    found = [known.get(uuid) if uuid else None for uuid in uuids]
    return [Payment.of(record) if record else None for record in found]


def uuid_of(prefix: str, text: str) -> UUID | None:
    """None for what is not an id of that kind: nothing can be known by it."""
    try:
        return parse_id(prefix, text)
    except InvalidIdError:
        return None


@strawberry.type
class PaymentDeclinedError(UserError):
    decline_code: str
    retryable: bool = strawberry.field(description="Whether the same card may work later")


@strawberry.type
class OrderNotPayableError(UserError):
    order: Order


PaymentError = Annotated[
    InvalidInputError | NotFoundError | IdempotencyConflictError | PaymentDeclinedError | OrderNotPayableError,
    strawberry.union("PaymentError"),
]


@strawberry.type
class PaymentPayload:
    payment: Payment | None = None
    errors: list[PaymentError] = strawberry.field(default_factory=list)


@strawberry.type
class RefundPayload:
    refund: Refund | None = None
    payment: Payment | None = None
    errors: list[PaymentError] = strawberry.field(default_factory=list)


@strawberry.input
class PaymentCreateInput:
    order_id: strawberry.ID
    payment_method_token: str = strawberry.field(description="tok_visa, tok_mastercard, tok_declined, …")
    idempotency_key: str
    amount: MoneyInput | None = strawberry.field(default=None, description="Must be what the order costs")


@strawberry.input
class RefundCreateInput:
    payment_id: strawberry.ID
    idempotency_key: str
    amount: MoneyInput | None = strawberry.field(default=None, description="All that is left unless given")
    reason: str | None = None
