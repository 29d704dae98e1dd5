"""The payments subgraph, wired."""

from collections.abc import Callable
from datetime import timedelta

from starlette.applications import Starlette

from common.clock import Clock
from common.events import Consumer, OneStatement
from common.flags import Flags
from common.subgraph.app import SubgraphParts, create_subgraph
from common.subgraph.due import DueWorker, Signal
from common.subgraph.runtime import Platform, Worker
from subgraphs.payments.domain.provider import PaymentProvider
from subgraphs.payments.events import (
    ORDER_CANCELLED,
    ORDER_COMPLETED,
    ORDER_CONFIRMED,
    PAYMENT_EVENTS,
    PAYMENT_REFUSED,
    USER_ERASED,
)
from subgraphs.payments.loaders import PaymentLoaders
from subgraphs.payments.schema import schema
from subgraphs.payments.service import tasks, webhooks
from subgraphs.payments.service.decisions import CONSUMER, Decisions
from subgraphs.payments.service.listening import WebhookListener, webhook_route
from subgraphs.payments.service.managing import Managing
from subgraphs.payments.service.methods import Methods
from subgraphs.payments.service.opening import Opening
from subgraphs.payments.service.paying import Paying
from subgraphs.payments.service.provider.cash import CashProvider
from subgraphs.payments.service.provider.choice import ChosenProvider
from subgraphs.payments.service.provider.client import ProviderClient
from subgraphs.payments.service.provider.intents import IntentProvider
from subgraphs.payments.service.refunding import Refunding
from subgraphs.payments.service.settling import Settling
from subgraphs.payments.service.store import PaymentStore
from subgraphs.payments.service.tasks import DueTasks
from subgraphs.payments.service.till import PaymentsService, Signals
from subgraphs.payments.service.webhooks import Webhooks
from subgraphs.payments.service.workers import LastToClose, NowAndThen
from subgraphs.payments.settings import PaymentsSettings, refund_limits

NAME = "payments"
#: nothing older is believed a second time: the provider gives up long before
WEBHOOKS_KEPT = timedelta(days=7)
_SWEEP_PAUSE_S = 3600.0
#: what the provider was not told of when it was away, it is told later; so is what came after an erasure
_FORGET_PAUSE_S = 30.0

ProviderWrapper = Callable[[PaymentProvider], PaymentProvider]


def create_app(
    settings: PaymentsSettings | None = None,
    *,
    clock: Clock | None = None,
    database_name: str = "",
    wrap_provider: ProviderWrapper = lambda provider: provider,
) -> Starlette:
    """The ASGI application; settings come from the environment. `wrap_provider` puts something around the provider."""
    # pydantic-settings fills required fields from the environment, which type checkers cannot see
    configured = settings or PaymentsSettings()  # type: ignore[call-arg]

    def workers(service: PaymentsService) -> list[Worker]:
        signals = service.signals
        asking: list[Worker] = [
            DueWorker(service.tasks.take_due, signals.tasks, batch=tasks.BATCH),
            DueWorker(service.webhooks.take_due, signals.webhooks, batch=webhooks.BATCH),
            NowAndThen(service.methods.clear_up, _FORGET_PAUSE_S, signals.methods),
            NowAndThen(lambda: service.webhooks.sweep(WEBHOOKS_KEPT), _SWEEP_PAUSE_S),
        ]
        if configured.payment_webhook_listen:
            asking.append(WebhookListener(configured.payment_webhook_listen, lambda: service.webhooks))
        return [LastToClose(asking, service.close)]

    parts = SubgraphParts(
        name=NAME,
        schema=schema,
        new_service=lambda platform: new_service(platform, configured, wrap_provider),
        new_loaders=PaymentLoaders,
        consumers=lambda service: [
            Consumer(
                CONSUMER,
                (ORDER_CONFIRMED, ORDER_COMPLETED, ORDER_CANCELLED, PAYMENT_REFUSED),
                OneStatement(service.decisions.decided),
            ),
            Consumer("payments-on-users", (USER_ERASED,), service.methods.erased),
        ],
        workers=workers,
        feeds=(PAYMENT_EVENTS,),
        routes=lambda running: [webhook_route(lambda: running().webhooks)],
    )
    return create_subgraph(parts, configured, clock=clock, database_name=database_name)


def new_service(platform: Platform, settings: PaymentsSettings, wrap: ProviderWrapper) -> PaymentsService:
    database, clock = platform.database, platform.clock
    client = ProviderClient(
        settings.payment_provider_url,
        settings.payment_provider_key.get_secret_value(),
        timeout_s=settings.payment_provider_timeout_s,
        clock=clock,
        tracer=platform.telemetry.tracer,
    )
    provider = wrap(ChosenProvider(cash=CashProvider(), other=IntentProvider(client)))
    store = PaymentStore(database, clock, platform.outbox)
    settling = Settling(store)
    refunding = Refunding(database, clock, provider, store, settling, refund_limits(settings.support_refund_limits))
    signals, flags = Signals(Signal(), Signal(), Signal()), Flags(settings.flags, clock=clock)
    bus, timeout_s = platform.bus, settings.command_timeout_s
    due = DueTasks(store, provider, settling, refunding, signals.tasks)
    return PaymentsService(
        store=store,
        paying=Paying(database, clock, bus, timeout_s, provider, store, Opening(store, signals.tasks), settling, flags),
        refunding=refunding,
        managing=Managing(database, clock, store, settling, due),
        methods=Methods(database, clock, provider, store, signals.methods),
        decisions=Decisions(store, settling, refunding, due, signals.tasks),
        tasks=due,
        webhooks=Webhooks(database, clock, provider, store, settling, signals.webhooks, settings.webhook_secrets()),
        signals=signals,
        close=client.close,
        feeds=platform.feeds,
    )
