"""What a consumer is: which events it wants, what to do with one, how often to try."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from common.events.event import Event
from common.events.sql import SqlConnection

EventHandler = Callable[[SqlConnection, Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class OneStatement:
    """An effect that is one statement, the inbox row included (`inbox.claim_clause`): it needs no transaction around.

    `have` runs it, and says False where the event was had before. What it does afterwards happens at most once.
    """

    have: Callable[[Event], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class RetryDelays:
    """Between tries of an event whose handler raised."""

    base_s: float = 1.0
    cap_s: float = 300.0
    max_attempts: int = 8

    def delay_s(self, attempt: int) -> float:
        """After the `attempt`-th try (from 1): full jitter, but at least a tenth, so that it is a pause."""
        ceiling_s = min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 60))
        return random.uniform(0.1, 1.0) * ceiling_s  # noqa: S311  # jitter


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who wants which events, and what to do with one.

    A function as `handle` runs in the transaction that writes the inbox row: it uses that connection and starts no
    tasks. Effects outside the database (an e-mail) use `event_id` as the provider's idempotency key.
    """

    #: durable name, unique over all subgraphs, e.g. "orders-on-payments"; renaming it means starting from the beginning
    name: str
    #: event types, e.g. ("payments.payment.authorized", "users.user.*", "orders.>")
    types: tuple[str, ...]
    handle: EventHandler | OneStatement
    concurrency: int = 8
    timeout_s: float = 20.0
    retry: RetryDelays = field(default_factory=RetryDelays)
