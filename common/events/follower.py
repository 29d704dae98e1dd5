"""Events of some types, those of the last while and all from now on, to every process that wants to remember them.

Unlike a `Consumer` it keeps nothing anywhere: each process hears everything, and after its start, or after the
connection was lost, the last while once more. So an event comes at least once, and an older one may come after a newer
one of its aggregate: whoever listens compares versions.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Self

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from common.clock import SystemClock
from common.errors import UnavailableError
from common.events.bus import STREAM, Bus
from common.events.event import Event, MalformedEventError, decode_event, subject_filter

#: how often to look whether the connection is still the same
_LOOK_UP_S = 1.0
_FETCHED_AT_ONCE = 256
_FETCH_TIMEOUT_S = 5.0
#: the server forgets our way to read the stream by itself, should we die over it
_FORGOTTEN_AFTER_S = 30.0

_log = structlog.get_logger(__name__)


class Follower:
    """`async with Follower(bus, types, hear, memory=timedelta(minutes=15)):` when the block begins, the last while has
    been heard. `hear` is called with one event after another. Raises UnavailableError at the start only."""

    def __init__(self, bus: Bus, types: Sequence[str], hear: Callable[[Event], None], *, memory: timedelta) -> None:
        self._bus = bus
        self._subjects = [subject_filter(each) for each in types]
        self._hear = hear
        self._memory = memory
        self._listening: list[Subscription] = []
        self._watching: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        client = self._bus.client
        # first what comes, then what came: nothing falls between
        self._listening = [await client.subscribe(subject, cb=self._take) for subject in self._subjects]
        reconnects = client.stats["reconnects"]
        await self._catch_up()
        self._watching = asyncio.create_task(self._watch(reconnects))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watching is not None:
            # again: one that comes with an answer the client waits for is swallowed by Python 3.11's `wait_for`
            while not self._watching.done():
                self._watching.cancel()
                await asyncio.wait([self._watching], timeout=_LOOK_UP_S)
        if not self._bus.client.is_closed:
            for subscription in self._listening:
                await subscription.unsubscribe()

    async def _watch(self, reconnects: int) -> None:
        """What passed while there was no connection is heard as soon as there is one again."""
        client = self._bus.client
        while True:
            await asyncio.sleep(_LOOK_UP_S)
            now = client.stats["reconnects"]
            if now != reconnects and client.is_connected:
                try:
                    await self._catch_up()
                except UnavailableError as exc:
                    _log.warning("what happened while the bus was away is not known yet", error=str(exc))
                else:
                    reconnects = now

    async def _catch_up(self) -> None:
        # the times of the stream are those of its server
        since = SystemClock().now() - self._memory
        try:
            history = await self._history(since)
            info = await history.consumer_info()
            try:
                left = info.num_pending or 0
                while left > 0:
                    messages = await history.fetch(min(left, _FETCHED_AT_ONCE), timeout=_FETCH_TIMEOUT_S)
                    for message in messages:
                        await self._take(message)
                    left -= len(messages)
            finally:
                await history.unsubscribe()
                await self._bus.jetstream.delete_consumer(STREAM, info.name)
        except (nats.errors.Error, TimeoutError) as exc:
            raise UnavailableError(f"the stream cannot be read: {exc!r}") from exc

    async def _history(self, since: datetime) -> JetStreamContext.PullSubscription:
        config = ConsumerConfig(
            deliver_policy=DeliverPolicy.BY_START_TIME,
            opt_start_time=since,
            ack_policy=AckPolicy.NONE,
            filter_subjects=self._subjects,
            inactive_threshold=_FORGOTTEN_AFTER_S,
            mem_storage=True,
        )
        return await self._bus.jetstream.pull_subscribe("", stream=STREAM, config=config)

    async def _take(self, message: Msg) -> None:
        try:
            event = decode_event(message.data)
        except MalformedEventError as exc:
            _log.warning("not an event", subject=message.subject, error=str(exc))
            return
        self._hear(event)
