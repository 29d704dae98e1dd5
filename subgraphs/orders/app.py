"""The orders subgraph, wired."""

from starlette.applications import Starlette

from common.clock import Clock
from common.events import Consumer, OneStatement
from common.flags import Flags
from common.lru import LruMap
from common.subgraph.app import SubgraphParts, create_subgraph
from common.subgraph.data_keys import DataKeys
from common.subgraph.due import DueWorker, Signal
from common.subgraph.runtime import Platform
from common.telemetry import Metrics
from subgraphs.orders.events import ORDER_EVENTS, PAYMENT_AUTHORIZED, PAYMENT_VOIDED, USER_ERASED
from subgraphs.orders.loaders import OrderLoaders
from subgraphs.orders.schema import schema
from subgraphs.orders.service.addresses_in_clear import AddressesInClear
from subgraphs.orders.service.cancelling import Cancelling
from subgraphs.orders.service.carts import Carts
from subgraphs.orders.service.desk import OrdersService
from subgraphs.orders.service.destinations import CACHED_KEY_COUNT, Destinations
from subgraphs.orders.service.figures import OrderFigures
from subgraphs.orders.service.fulfilling import Fulfilling
from subgraphs.orders.service.moving import Moving
from subgraphs.orders.service.payments import CONSUMER, Payments
from subgraphs.orders.service.placing import Placing
from subgraphs.orders.service.reading import Reading
from subgraphs.orders.service.saga import BATCH, DueSteps, Saga
from subgraphs.orders.service.stock import Stock
from subgraphs.orders.settings import OrdersSettings

NAME = "orders"


def create_app(
    settings: OrdersSettings | None = None, *, clock: Clock | None = None, database_name: str = ""
) -> Starlette:
    """The ASGI application; settings come from the environment unless given."""
    # pydantic-settings fills required fields from the environment, which type checkers cannot see
    settings = settings or OrdersSettings()  # type: ignore[call-arg]
    parts = SubgraphParts(
        name=NAME,
        schema=schema,
        new_service=lambda platform: new_service(platform, settings),
        new_loaders=OrderLoaders,
        commands=lambda service: {"payable": service.payments.payable},
        consumers=lambda service: [
            Consumer(CONSUMER, (PAYMENT_AUTHORIZED, PAYMENT_VOIDED), OneStatement(service.payments.told)),
            Consumer("orders-on-users", (USER_ERASED,), service.destinations.erased),
        ],
        workers=lambda service: [
            DueWorker(service.due_steps.take_due, service.signal, batch=BATCH),
            AddressesInClear(service.destinations),
        ],
        feeds=(ORDER_EVENTS,),
    )
    return create_subgraph(parts, settings, clock=clock, database_name=database_name)


def new_service(platform: Platform, settings: OrdersSettings) -> OrdersService:
    database, clock, outbox = platform.database, platform.clock, platform.outbox
    figures, signal = OrderFigures.of(Metrics()), Signal()
    bus, timeout_s = platform.bus, settings.command_timeout_s
    stock, carts = Stock(bus, timeout_s, settings.reservation_ttl_s), Carts(database, clock)
    keys = DataKeys(settings.key_ring(), clock)
    destinations = Destinations(database, bus, timeout_s, keys, carts, LruMap(CACHED_KEY_COUNT), Flags(settings.flags))
    moving = Moving(database, clock, outbox, figures)
    due_steps = DueSteps(Saga(moving, stock), signal, platform.telemetry.tracer)
    return OrdersService(
        reading=Reading(database),
        carts=carts,
        destinations=destinations,
        placing=Placing(database, clock, outbox, stock, carts, destinations, signal, figures),
        cancelling=Cancelling(database, clock, moving, signal),
        fulfilling=Fulfilling(database, clock, outbox, moving),
        payments=Payments(moving, due_steps, signal),
        due_steps=due_steps,
        signal=signal,
        feeds=platform.feeds,
    )
