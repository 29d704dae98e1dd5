"""Use cases of notifications: recording messages, sending them, preferences and devices, dead letters."""

from dataclasses import dataclass

from common.events import EventFeed
from common.subgraph.database import Database
from subgraphs.notifications.service.deliveries import Deliveries
from subgraphs.notifications.service.devices import PushDevices
from subgraphs.notifications.service.inbox import UserInbox
from subgraphs.notifications.service.messages import MessageRecorder
from subgraphs.notifications.service.operations import DeadLetterDesk, FoundLetter


@dataclass(frozen=True, slots=True)
class NotificationService:
    database: Database
    inbox: UserInbox
    devices: PushDevices
    recorder: MessageRecorder
    deliveries: Deliveries
    dead_letters: DeadLetterDesk
    #: `notifications.notification.received`
    received: EventFeed


__all__ = ["FoundLetter", "NotificationService"]
