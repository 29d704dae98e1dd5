"""Events between subgraphs: recorded with the change, carried by NATS JetStream, had once; and commands.

    service -> Outbox.add -> Relay -> Bus -> ConsumerRunner -> inbox + handler     and, while the caller waits,
    Bus.request -> Bus.serve

Nothing acknowledged is lost and nothing happens twice, whatever is killed; see the modules for why.
"""

from common.events.after_commit import after_commit
from common.events.bus import Bus
from common.events.commands import CommandError, CommandHandler
from common.events.consumer import Consumer, EventHandler, OneStatement, RetryDelays
from common.events.dead_letters import DeadLetter, DeadLetters
from common.events.event import (
    Event,
    EventMetadata,
    MalformedEventError,
    decode_event,
    encode_event,
    new_event,
    subject_filter,
)
from common.events.feed import EventFeed
from common.events.follower import Follower
from common.events.inbox import CLAIM_PLACEHOLDERS, claim_clause, claim_values
from common.events.metrics import EventMetrics
from common.events.outbox import RECORD_PLACEHOLDERS, Outbox, record_clause, record_values
from common.events.relay import Relay, republish_since
from common.events.retention import Retention
from common.events.runner import ConsumerRunner
from common.events.sql import SqlConnection, Transactions
from common.events.watch import OutboxWatch

__all__ = [
    "CLAIM_PLACEHOLDERS",
    "RECORD_PLACEHOLDERS",
    "Bus",
    "CommandError",
    "CommandHandler",
    "Consumer",
    "ConsumerRunner",
    "DeadLetter",
    "DeadLetters",
    "Event",
    "EventFeed",
    "EventHandler",
    "EventMetadata",
    "EventMetrics",
    "Follower",
    "MalformedEventError",
    "OneStatement",
    "Outbox",
    "OutboxWatch",
    "Relay",
    "Retention",
    "RetryDelays",
    "SqlConnection",
    "Transactions",
    "after_commit",
    "claim_clause",
    "claim_values",
    "decode_event",
    "encode_event",
    "new_event",
    "record_clause",
    "record_values",
    "republish_since",
    "subject_filter",
]
