"""A durable pull consumer of the event stream, as an iterator that leaves nothing out.

One replica is served at a time, the others wait: the server gives whom it serves an id and refuses those who come with
another one (NATS ADR-42, pinned clients). Deliveries are numbered; a *run* is those from number 1, which is the first
event that is not acknowledged, up to the first number that is missing. Only what belongs to a run is handed on. Whoever
finds a number missing, because another replica was served meanwhile or because a connection took it along, has the
server begin anew (ADR-60). So whatever is handed on, all events before it were handed on too, or were acknowledged.

The client library's `fetch` waits for a whole batch once the first message has come, so one event would be seconds
late; here each message is handed on as it arrives. Protocol: NATS ADR-13 (pull requests, status messages 404, 408,
409).
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import nats.errors
import nats.js.errors
import orjson
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

#: how often to look whether the connection is still the one the request was made on
_LOOK_UP_S = 0.5
_REQUEST_SLACK_S = 1.0
_CLOSE_S = 2.0
_API_TIMEOUT_S = 5.0
_NANOSECONDS = 1_000_000_000
_STATUS_HEADER = "Status"
_PIN_HEADER = "Nats-Pin-Id"
#: the server wants a name for those of whom it serves one
_GROUP = "replicas"

_log = structlog.get_logger(__name__)


@dataclass
class _PinnedConsumerConfig(ConsumerConfig):
    """With what the client library does not know yet."""

    priority_policy: str = "pinned_client"
    priority_groups: list[str] = field(default_factory=lambda: [_GROUP])
    #: nanoseconds without a request after which another one is served
    priority_timeout: int = 0


class PullSubscription:
    """Messages of one durable consumer. `open`, iterate `receive` again and again, `close`."""

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
        """A replica that does not ask for events for a third of `ack_wait_s` loses its place to another one."""
        self._client = client
        self._jetstream = jetstream
        self._stream = stream
        self._durable = durable
        self._config = _PinnedConsumerConfig(
            durable_name=durable,
            deliver_policy=DeliverPolicy.ALL,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait_s,
            # never given up by the server: it would forget the message before the dead letter is written
            max_deliver=-1,
            filter_subjects=list(subjects),
            max_ack_pending=max_ack_pending,
            priority_timeout=int(ack_wait_s / 3 * _NANOSECONDS),
        )
        #: how long one request stays open at the server
        self._request_s = ack_wait_s / 9
        #: None while another replica is served, or nobody
        self._pin: str | None = None
        #: of the delivery that would continue our run
        self._next_number = 1
        self._inbox: Subscription | None = None
        # a queue of our own: cancelling the library's `next_msg` can lose the message it was about to return
        self._arrived: asyncio.Queue[Msg] = asyncio.Queue()

    async def open(self) -> None:
        """Creates the consumer or brings it to our configuration. Raises nats.errors.Error.

        Where nobody asks for events, what a process before us held is delivered at once; else it came back when the
        server takes it for lost.
        """
        info = await self._jetstream.add_consumer(self._stream, self._config)
        if info.num_waiting:
            await self._listen()
        else:
            await self._give_up_place()
            await self._begin_anew()

    async def receive(self, count: int) -> AsyncIterator[Msg]:
        """Asks for `count` messages and yields those that come, ending when all have come or the server ends the
        request.

        Raises nats.errors.Error when the consumer is gone.
        """
        if self._inbox is None:
            raise nats.errors.BadSubscriptionError
        request = {"batch": count, "expires": int(self._request_s * _NANOSECONDS), "group": _GROUP}
        if self._pin is not None:
            request["id"] = self._pin
        next_subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._durable}"
        await self._client.publish(next_subject, orjson.dumps(request), reply=self._inbox.subject)
        loop = asyncio.get_running_loop()
        until = loop.time() + self._request_s + _REQUEST_SLACK_S
        reconnects = self._client.stats["reconnects"]
        # a request does not survive the connection it was made on
        while count and loop.time() < until and self._client.stats["reconnects"] == reconnects:
            try:
                async with asyncio.timeout(_LOOK_UP_S):
                    message = await self._arrived.get()
            except TimeoutError:
                continue
            status = (message.headers or {}).get(_STATUS_HEADER)
            if status is not None:
                if self._ends_request(status, message):
                    return
            elif self._continues_run(message):
                count -= 1
                yield message
            else:
                await self._begin_anew()
                return

    async def close(self) -> None:
        """Gives back at once what was delivered but not handed on, and our place to another replica. Without a
        connection both come back by themselves."""
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
            if self._pin is not None:
                await self._give_up_place()
        except (nats.errors.Error, TimeoutError) as exc:
            _log.info("deliveries could not be given back", consumer=self._durable, error=repr(exc))

    async def _give_up_place(self) -> None:
        """Whoever is served is no longer."""
        self._pin = None
        subject = f"$JS.API.CONSUMER.UNPIN.{self._stream}.{self._durable}"
        await self._client.request(subject, orjson.dumps({"group": _GROUP}), timeout=_API_TIMEOUT_S)

    async def _begin_anew(self) -> None:
        """Has the server deliver again from the first event that is not acknowledged."""
        await self._stop_listening()  # first: what is on its way belongs to no run
        await self._jetstream.reset_consumer(self._stream, self._durable)
        await self._listen()

    async def _listen(self) -> None:
        await self._stop_listening()
        self._arrived = asyncio.Queue()
        self._inbox = await self._client.subscribe(self._client.new_inbox(), cb=self._arrived.put)

    async def _stop_listening(self) -> None:
        inbox, self._inbox = self._inbox, None
        if inbox is not None:
            await inbox.unsubscribe()

    def _continues_run(self, message: Msg) -> bool:
        pin, number = (message.headers or {}).get(_PIN_HEADER), message.metadata.sequence.consumer
        is_next = number == 1 or (pin, number) == (self._pin, self._next_number)
        self._pin, self._next_number = pin, number + 1
        return is_next

    def _ends_request(self, status: str, message: Msg) -> bool:
        description = (message.headers or {}).get("Description", "")
        if status == "503" or "Consumer Deleted" in description:
            raise nats.js.errors.ServiceUnavailableError(description=f"consumer gone: {description}")
        if status == "423":
            # another replica has our place; from now on we wait for it
            self._pin = None
            return True
        # 404 no messages, 408 expired, 409 e.g. leadership change or a limit: ask again; 100: heartbeat
        return status in {"404", "408", "409"}
