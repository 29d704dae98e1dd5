"""The notifications subgraph, wired."""

from pydantic import SecretStr
from starlette.applications import Starlette

from common.clock import Clock
from common.events import Consumer
from common.events.consumer import OneStatement
from common.subgraph.app import SubgraphParts, create_subgraph
from common.subgraph.data_keys import DataKeys
from common.subgraph.runtime import Platform
from common.telemetry import Metrics
from subgraphs.notifications.domain.messages import EVENT_TYPES
from subgraphs.notifications.domain.words import Channel
from subgraphs.notifications.events import CONSUMER, RECEIVED
from subgraphs.notifications.loaders import NotificationLoaders
from subgraphs.notifications.schema import schema
from subgraphs.notifications.service import NotificationService
from subgraphs.notifications.service.deliveries import Deliveries, Sender
from subgraphs.notifications.service.devices import PushDevices
from subgraphs.notifications.service.inbox import UserInbox
from subgraphs.notifications.service.mail import Mailer, RecordOnlyMailer, SmtpMailer
from subgraphs.notifications.service.messages import MessageRecorder
from subgraphs.notifications.service.operations import DeadLetterDesk
from subgraphs.notifications.service.providers import provider_of
from subgraphs.notifications.service.senders import Contacts, MailSender, PushSender, SmsSender
from subgraphs.notifications.settings import NotificationsSettings

NAME = "notifications"


def create_app(
    settings: NotificationsSettings | None = None,
    *,
    clock: Clock | None = None,
    database_name: str = "",
    mailer: Mailer | None = None,
) -> Starlette:
    """The ASGI application; settings come from the environment unless given. Tests pass a `mailer` of their own."""
    # pydantic-settings fills required fields from the environment, which type checkers cannot see
    settings = settings or NotificationsSettings()  # type: ignore[call-arg]
    mail_out = mailer or _mailer(settings)

    parts = SubgraphParts(
        name=NAME,
        schema=schema,
        new_service=lambda platform: _service(settings, platform, mail_out),
        new_loaders=NotificationLoaders,
        consumers=lambda service: [Consumer(CONSUMER, EVENT_TYPES, OneStatement(service.recorder.have))],
        workers=lambda service: [service.deliveries],
        feeds=[RECEIVED],
    )
    return create_subgraph(parts, settings, clock=clock, database_name=database_name)


def _service(settings: NotificationsSettings, platform: Platform, mailer: Mailer) -> NotificationService:
    database, clock = platform.database, platform.clock
    contacts, devices = Contacts(platform.bus), PushDevices(database, DataKeys(settings.key_ring(), clock), clock)
    senders: dict[Channel, Sender] = {
        Channel.EMAIL: MailSender(contacts, mailer),
        Channel.SMS: SmsSender(contacts, provider_of(settings.sms_url, _secret(settings.sms_key))),
        Channel.PUSH: PushSender(contacts, devices, provider_of(settings.push_url, _secret(settings.push_key))),
    }
    tries = Metrics().counter("punnet_messages_total", "Tries to hand a message over", ("channel", "outcome"))
    deliveries = Deliveries(database, clock, senders, platform.telemetry.tracer, tries)
    return NotificationService(
        database=database,
        inbox=UserInbox(database, clock),
        devices=devices,
        recorder=MessageRecorder(database, platform.outbox, clock, deliveries),
        deliveries=deliveries,
        dead_letters=DeadLetterDesk(platform.bus, database, clock),
        received=platform.feeds[RECEIVED],
    )


def _mailer(settings: NotificationsSettings) -> Mailer:
    if settings.smtp_url is None:
        return RecordOnlyMailer()
    return SmtpMailer(settings.smtp_url.get_secret_value(), settings.mail_from)


def _secret(key: SecretStr | None) -> str:
    return key.get_secret_value() if key else ""
