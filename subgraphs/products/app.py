"""The products subgraph, wired."""

from starlette.applications import Starlette

from common.clock import Clock
from common.events import Consumer
from common.settings import SubgraphSettings
from common.subgraph.app import SubgraphParts, create_subgraph
from common.subgraph.runtime import Platform
from subgraphs.products.events import FULFILLMENT_CREATED, STOCK_STATUS_CHANGED
from subgraphs.products.loaders import ProductLoaders
from subgraphs.products.schema import schema
from subgraphs.products.service.catalogue import Catalogue
from subgraphs.products.service.categories import Categories
from subgraphs.products.service.commands import Commands
from subgraphs.products.service.editing import Editing
from subgraphs.products.service.idempotently import Idempotently
from subgraphs.products.service.reservations import Reservations
from subgraphs.products.service.rush import Rush
from subgraphs.products.service.shop import ProductsService, ReservationSweeper
from subgraphs.products.service.stock_keeping import StockKeeping
from subgraphs.products.service.tree import Tree

NAME = "products"


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
        new_loaders=ProductLoaders,
        commands=lambda service: {
            "reserve": service.commands.reserve,
            "commit": service.commands.commit,
            "release": service.commands.release,
        },
        consumers=lambda service: [Consumer("products-on-fulfillments", (FULFILLMENT_CREATED,), service.ship)],
        workers=lambda service: [ReservationSweeper(service.reservations)],
        feeds=(STOCK_STATUS_CHANGED,),
    )
    return create_subgraph(parts, settings, clock=clock, database_name=database_name)


def new_service(platform: Platform) -> ProductsService:
    database, clock, outbox = platform.database, platform.clock, platform.outbox
    categories = Categories.open(database, platform.caches)
    idempotently = Idempotently(database, clock)
    reservations = Reservations(database, clock, outbox)
    return ProductsService(
        catalogue=Catalogue(database),
        categories=categories,
        editing=Editing(database, clock, idempotently),
        tree=Tree(database, categories),
        stock_keeping=StockKeeping(database, clock, outbox, idempotently),
        reservations=reservations,
        commands=Commands(reservations, Rush(reservations)),
        feeds=platform.feeds,
    )
