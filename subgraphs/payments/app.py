"""The payments subgraph, wired."""

from collections.abc import Callable

from starlette.applications import Starlette

from common.clock import Clock
from common.events import Consumer
from common.settings import SubgraphSettings
from common.subgraph.app import SubgraphParts, create_subgraph
from common.subgraph.due import DueWorker, Signal
from common.subgraph.runtime import Platform
from subgraphs.payments.domain.provider import PaymentProvider
from subgraphs.payments.events import ORDER_CANCELLED, ORDER_CONFIRMED, PAYMENT_EVENTS, PAYMENT_REFUSED
from subgraphs.payments.loaders import PaymentLoaders
from subgraphs.payments.schema import schema
from subgraphs.payments.service.paying import Paying
from subgraphs.payments.service.refunding import Refunding
from subgraphs.payments.service.sandbox import SandboxProvider
from subgraphs.payments.service.settling import Settling
from subgraphs.payments.service.store import PaymentStore
from subgraphs.payments.service.tasks import Decisions, DueTasks
from subgraphs.payments.service.till import PaymentsService

NAME = "payments"


def create_app(
    settings: SubgraphSettings | None = None,
    *,
    clock: Clock | None = None,
    database_name: str = "",
    new_provider: Callable[[Platform], PaymentProvider] | None = None,
) -> Starlette:
    """The ASGI application; settings come from the environment, the provider is the sandbox unless given."""
    # pydantic-settings fills required fields from the environment, which type checkers cannot see
    settings = settings or SubgraphSettings()  # type: ignore[call-arg]

    def service(platform: Platform) -> PaymentsService:
        provider = new_provider(platform) if new_provider else SandboxProvider(platform.database, platform.clock)
        return new_service(platform, provider)

    parts = SubgraphParts(
        name=NAME,
        schema=schema,
        new_service=service,
        new_loaders=PaymentLoaders,
        consumers=lambda service: [
            Consumer(
                "payments-on-orders", (ORDER_CONFIRMED, ORDER_CANCELLED, PAYMENT_REFUSED), service.decisions.decided
            )
        ],
        workers=lambda service: [DueWorker(service.tasks.take_due, service.signal)],
        feeds=(PAYMENT_EVENTS,),
    )
    return create_subgraph(parts, settings, clock=clock, database_name=database_name)


def new_service(platform: Platform, provider: PaymentProvider) -> PaymentsService:
    database, clock, outbox = platform.database, platform.clock, platform.outbox
    store = PaymentStore(database, clock, outbox)
    settling = Settling(store)
    refunding = Refunding(database, clock, provider, store, settling)
    signal = Signal()
    return PaymentsService(
        store=store,
        paying=Paying(database, clock, platform.bus, provider, store, settling),
        refunding=refunding,
        decisions=Decisions(store, settling, refunding, signal),
        tasks=DueTasks(store, provider, settling, refunding),
        signal=signal,
        feeds=platform.feeds,
    )
