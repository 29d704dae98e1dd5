"""Bus -> effect: each event's effect happens once per consumer, or the event ends as a dead letter to be replayed.

    delivery -> transaction { inbox row, handler } -> acknowledgement

Killed anywhere, the event is delivered again; the inbox row tells whether the effect is there. When a handler raises,
its transaction is rolled back and it is tried again after 1 s · 2^n, jittered, at most 5 min; after the eighth try
the event becomes a dead letter. Meanwhile later events of the same aggregate wait behind it and all others go on: the
aggregate is parked, not the stream. Deliveries in hand are kept alive at the server, so one that waits is not
delivered twice.

Order: events of one aggregate are handled one after the other, as delivered, within a process. Replicas share the
deliveries and may overtake each other; a handler that minds compares `aggregate_version`, or the consumer is
`latest_only`.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

import nats.errors
import structlog
from nats.aio.msg import Msg
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from common.clock import Clock
from common.events.bus import STREAM, Bus
from common.events.dead_letters import DeadLetter, DeadLetters
from common.events.event import Event, MalformedEventError, decode_event, subject_filter
from common.events.inbox import claim
from common.events.metrics import EventMetrics
from common.events.pull import PullSubscription
from common.events.sql import SqlConnection, Transactions
from common.events.turns import Turns
from common.resilience.deadline import deadline_scope

_REPLAY_POLL_S = 1.0
_MAX_PAUSE_AFTER_ERROR_S = 5.0
#: after this without a sign of life JetStream delivers to somebody else: what a kill -9 costs in delay
ACK_WAIT_S = 15.0
#: deliveries in hand, waiting and parked ones together
_MAX_HELD = 2000
_PROPAGATOR = TraceContextTextMapPropagator()

EventHandler = Callable[[SqlConnection, Event], Awaitable[None]]

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RetryDelays:
    """Between deliveries of an event whose handler raised."""

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

    `handle` runs in the transaction that writes the inbox row: it uses that connection and starts no tasks. Effects
    outside the database (an e-mail) use `event_id` as the provider's idempotency key.
    """

    #: durable name, unique over all subgraphs, e.g. "orders-on-payments"; renaming it means starting from the beginning
    name: str
    #: event types, e.g. ("payments.payment.authorized", "users.user.*", "orders.>")
    types: tuple[str, ...]
    handle: EventHandler
    #: drop events older than one already had of the same aggregate
    latest_only: bool = False
    concurrency: int = 8
    timeout_s: float = 20.0
    retry: RetryDelays = field(default_factory=RetryDelays)


class ConsumerRunner:
    """Runs one consumer in this process; replicas share the deliveries."""

    def __init__(
        self,
        consumer: Consumer,
        bus: Bus,
        database: Transactions,
        *,
        clock: Clock,
        metrics: EventMetrics | None = None,
        ack_wait_s: float = ACK_WAIT_S,
    ) -> None:
        """`ack_wait_s`: see ACK_WAIT_S; the same for all replicas."""
        self._consumer = consumer
        self._bus = bus
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._ack_wait_s = ack_wait_s
        self._dead_letters = DeadLetters(clock)
        self._turns = Turns()
        self._slots = asyncio.Semaphore(consumer.concurrency)
        self._stopped = asyncio.Event()
        #: deliveries we have not acknowledged, by their number here
        self._held: dict[int, Msg] = {}
        self._parked_count = 0
        self._has_room = asyncio.Event()
        self._numbers = count()

    def stop(self) -> None:
        """`run` finishes the handlers at work, gives back all other deliveries and returns."""
        self._stopped.set()

    async def run(self) -> None:
        """Until `stop`. Errors of bus and database are logged and waited out."""
        async with asyncio.TaskGroup() as deliveries, asyncio.TaskGroup() as loops:
            receiving = loops.create_task(self._receive(deliveries))
            replaying = loops.create_task(self._replay())
            keeping = loops.create_task(self._keep_alive())
            await self._stopped.wait()
            receiving.cancel()
            while self._held:
                self._has_room.clear()
                await self._has_room.wait()
            replaying.cancel()
            keeping.cancel()

    async def _receive(self, deliveries: asyncio.TaskGroup) -> None:
        failures = 0
        while True:
            subscription = self._subscription()
            try:
                await subscription.open()
                failures = 0
                while True:
                    async for message in subscription.receive(await self._room()):
                        number = next(self._numbers)
                        self._held[number] = message
                        deliveries.create_task(self._deliver(number, message))
            except nats.errors.Error as exc:
                failures += 1
                _log.warning("events cannot be received at the moment", consumer=self._consumer.name, error=repr(exc))
                await asyncio.sleep(min(_MAX_PAUSE_AFTER_ERROR_S, 0.1 * 2**failures))
                await self._restore_stream()
            finally:
                await subscription.close()

    async def _room(self) -> int:
        """How many deliveries to ask for: enough to keep every slot busy, not so many that they pile up here."""
        while True:
            waiting_count = len(self._held) - self._parked_count
            room = min(2 * self._consumer.concurrency - waiting_count, _MAX_HELD - len(self._held))
            if room > 0:
                return room
            self._has_room.clear()
            await self._has_room.wait()

    async def _restore_stream(self) -> None:
        try:
            await self._bus.ensure_stream()
        except nats.errors.Error as exc:
            _log.warning("the stream cannot be created at the moment", error=repr(exc))

    def _subscription(self) -> PullSubscription:
        return PullSubscription(
            self._bus.client,
            self._bus.jetstream,
            stream=STREAM,
            durable=self._consumer.name,
            subjects=[subject_filter(pattern) for pattern in self._consumer.types],
            ack_wait_s=self._ack_wait_s,
            max_ack_pending=2 * _MAX_HELD,
        )

    async def _keep_alive(self) -> None:
        """Tells the server that what we hold is being worked on."""
        while True:
            await asyncio.sleep(self._ack_wait_s / 3)
            for message in list(self._held.values()):
                with suppress(nats.errors.Error):
                    await message.in_progress()

    async def _deliver(self, number: int, message: Msg) -> None:
        try:
            is_done = await self._process(message)
            await (message.ack() if is_done else message.nak())
        except nats.errors.Error as exc:
            # not acknowledged: it is delivered again and the inbox knows it
            _log.warning("a delivery could not be acknowledged", consumer=self._consumer.name, error=repr(exc))
        finally:
            del self._held[number]
            self._has_room.set()

    async def _process(self, message: Msg) -> bool:
        """True: handled, had before, or a dead letter now. False: we are stopping."""
        try:
            event = decode_event(message.data)
        except MalformedEventError as exc:
            return await self._give_up(message, None, str(exc), attempts=1)
        earlier_tries = message.metadata.num_delivered - 1
        async with self._turns.of(event.aggregate_id):
            for attempt in count(earlier_tries + 1):
                async with self._slots:
                    if self._stopped.is_set():
                        return False
                    error = await self._try(event)
                if error is None:
                    return True
                is_last = attempt >= self._consumer.retry.max_attempts
                if is_last and await self._give_up(message, event, error, attempt):
                    return True
                self._observe("retried")
                await self._park(self._consumer.retry.delay_s(attempt))
        raise AssertionError("unreachable: count() does not end")

    async def _park(self, delay_s: float) -> None:
        self._parked_count += 1
        self._has_room.set()
        try:
            async with asyncio.timeout(delay_s):
                await self._stopped.wait()
        except TimeoutError:
            return
        finally:
            self._parked_count -= 1

    async def _try(self, event: Event) -> str | None:
        """One try; what went wrong, None if nothing."""
        with self._span(event) as span:
            try:
                async with asyncio.timeout(self._consumer.timeout_s), self._database.transaction() as connection:
                    is_new = await self._have_effect(connection, event)
            except Exception as exc:  # the border: a handler's mistake must not end the consumer
                span.set_status(StatusCode.ERROR)
                _log.warning(
                    "an event could not be handled",
                    consumer=self._consumer.name,
                    event_id=str(event.event_id),
                    event_type=event.type,
                    exc_info=True,
                )
                return repr(exc)
        self._observe("handled" if is_new else "duplicate")
        return None

    async def _have_effect(self, connection: SqlConnection, event: Event) -> bool:
        """False: it was had before."""
        consumer = self._consumer
        if not await claim(connection, consumer.name, event, clock=self._clock, latest_only=consumer.latest_only):
            return False
        with deadline_scope(consumer.timeout_s):
            await consumer.handle(connection, event)
        return True

    async def _give_up(self, message: Msg, event: Event | None, error: str, attempts: int) -> bool:
        """False: the dead letter cannot be written either, so the event stays where it is."""
        try:
            async with self._database.transaction() as connection:
                await self._dead_letters.record(
                    connection,
                    consumer=self._consumer.name,
                    event=event,
                    subject=message.subject,
                    data=message.data,
                    error=error,
                    attempts=attempts,
                )
        except Exception:  # the border: the database is away, the delivery is kept
            _log.exception("a dead letter could not be written", consumer=self._consumer.name)
            return False
        _log.error("an event became a dead letter", consumer=self._consumer.name, subject=message.subject, error=error)
        self._observe("dead")
        return True

    async def _replay(self) -> None:
        """Looks for dead letters to try again."""
        while True:
            await asyncio.sleep(_REPLAY_POLL_S)
            try:
                while await self._replay_next():
                    pass
            except Exception:  # the border: the database is away
                _log.warning("dead letters cannot be looked at", consumer=self._consumer.name, exc_info=True)

    async def _replay_next(self) -> bool:
        """One replay, its mark in the same transaction; False if there is none to do."""
        letter: DeadLetter | None = None
        try:
            async with self._database.transaction() as connection:
                letter = await self._dead_letters.next_replay(connection, self._consumer.name)
                if letter is None:
                    return False
                async with asyncio.timeout(self._consumer.timeout_s):
                    await self._have_effect(connection, decode_event(letter.event.encode()))
                await self._dead_letters.resolve(connection, letter.id)
        except Exception as exc:  # the border: a handler's mistake must not end the consumer
            if letter is None:
                raise
            async with self._database.transaction() as connection:
                await self._dead_letters.fail(connection, letter.id, repr(exc))
        return True

    @contextmanager
    def _span(self, event: Event) -> Iterator[Span]:
        """Part of the trace in which the event was recorded."""
        parent = event.metadata.traceparent
        context = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
        with self._bus.tracer.start_as_current_span(
            f"{self._consumer.name} {event.type}",
            context=context,
            kind=SpanKind.CONSUMER,
            attributes={"messaging.message.id": str(event.event_id)},
        ) as span:
            yield span

    def _observe(self, outcome: str) -> None:
        if self._metrics is not None:
            self._metrics.consumed(self._consumer.name, outcome)
