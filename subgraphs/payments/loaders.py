"""Batched reads: whatever a query asks for in one step is one statement."""

from uuid import UUID

from strawberry.dataloader import DataLoader

from common.subgraph.loaders import load_many, load_one
from subgraphs.payments.domain.status import Payment, Refund, SavedMethod
from subgraphs.payments.service.till import PaymentsService


class PaymentLoaders:
    """Of one request."""

    def __init__(self, service: PaymentsService) -> None:
        store = service.store
        self.payment: DataLoader[UUID, Payment | None] = load_one(store.by_ids, lambda payment: payment.id)
        self.of_order: DataLoader[UUID, list[Payment]] = load_many(store.by_orders, lambda payment: payment.order_id)
        self.refunds: DataLoader[UUID, list[Refund]] = load_many(store.refunds, lambda refund: refund.payment_id)
        self.refund: DataLoader[UUID, Refund | None] = load_one(store.refunds_by_id, lambda refund: refund.id)
        self.methods: DataLoader[UUID, list[SavedMethod]] = load_many(store.methods, lambda method: method.customer_id)
