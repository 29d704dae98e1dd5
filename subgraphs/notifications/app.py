"""The notifications subgraph, wired."""

from starlette.applications import Starlette

from common.clock import Clock
from common.events import Consumer
from common.subgraph.app import SubgraphParts, create_subgraph
from common.subgraph.due import DueWorker, Signal
from common.subgraph.runtime import Platform
from subgraphs.notifications.domain import EVENT_TYPES
from subgraphs.notifications.events import CONSUMER, RECEIVED
from subgraphs.notifications.loaders import NotificationLoaders
from subgraphs.notifications.schema import schema
from subgraphs.notifications.service import NotificationService
from subgraphs.notifications.service.inbox import UserInbox
from subgraphs.notifications.service.mail import Mailer, RecordOnlyMailer, SmtpMailer
from subgraphs.notifications.service.messages import MessageRecorder
from subgraphs.notifications.service.operations import DeadLetterDesk
from subgraphs.notifications.service.sender import MailSender
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

    def new_service(platform: Platform) -> NotificationService:
        mail_due = Signal()
        return NotificationService(
            database=platform.database,
            inbox=UserInbox(platform.database, platform.clock),
            recorder=MessageRecorder(platform.outbox, platform.clock, mail_due),
            sender=MailSender(platform.database, platform.bus, mail_out, platform.clock),
            mail_due=mail_due,
            dead_letters=DeadLetterDesk(platform.bus),
            received=platform.feeds[RECEIVED],
        )

    parts = SubgraphParts(
        name=NAME,
        schema=schema,
        new_service=new_service,
        new_loaders=NotificationLoaders,
        consumers=lambda service: [Consumer(CONSUMER, EVENT_TYPES, service.recorder.handle)],
        workers=lambda service: [DueWorker(service.sender.send_due, service.mail_due)],
        feeds=[RECEIVED],
    )
    return create_subgraph(parts, settings, clock=clock, database_name=database_name)


def _mailer(settings: NotificationsSettings) -> Mailer:
    if settings.smtp_url is None:
        return RecordOnlyMailer()
    return SmtpMailer(settings.smtp_url.get_secret_value(), settings.mail_from)
