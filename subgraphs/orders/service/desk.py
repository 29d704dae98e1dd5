"""The subgraph's service as one record: what resolvers, commands, consumers and workers are given."""

from collections.abc import Mapping
from dataclasses import dataclass

from common.events import EventFeed
from common.subgraph.due import Signal
from subgraphs.orders.service.cancelling import Cancelling
from subgraphs.orders.service.carts import Carts
from subgraphs.orders.service.destinations import Destinations
from subgraphs.orders.service.fulfilling import Fulfilling
from subgraphs.orders.service.payments import Payments
from subgraphs.orders.service.placing import Placing
from subgraphs.orders.service.reading import Reading
from subgraphs.orders.service.saga import DueSteps


@dataclass(frozen=True, slots=True)
class OrdersService:
    reading: Reading
    carts: Carts
    destinations: Destinations
    placing: Placing
    cancelling: Cancelling
    fulfilling: Fulfilling
    payments: Payments
    due_steps: DueSteps
    signal: Signal
    #: by type pattern
    feeds: Mapping[str, EventFeed]
