"""GraphQL types of the payments subgraph and how records become them."""

from collections.abc import Sequence
from dataclasses import field
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
from subgraphs.payments.domain.provider import DisputeStatus, Means, PaymentMethodKind
from subgraphs.payments.domain.status import (
    OrderPaymentStatus,
    PaymentStatus,
    RefundStatus,
    balance_due_minor,
    order_payment_status,
)
from subgraphs.payments.domain.words import METHOD_PREFIX, ORDER_PREFIX, PAYMENT_PREFIX, REFUND_PREFIX, USER_PREFIX
from subgraphs.payments.loaders import PaymentLoaders
from subgraphs.payments.service.till import PaymentsService

Info: TypeAlias = strawberry.Info[Context[PaymentsService, PaymentLoaders], None]

READ_ANY = "payments:read_any"
PAY_FOR_OTHERS = "orders:write_any"
REFUND = "payments:refund"
WRITE = "payments:write"

for _kind in (PaymentStatus, OrderPaymentStatus, RefundStatus, PaymentMethodKind, DisputeStatus):
    strawberry.enum(_kind)


@strawberry.interface(description="How a payment was made, or can be made again")
class PaymentMethod:
    id: strawberry.ID | None = strawberry.field(description="Of one that is kept; null of one that was used once")
    kind: PaymentMethodKind
    is_default: bool = strawberry.field(description="Proposed first when its owner pays")
    label: str = strawberry.field(description="For people: visa •••• 4242")


@strawberry.type(description="Of a card no more is known than what is printed on receipts")
class CardMethod(PaymentMethod):
    brand: str
    last4: str
    exp_month: int | None
    exp_year: int | None


@strawberry.type
class WalletMethod(PaymentMethod):
    provider: str


@strawberry.type(description="The customer's bank transfers the money; that takes its time")
class BankTransferMethod(PaymentMethod):
    iban_last4: str


@strawberry.type(description="Paid to the courier; captured when the order is delivered")
class CashOnDeliveryMethod(PaymentMethod):
    pass


def payment_method(means: Means, method_id: UUID | None = None, *, is_default: bool = False) -> PaymentMethod:
    kept = strawberry.ID(format_id(METHOD_PREFIX, method_id)) if method_id else None
    common: dict[str, Any] = {"id": kept, "kind": means.kind, "is_default": is_default}
    match means.kind:
        case PaymentMethodKind.CARD:
            return CardMethod(
                **common,
                label=f"{means.brand} •••• {means.last4}",
                brand=means.brand,
                last4=means.last4,
                exp_month=means.exp_month or None,
                exp_year=means.exp_year or None,
            )
        case PaymentMethodKind.WALLET:
            return WalletMethod(**common, label=means.brand, provider=means.brand)
        case PaymentMethodKind.BANK_TRANSFER:
            return BankTransferMethod(**common, label=f"bank account •••• {means.last4}", iban_last4=means.last4)
        case PaymentMethodKind.CASH_ON_DELIVERY:
            return CashOnDeliveryMethod(**common, label="cash on delivery")


def saved_method(record: domain.SavedMethod) -> PaymentMethod:
    return payment_method(record.means, record.id, is_default=record.is_default)


@strawberry.type(description="What the customer has to do before the payment can go on")
class PaymentAction:
    type: str = strawberry.field(description="REDIRECT: the customer confirms on a page of the bank or the wallet")
    redirect_url: str
    expires_at: datetime


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
        record = self.record
        if record.card_brand is None and not record.is_cash:
            return None
        known = (record.card_brand or "", record.card_last4 or "", record.exp_month or 0, record.exp_year or 0)
        return payment_method(Means(record.method_kind, *known))

    @strawberry.field(description="While REQUIRES_ACTION, and for the customer only: afterwards paymentConfirmAction")
    def next_action(self, info: Info) -> PaymentAction | None:
        record = self.record
        is_own = info.context.principal.subject == format_id(USER_PREFIX, record.customer_id)
        if record.action_url is None or record.action_expires_at is None or not is_own:
            return None
        return PaymentAction(type="REDIRECT", redirect_url=record.action_url, expires_at=record.action_expires_at)

    @strawberry.field(description="The customer says, or said, at the bank that the charge was not theirs")
    def is_disputed(self) -> bool:
        return self.record.dispute_status is not None

    @strawberry.field(description="Null where nobody has disputed it")
    def dispute_status(self) -> DisputeStatus | None:
        return self.record.dispute_status

    @strawberry.field(description="What the provider kept back when the dispute began; zero where there was none")
    def disputed_amount(self) -> Money:
        return Money.of(self.record.disputed_minor, self.record.currency)

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
    #: what the router sent along, for `@requires`
    given: strawberry.Private[Representation] = field(default_factory=dict)

    @strawberry.federation.field(external=True)
    def total(self) -> Money:
        return _money(self._given("total"))

    @strawberry.federation.field(external=True)
    def amount_payable(self) -> Money:
        return _money(self._given("amountPayable"))

    @strawberry.federation.field(authenticated=True, description="Oldest first; null for the orders of others")
    async def payments(self, info: Info) -> list[Payment] | None:
        payments = await self._visible(info)
        return None if payments is None else [Payment.of(payment) for payment in payments]

    @strawberry.federation.field(authenticated=True, requires=["total { amount currency }"])
    async def payment_status(self, info: Info) -> OrderPaymentStatus | None:
        payments = await self._visible(info)
        return None if payments is None else order_payment_status(payments, self._given("total").amount_minor)

    @strawberry.federation.field(authenticated=True, requires=["amountPayable { amount currency }"])
    async def balance_due(self, info: Info) -> Money | None:
        payments = await self._visible(info)
        payable = self._given("amountPayable")
        if payments is None:
            return None
        return Money.of(balance_due_minor(payments, payable.amount_minor), payable.currency)

    async def _visible(self, info: Info) -> list[domain.Payment] | None:
        order_id = uuid_of(ORDER_PREFIX, self.id)
        payments = await info.context.loaders.of_order.load(order_id) if order_id else []
        return payments if all(is_visible(info.context.principal, payment) for payment in payments) else None

    def _given(self, name: str) -> money.Money:
        if not (amount := self.given.get(name)):
            raise BadInputError(f"The representation of the order lacks its {name}.")
        return money.Money.parse(amount["amount"], amount["currency"])

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> "list[Order | None]":
        return [
            cls(id=strawberry.ID(str(given.get("id"))), number=str(given.get("number", "")), given=given)
            for given in representations
        ]


@strawberry.federation.type(keys=["id"])
class User:
    id: strawberry.ID

    @strawberry.federation.field(
        authenticated=True, description="Kept for the next time, the default one first; null for those of others"
    )
    async def payment_methods(self, info: Info) -> list[PaymentMethod] | None:
        user_id = uuid_of(USER_PREFIX, self.id)
        if user_id is None or not may_see(info.context.principal, self.id, any_scope=READ_ANY):
            return None
        return [saved_method(record) for record in await info.context.loaders.methods.load(user_id)]

    @classmethod
    async def resolve_references(cls, info: Info, representations: Sequence[Representation]) -> "list[User | None]":
        return [cls(id=strawberry.ID(str(given.get("id")))) for given in representations]


def is_visible(principal: Principal, payment: domain.Payment) -> bool:
    return may_see(principal, format_id(USER_PREFIX, payment.customer_id), any_scope=READ_ANY)


async def visible_payments(info: Info, ids: Sequence[str]) -> list[Payment | None]:
    """Payments by id, in the order asked for: None where there is none or the caller may not know."""
    uuids = [uuid_of(PAYMENT_PREFIX, text) for text in ids]
    records = await info.context.loaders.payment.load_many([uuid for uuid in uuids if uuid])
    known = {record.id: record for record in records if record and is_visible(info.context.principal, record)}
    found = [known.get(uuid) if uuid else None for uuid in uuids]
    return [Payment.of(record) if record else None for record in found]


def _money(amount: money.Money) -> Money:
    return Money.of(amount.amount_minor, amount.currency)


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


@strawberry.type(description="Who may not capture may give back so much a day")
class RefundLimitExceededError(UserError):
    remaining: Money = strawberry.field(description="What may still be given back today, in UTC")


PaymentError = Annotated[
    InvalidInputError
    | NotFoundError
    | IdempotencyConflictError
    | PaymentDeclinedError
    | OrderNotPayableError
    | RefundLimitExceededError,
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


@strawberry.type
class PaymentMethodPayload:
    payment_method: PaymentMethod | None = None
    errors: list[PaymentError] = strawberry.field(default_factory=list)


@strawberry.type
class PaymentMethodDeletePayload:
    deleted_id: strawberry.ID | None = None
    errors: list[PaymentError] = strawberry.field(default_factory=list)


@strawberry.input(description="Paid with paymentMethodToken or with paymentMethodId, one of them")
class PaymentCreateInput:
    order_id: strawberry.ID
    idempotency_key: str
    payment_method_token: str | None = strawberry.field(
        default=None,
        description="Of the payment provider, never a card number: tok_visa, tok_3ds, tok_wallet_ok, "
        "tok_bank_transfer, tok_cash_on_delivery, …",
    )
    payment_method_id: strawberry.ID | None = strawberry.field(
        default=None, description="One of the customer's own paymentMethods"
    )
    save_payment_method: bool = strawberry.field(default=False, description="Keep it for the next time, if it works")
    amount: MoneyInput | None = strawberry.field(default=None, description="Must be what the order costs")


@strawberry.input
class RefundCreateInput:
    payment_id: strawberry.ID
    idempotency_key: str
    amount: MoneyInput | None = strawberry.field(default=None, description="All that is left unless given")
    reason: str | None = None


@strawberry.input
class PaymentMethodSaveInput:
    payment_method_token: str = strawberry.field(description="Of the payment provider, never a card number")
    idempotency_key: str
    is_default: bool = False
