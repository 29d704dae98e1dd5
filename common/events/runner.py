"""Bus -> effect: each event's effect happens once per consumer, or the event ends as a dead letter to be replayed.

    delivery -> transaction { inbox row, handler } -> acknowledgement

Killed anywhere, the event is delivered again; the inbox row tells whether the effect is there. When a handler raises,
its transaction is rolled back and it is tried again after 1 s · 2^n, jittered, at most 5 min; after the eighth try the
event becomes a dead letter. Meanwhile later events of the same aggregate wait behind it and all others go on: the
aggregate is parked, not the stream. Deliveries in hand are kept alive at the server, so one that waits is not delivered
twice.

Order: events of one aggregate are handled one after the other, as delivered, within a process, and across its crash:
who starts begins with what was not acknowledged. Replicas share the deliveries and may overtake each other; a handler
that minds compares `aggregate_version`, or the consumer is `latest_only`.
"""

import asyncio
from contextlib import suppress
from itertools import count

import nats.errors
import structlog
from nats.aio.msg import Msg

from common.clock import Clock
from common.events.bus import STREAM, Bus
from common.events.consumer import Consumer
from common.events.event import Event, MalformedEventError, decode_event, subject_filter
from common.events.handling import DatabaseAwayError, EventHandling
from common.events.metrics import EventMetrics
from common.events.pull import PullSubscription
from common.events.sql import Transactions
from common.events.turns import Turns
from common.failpoints import failpoint

#: after this without a sign of life JetStream delivers to somebody else: what a kill -9 costs in delay
ACK_WAIT_S = 15.0
_REPLAY_POLL_S = 1.0
_MAX_PAUSE_AFTER_ERROR_S = 2.0
#: between looks at a database that is away
_MAX_OUTAGE_PAUSE_S = 1.0
#: deliveries in hand, waiting and parked ones together
_MAX_HELD = 2000

_log = structlog.get_logger(__name__)


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
        self._handling = EventHandling(consumer, database, clock=clock, tracer=bus.tracer, metrics=metrics)
        self._ack_wait_s = ack_wait_s
        self._turns = Turns()
        self._slots = asyncio.Semaphore(consumer.concurrency)
        self._outage = asyncio.Lock()
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
                await subscription.open(begins_anew=not self._held)
                failures = 0
                while True:
                    async for message in subscription.receive(await self._room()):
                        number = next(self._numbers)
                        self._held[number] = message
                        deliveries.create_task(self._deliver(number, message))
            except nats.errors.Error as exc:
                failures += 1
                _log.warning("events cannot be received at the moment", consumer=self._consumer.name, error=repr(exc))
                await asyncio.sleep(min(_MAX_PAUSE_AFTER_ERROR_S, 0.1 * 2.0 ** min(failures, 10)))
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

    async def _replay(self) -> None:
        """Looks for dead letters to try again."""
        while True:
            await asyncio.sleep(_REPLAY_POLL_S)
            try:
                while await self._handling.replay_next():
                    pass
            except Exception as exc:  # the border: the database is away
                _log.warning("dead letters cannot be looked at", consumer=self._consumer.name, error=repr(exc))

    async def _deliver(self, number: int, message: Msg) -> None:
        try:
            is_done = await self._process(message)
            failpoint("events.consumer.before_ack")
            await (message.ack() if is_done else message.nak())
            failpoint("events.consumer.after_ack")
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
        attempt = message.metadata.num_delivered
        async with self._turns.of(event.aggregate_id):
            while not self._stopped.is_set():
                try:
                    async with self._slots:
                        if self._stopped.is_set():
                            return False
                        error = await self._handling.attempt(event)
                except DatabaseAwayError as exc:
                    await self._wait_for_database(exc)
                    continue
                if error is None:
                    return True
                if attempt >= self._consumer.retry.max_attempts:
                    return await self._give_up(message, event, error, attempt)
                await self._park(self._consumer.retry.delay_s(attempt))
                attempt += 1
        return False

    async def _give_up(self, message: Msg, event: Event | None, error: str, attempts: int) -> bool:
        """True when the dead letter is written. False: we are stopping."""
        while not self._stopped.is_set():
            try:
                await self._handling.give_up(
                    event, subject=message.subject, data=message.data, error=error, attempts=attempts
                )
            except DatabaseAwayError as exc:
                await self._wait_for_database(exc)
            else:
                return True
        return False

    async def _wait_for_database(self, reason: DatabaseAwayError) -> None:
        """Until it answers or we are stopped. One of those who wait asks it, the others queue."""
        pause_s = 0.1
        async with self._outage:
            while not self._stopped.is_set() and not await self._handling.is_database_there():
                _log.warning("the database is away", consumer=self._consumer.name, error=repr(reason.__cause__))
                await self._park(pause_s)
                pause_s = min(2 * pause_s, _MAX_OUTAGE_PAUSE_S)

    async def _park(self, delay_s: float) -> None:
        """Waits without being in the way of other deliveries; shorter if we are stopped."""
        self._parked_count += 1
        self._has_room.set()
        try:
            async with asyncio.timeout(delay_s):
                await self._stopped.wait()
        except TimeoutError:
            return
        finally:
            self._parked_count -= 1
