"""The subgraph's service as one record: what resolvers, consumers and workers are given."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.events import EventFeed
from common.subgraph.due import Signal
from subgraphs.payments.service.paying import Paying
from subgraphs.payments.service.refunding import Refunding
from subgraphs.payments.service.store import PaymentStore
from subgraphs.payments.service.tasks import Decisions, DueTasks


@dataclass(frozen=True, slots=True)
class PaymentsService:
    store: PaymentStore
    paying: Paying
    refunding: Refunding
    decisions: Decisions
    tasks: DueTasks
    signal: Signal
    #: by type pattern
    feeds: Mapping[str, EventFeed]
