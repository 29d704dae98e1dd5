"""Use cases of notifications: recording messages, sending e-mail, preferences, and dead letters of all subgraphs."""

from dataclasses import dataclass

from common.events import EventFeed
from common.subgraph.database import Database
from common.subgraph.due import Signal
from subgraphs.notifications.service.inbox import UserInbox
from subgraphs.notifications.service.messages import MessageRecorder
from subgraphs.notifications.service.operations import DeadLetterDesk, FoundLetter
from subgraphs.notifications.service.sender import MailSender


@dataclass(frozen=True, slots=True)
class NotificationService:
    database: Database
    inbox: UserInbox
    recorder: MessageRecorder
    sender: MailSender
    #: there is e-mail to send
    mail_due: Signal
    dead_letters: DeadLetterDesk
    #: `notifications.notification.received`
    received: EventFeed


__all__ = ["FoundLetter", "NotificationService"]
