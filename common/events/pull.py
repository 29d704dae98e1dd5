"""A durable pull consumer of the event stream, as an iterator that never asks for more than there is room for.

The client library's `fetch` waits for a whole batch once the first message has come, so one event would be seconds
late; here each message is handed on as it arrives. Protocol: NATS ADR-13 (pull requests, status messages 404, 408,
409).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence

import nats.errors
import nats.js.errors
import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

#: how long one request stays open at the server
_REQUEST_S = 10.0
#: how often to look whether the connection is still the one the request was made on
_LOOK_UP_S = 0.5
_REQUEST_SLACK_S = 1.0
_CLOSE_S = 2.0
_NANOSECONDS = 1_000_000_000
_STATUS_HEADER = "Status"

_log = structlog.get_logger(__name__)


class PullSubscription:
    """Messages of one durable consumer. `open`, iterate `messages`, `close`."""

    def __init__(
        self,
        client: Client,
        jetstream: JetStreamContext,
        *,
        stream: str,
        durable: str,
        subjects: Sequence[str],
        ack_wait_s: float,
        max_ack_pending: int,
    ) -> None:
        self._client = client
        self._jetstream = jetstream
        self._stream = stream
        self._config = ConsumerConfig(
            durable_name=durable,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait_s,
            # never given up by the server: it would forget the message before the dead letter is written
            max_deliver=-1,
            filter_subjects=list(subjects),
            max_ack_pending=max_ack_pending,
        )
        self._inbox: Subscription | None = None
        # a queue of our own: cancelling the library's `next_msg` can lose the message it was about to return
        self._arrived: asyncio.Queue[Msg] = asyncio.Queue()

    async def open(self, *, begins_anew: bool) -> None:
        """Creates the consumer or brings it to our configuration. Raises nats.errors.Error.

        `begins_anew`: this process holds nothing of it. What a process before us held and did not acknowledge is then
        delivered first, at once and in its order; else it came back after `ack_wait_s`, behind later events. Where
        another replica is asking for events, it is left alone: it may be holding them.
        """
        info = await self._jetstream.add_consumer(self._stream, self._config)
        if begins_anew and info.num_ack_pending and not info.num_waiting:
            await self._reset()
        self._inbox = await self._client.subscribe(self._client.new_inbox(), cb=self._arrived.put)

    async def _reset(self) -> None:
        """Has the server deliver again from the first event that is not acknowledged (ADR-60, since 2.14)."""
        try:
            await self._jetstream.reset_consumer(self._stream, str(self._config.durable_name))
        except (nats.js.errors.APIError, nats.errors.NoRespondersError) as exc:
            _log.warning("held events come back later and out of order", error=repr(exc))

    async def close(self) -> None:
        """Gives back at once what was delivered but not handed on. Without a connection it comes back by itself."""
        inbox, self._inbox = self._inbox, None
        if inbox is None:
            return
        try:
            # all that the server has sent on this subscription is in the queue afterwards
            async with asyncio.timeout(_CLOSE_S):
                await inbox.drain()  # type: ignore[no-untyped-call]  # the library forgot it
            while not self._arrived.empty():
                message = self._arrived.get_nowait()
                if _STATUS_HEADER not in (message.headers or {}):
                    await message.nak()
        except (nats.errors.Error, TimeoutError) as exc:
            _log.info("deliveries could not be given back", error=repr(exc))

    async def receive(self, count: int) -> AsyncIterator[Msg]:
        """Asks for `count` messages and yields those that come, ending when all have come or the server ends the
        request.

        Raises nats.errors.Error when the consumer is gone.
        """
        if self._inbox is None:
            raise nats.errors.BadSubscriptionError
        request = {"batch": count, "expires": int(_REQUEST_S * _NANOSECONDS)}
        next_subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._config.durable_name}"
        await self._client.publish(next_subject, orjson.dumps(request), reply=self._inbox.subject)
        loop = asyncio.get_running_loop()
        until = loop.time() + _REQUEST_S + _REQUEST_SLACK_S
        reconnects = self._client.stats["reconnects"]
        # a request does not survive the connection it was made on
        while count and loop.time() < until and self._client.stats["reconnects"] == reconnects:
            try:
                async with asyncio.timeout(_LOOK_UP_S):
                    message = await self._arrived.get()
            except TimeoutError:
                continue
            status = (message.headers or {}).get(_STATUS_HEADER)
            if status is None:
                count -= 1
                yield message
            elif self._ends_request(status, message):
                return

    def _ends_request(self, status: str, message: Msg) -> bool:
        description = (message.headers or {}).get("Description", "")
        if status == "503" or "Consumer Deleted" in description:
            raise nats.js.errors.ServiceUnavailableError(description=f"consumer gone: {description}")
        # 404 no messages, 408 expired, 409 e.g. leadership change or a limit: ask again; 100: heartbeat
        return status in {"404", "408", "409"}
