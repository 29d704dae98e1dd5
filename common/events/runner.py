"""Bus -> effect: each event's effect happens once per consumer, or the event ends as a dead letter to be replayed.

    delivery -> transaction { inbox row, handler } -> acknowledgement

Killed anywhere, the event is delivered again; the inbox row tells whether the effect is there. When a handler raises,
its transaction is rolled back and it is tried again after 1 s · 2^n, jittered, at most 5 min; after the eighth try the
event becomes a dead letter. Meanwhile later events of the same aggregate wait behind it and all others go on: the
aggregate is parked, not the stream. Deliveries in hand are kept alive at the server, so one that waits is not delivered
twice.

Order: the effects of an aggregate's events come in the order of the stream, with any number of replicas, whatever is
killed. An event is handed to us only if all before it were too, or were acknowledged (`pull`); it waits for those
before it of its aggregate; and what is done stays done (inbox). So when it has its effect, those before it have had
theirs, here or elsewhere. One replica is served at a time; one that only seemed dead goes on with what it holds, in the
same order, and finds in the inbox what another has done.
"""

import asyncio
from contextlib import suppress
from datetime import datetime

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

#: without a sign of life for so long a delivery is taken for lost; for a third of it, a replica
ACK_WAIT_S = 15.0
_REPLAY_POLL_S = 1.0
_MAX_PAUSE_AFTER_ERROR_S = 2.0
#: between looks at a database that is away
_MAX_OUTAGE_PAUSE_S = 1.0
#: deliveries in hand, waiting and parked ones together
_MAX_HELD = 2000

#: number in the stream and time: numbers begin anew when a stream is lost
_MessageKey = tuple[int, datetime]

_log = structlog.get_logger(__name__)


class ConsumerRunner:
    """Runs one consumer in this process; replicas stand by for each other."""

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
        #: deliveries we have not acknowledged, each the latest of its message
        self._held: dict[_MessageKey, Msg] = {}
        self._parked_count = 0
        self._has_room = asyncio.Event()

    def stop(self) -> None:
        """`run` finishes the handlers at work, gives back all other deliveries and returns."""
        self._stopped.set()

    async def run(self) -> None:
        """Until `stop`. Errors of bus and database are logged and waited out."""
        subscription = self._subscription()
        async with asyncio.TaskGroup() as deliveries, asyncio.TaskGroup() as loops:
            receiving = loops.create_task(self._receive(subscription, deliveries))
            loops.create_task(self._replay())
            keeping = loops.create_task(self._keep_alive())
            await self._stopped.wait()
            receiving.cancel()
            while self._held:
                self._has_room.clear()
                await self._has_room.wait()
            keeping.cancel()
        await subscription.close()

    async def _receive(self, subscription: PullSubscription, deliveries: asyncio.TaskGroup) -> None:
        failures = 0
        # being cancelled is not enough: the client swallows it here and there
        while not self._stopped.is_set():
            try:
                await subscription.open()
                failures = 0
                while not self._stopped.is_set():
                    async for message in subscription.receive(await self._room()):
                        key = (message.metadata.sequence.stream, message.metadata.timestamp)
                        is_new = key not in self._held
                        self._held[key] = message
                        if is_new:
                            deliveries.create_task(self._deliver(key, message))
            except nats.errors.Error as exc:
                failures += 1
                _log.warning("events cannot be received at the moment", consumer=self._consumer.name, error=repr(exc))
                await asyncio.sleep(min(_MAX_PAUSE_AFTER_ERROR_S, 0.1 * 2.0 ** min(failures, 10)))
                await self._restore_stream()

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
        """Looks for dead letters to try again, until we are stopped; a replay at work is finished."""
        while not await self._stops_within(_REPLAY_POLL_S):
            try:
                while await self._handling.replay_next():
                    pass
            except Exception as exc:  # the border: the database is away
                _log.warning("dead letters cannot be looked at", consumer=self._consumer.name, error=repr(exc))

    async def _deliver(self, key: _MessageKey, message: Msg) -> None:
        try:
            is_done = await self._process(message)
        finally:
            latest = self._held.pop(key)
            self._has_room.set()
        try:
            failpoint("events.consumer.before_ack")
            await (latest.ack() if is_done else latest.nak())
            failpoint("events.consumer.after_ack")
        except nats.errors.Error as exc:
            # not acknowledged: it is delivered again and the inbox knows it
            _log.warning("a delivery could not be acknowledged", consumer=self._consumer.name, error=repr(exc))

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
            await self._stops_within(delay_s)
        finally:
            self._parked_count -= 1

    async def _stops_within(self, delay_s: float) -> bool:
        """Waits so long, or until we are stopped: then True."""
        with suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._stopped.wait()
        return self._stopped.is_set()
