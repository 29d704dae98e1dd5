"""The orders subgraph, wired."""

from starlette.applications import Starlette

from common.clock import Clock
from common.events import Consumer
from common.settings import SubgraphSettings
from common.subgraph.app import SubgraphParts, create_subgraph
from common.subgraph.due import DueWorker, Signal
from common.subgraph.runtime import Platform
from subgraphs.orders.events import ORDER_EVENTS, PAYMENT_AUTHORIZED
from subgraphs.orders.loaders import OrderLoaders
from subgraphs.orders.schema import schema
from subgraphs.orders.service.cancelling import Cancelling
from subgraphs.orders.service.carts import Carts
from subgraphs.orders.service.desk import OrdersService
from subgraphs.orders.service.fulfilling import Fulfilling
from subgraphs.orders.service.moving import Moving
from subgraphs.orders.service.payments import Payments
from subgraphs.orders.service.placing import Placing
from subgraphs.orders.service.reading import Reading
from subgraphs.orders.service.saga import DueSteps, Saga
from subgraphs.orders.service.stock import Stock

NAME = "orders"


def create_app(
    settings: SubgraphSettings | None = None, *, clock: Clock | None = None, database_name: str = ""
) -> Starlette:
    """The ASGI application; settings come from the environment unless given."""
    # pydantic-settings fills required fields from the environment, which type checkers cannot see
    settings = settings or SubgraphSettings()  # type: ignore[call-arg]
    parts = SubgraphParts(
        name=NAME,
        schema=schema,
        new_service=new_service,
        new_loaders=OrderLoaders,
        commands=lambda service: {"payable": service.payments.payable},
        consumers=lambda service: [Consumer("orders-on-payments", (PAYMENT_AUTHORIZED,), service.payments.authorized)],
        workers=lambda service: [DueWorker(service.due_steps.take_due, service.signal)],
        feeds=(ORDER_EVENTS,),
    )
    return create_subgraph(parts, settings, clock=clock, database_name=database_name)


def new_service(platform: Platform) -> OrdersService:
    database, clock, outbox = platform.database, platform.clock, platform.outbox
    stock, carts, signal = Stock(platform.bus), Carts(database, clock), Signal()
    moving = Moving(database, clock, outbox)
    return OrdersService(
        reading=Reading(database),
        carts=carts,
        placing=Placing(database, clock, outbox, stock, carts, signal),
        cancelling=Cancelling(database, clock, moving, signal),
        fulfilling=Fulfilling(database, clock, outbox, moving),
        payments=Payments(moving, signal),
        due_steps=DueSteps(Saga(moving, stock)),
        signal=signal,
        feeds=platform.feeds,
    )
