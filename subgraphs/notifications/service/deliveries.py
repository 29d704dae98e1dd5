"""Messages on their way out: leased to a process, handed to a provider, marked. Several processes share the table.

A message is leased by moving its `due_at`; who dies with it loses the lease, and it leaves again under the same
idempotency key. No transaction is open while a provider is asked.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import orjson
import structlog
from opentelemetry.context import Context
from opentelemetry.trace import SpanKind, Tracer
from prometheus_client import Counter

from common.clock import Clock
from common.errors import PunnetError
from common.failpoints import failpoint
from common.subgraph.database import Database, Row
from subgraphs.notifications.domain.rendering import Text, render
from subgraphs.notifications.domain.retries import MAX_ATTEMPTS, pause_before
from subgraphs.notifications.domain.words import Channel, DeliveryStatus
from subgraphs.notifications.errors import DeliveryError, UndeliverableError

log = structlog.get_logger(__name__)

#: one try, whatever the provider does
DELIVERY_TIMEOUT_S = 20.0
#: longer than a try: nobody else takes a message that is on its way
LEASE = timedelta(seconds=30)
CONCURRENCY = 8
#: taken from the table at once
BATCH = 20
#: in hand; what does not fit stays in the table until its lease is over
MAX_IN_HAND = 500
POLL_S = 0.5

COLUMNS = "id, event_id, user_id, channel, template, data, title, body, attempts"


@dataclass(frozen=True, slots=True)
class Delivery:
    id: UUID
    event_id: UUID
    user_id: UUID
    channel: Channel
    template: str
    data: Mapping[str, str]
    #: texts of a message of an older version, which has no data
    title: str | None
    body: str | None
    #: tries before this one
    attempts: int

    def text(self, locale: str) -> Text:
        if self.title is not None and self.body is not None:
            return Text(self.title, self.body)
        return render(self.template, locale, self.data)


class Sender(Protocol):
    async def send(self, delivery: Delivery) -> None:
        """Raises DeliveryError (try again), UndeliverableError (do not) or an error of ours (try again)."""

    async def close(self) -> None:
        """Connections to the provider."""


def delivery_of(row: Row) -> Delivery:
    data = row["data"]
    if isinstance(data, str):
        data = orjson.loads(data)
    return Delivery(
        id=row["id"],
        event_id=row["event_id"],
        user_id=row["user_id"],
        channel=Channel(row["channel"]),
        template=row["template"],
        data=data or {},
        title=row["title"],
        body=row["body"],
        attempts=row["attempts"],
    )


@dataclass(slots=True)
class Deliveries:
    """Worker: sends what it is handed, and what it finds due in the table."""

    database: Database
    clock: Clock
    senders: Mapping[Channel, Sender]
    tracer: Tracer
    #: messages by channel and what became of a try
    tries: Counter
    #: with the trace of the event they tell about
    _in_hand: asyncio.Queue[tuple[Delivery, Context | None]] = field(default_factory=lambda: asyncio.Queue(MAX_IN_HAND))
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def hand_over(self, delivery: Delivery, trace: Context | None = None) -> None:
        """One whose row is leased to this process; its sending becomes part of the trace, if there is one."""
        with contextlib.suppress(asyncio.QueueFull):  # it is found again when its lease is over
            self._in_hand.put_nowait((delivery, trace))

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        """Until `stop`: deliveries at work end, those in hand are given back."""
        try:
            async with asyncio.TaskGroup() as tasks:
                senders = [tasks.create_task(self._send_in_hand()) for _ in range(CONCURRENCY)]
                taking = tasks.create_task(self._take_due())
                await self._stopped.wait()
                taking.cancel()
                for task in senders:
                    task.cancel()
            await self._give_back()
        finally:
            for sender in self.senders.values():
                await sender.close()

    async def _send_in_hand(self) -> None:
        while not self._stopped.is_set():
            delivery, trace = await self._in_hand.get()
            # a stop cancels waiting for the next one, not the one at work
            await _uncancelled(self._deliver_traced(delivery, trace))

    async def _deliver_traced(self, delivery: Delivery, trace: Context | None) -> None:
        with self.tracer.start_as_current_span(
            f"send {delivery.channel.value}",
            context=trace,
            kind=SpanKind.CLIENT,
            attributes={"notification.template": delivery.template, "notification.attempt": delivery.attempts + 1},
        ):
            await self.deliver(delivery)

    async def _take_due(self) -> None:
        while True:
            try:
                if await self.take_due() < BATCH:
                    await asyncio.sleep(POLL_S)
            except Exception as exc:  # the border: the database is away
                log.warning("messages that are due cannot be looked for", error=repr(exc))
                await asyncio.sleep(POLL_S)

    async def take_due(self) -> int:
        """Leases messages whose time has come, as far as there is room for them."""
        room = min(BATCH, self._in_hand.maxsize - self._in_hand.qsize())
        if room <= 0:
            return 0
        now = self.clock.now()
        rows = await self.database.fetch(
            f"""UPDATE notification SET due_at = $2 WHERE id IN
                  (SELECT id FROM notification WHERE status = 'QUEUED' AND due_at <= $1
                   ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED)
                RETURNING {COLUMNS}""",
            [now, now + LEASE, room],
        )
        for row in rows:
            self.hand_over(delivery_of(row))
        return len(rows)

    async def deliver(self, delivery: Delivery) -> None:
        """One try, and its mark in the row. Raises nothing: a mark that cannot be written leaves the lease to end."""
        attempt = delivery.attempts + 1
        status: DeliveryStatus = DeliveryStatus.SENT
        error: str | None = None
        due_at = self.clock.now()
        try:
            failpoint("notifications.send.before_call")
            async with asyncio.timeout(DELIVERY_TIMEOUT_S):
                await self.senders[delivery.channel].send(delivery)
            failpoint("notifications.send.after_call")
        except UndeliverableError as exc:
            status, error = DeliveryStatus.FAILED, str(exc)
        except (DeliveryError, PunnetError, TimeoutError) as exc:
            is_over = attempt >= MAX_ATTEMPTS
            log.warning(
                "a message could not be handed over",
                notification=str(delivery.id),
                channel=delivery.channel.value,
                attempt=attempt,
                error=repr(exc),
                is_over=is_over,
            )
            status, error = (DeliveryStatus.DEAD if is_over else DeliveryStatus.QUEUED), repr(exc)
            due_at += pause_before(attempt)
        except Exception as exc:  # the border: a mistake in one message must not end the others
            log.exception("a message cannot be made", notification=str(delivery.id))
            status, error = DeliveryStatus.DEAD, repr(exc)
        self.tries.labels(delivery.channel.value, status.value).inc()
        try:
            await self._mark(delivery.id, status, attempt, due_at, error)
        except Exception as exc:  # the border: the database is away
            log.warning("a delivery could not be noted", notification=str(delivery.id), error=repr(exc))
        failpoint("notifications.send.after_commit")

    async def _mark(self, row_id: UUID, status: DeliveryStatus, attempts: int, due_at: Any, error: str | None) -> None:
        await self.database.fetch(
            """UPDATE notification SET status = $2, attempts = $3, due_at = $4, last_error = $5
               WHERE id = $1 AND status = 'QUEUED'""",
            [row_id, status.value, attempts, due_at, error],
        )

    async def _give_back(self) -> None:
        """What is in hand and was not tried."""
        ids: list[UUID] = []
        while not self._in_hand.empty():
            ids.append(self._in_hand.get_nowait()[0].id)
        if ids:
            await self.database.fetch(
                "UPDATE notification SET due_at = $2 WHERE id = any($1) AND status = 'QUEUED'",
                [ids, self.clock.now()],
            )


async def _uncancelled(work: Any) -> None:
    """Waits for the end of the work also when the waiting task is cancelled, which then takes effect."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
