"""The subgraph's service as one record: what resolvers, consumers and workers are given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from common.events import EventFeed
from common.subgraph.due import Signal
from subgraphs.payments.service.decisions import Decisions
from subgraphs.payments.service.managing import Managing
from subgraphs.payments.service.methods import Methods
from subgraphs.payments.service.paying import Paying
from subgraphs.payments.service.refunding import Refunding
from subgraphs.payments.service.store import PaymentStore
from subgraphs.payments.service.tasks import DueTasks
from subgraphs.payments.service.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Signals:
    """What wakes each worker."""

    tasks: Signal
    webhooks: Signal
    methods: Signal


@dataclass(frozen=True, slots=True)
class PaymentsService:
    store: PaymentStore
    paying: Paying
    refunding: Refunding
    managing: Managing
    methods: Methods
    decisions: Decisions
    tasks: DueTasks
    webhooks: Webhooks
    signals: Signals
    #: gives the connections to the provider back
    close: Callable[[], Awaitable[None]]
    #: by type pattern
    feeds: Mapping[str, EventFeed]
