"""The connection to NATS: events into the stream, events as they pass, commands between subgraphs.

One JetStream stream holds all events (`events.>`); commands and their answers are plain NATS messages. The client
reconnects for ever; meanwhile publishing and asking fail with UnavailableError, and those who wait for messages just
wait.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

import nats
import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from opentelemetry.trace import NoOpTracer, Tracer

from common.clock import Clock, SystemClock
from common.errors import UnavailableError
from common.events.commands import CommandHandler, CommandServer, ask
from common.events.event import SUBJECT_PREFIX, Event, MalformedEventError, decode_event, encode_event
from common.events.registered import until_registered

STREAM = "PUNNET_EVENTS"
#: how long the stream keeps events: longer than a consumer may be down, shorter than the inbox remembers (`retention`)
STREAM_MAX_AGE_S = 7 * 24 * 3600.0
#: within it JetStream drops a second publish of the same event itself; afterwards the inbox does
DUPLICATE_WINDOW_S = 600.0
_OLDEST_NATS = (2, 14)
_RECONNECT_WAIT_S = 0.2
_DRAIN_TIMEOUT_S = 5
#: how often those who wait look whether the connection is still there
_LOOK_UP_S = 0.25

_log = structlog.get_logger(__name__)


class Bus:
    """Made by `Bus.connect`. One per subgraph and process."""

    def __init__(self, client: Client, *, clock: Clock, tracer: Tracer, replicas: int) -> None:
        self._client = client
        self._clock = clock
        self._tracer = tracer
        self._replicas = replicas
        self._jetstream: JetStreamContext = client.jetstream()
        self._servers: list[CommandServer] = []

    @classmethod
    async def connect(
        cls,
        url: str,
        *,
        name: str,
        clock: Clock | None = None,
        tracer: Tracer | None = None,
        replicas: int = 1,
        connect_timeout_s: float = 10.0,
    ) -> Self:
        """Connects, trying for `connect_timeout_s`, and creates the stream if it is missing. `name` shows up in
        NATS's monitoring; `replicas` of the stream: 1 on one machine, 3 in a cluster. Raises UnavailableError.
        """
        client = Client()
        try:
            async with asyncio.timeout(connect_timeout_s):
                await client.connect(
                    url,
                    name=name,
                    error_cb=_log_error,
                    disconnected_cb=_logged(client, name, "disconnected from the bus"),
                    reconnected_cb=_logged(client, name, "reconnected to the bus"),
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=_RECONNECT_WAIT_S,  # type: ignore[arg-type]  # passed to asyncio.sleep
                    connect_timeout=2,
                    # a half-open connection is noticed after two unanswered pings
                    ping_interval=5,
                    max_outstanding_pings=2,
                    drain_timeout=_DRAIN_TIMEOUT_S,
                )
                _check_version(client)
                bus = cls(client, clock=clock or SystemClock(), tracer=tracer or NoOpTracer(), replicas=replicas)
                await bus.ensure_stream()
        except (OSError, nats.errors.Error, TimeoutError) as exc:
            await _close(client)
            raise UnavailableError(f"cannot connect to the bus: {exc!r}") from exc
        return bus

    async def close(self) -> None:
        """Takes no new messages, finishes commands in hand (5 s at most), flushes and disconnects."""
        await asyncio.gather(*(server.stop(_DRAIN_TIMEOUT_S) for server in self._servers))
        if self._client.is_connected:
            try:
                async with asyncio.timeout(2 * _DRAIN_TIMEOUT_S):
                    await self._client.drain()
            except (nats.errors.Error, TimeoutError) as exc:
                _log.warning("the bus could not be drained", error=repr(exc))
        await _close(self._client)

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    @property
    def client(self) -> Client:
        """The NATS client itself, for this room only."""
        return self._client

    @property
    def jetstream(self) -> JetStreamContext:
        """For this room only."""
        return self._jetstream

    @property
    def tracer(self) -> Tracer:
        return self._tracer

    async def ping(self) -> None:
        """One round trip to the server; raises UnavailableError. For health checks."""
        if not self._client.is_connected:
            raise UnavailableError("the bus is disconnected")
        try:
            await self._client.flush(timeout=2)
        except nats.errors.Error as exc:
            raise UnavailableError(f"the bus does not answer: {exc!r}") from exc

    async def ensure_stream(self) -> None:
        """Creates the stream, or brings an existing one to our configuration; messages in it stay.

        Raises nats.errors.Error.
        """
        config = StreamConfig(
            name=STREAM,
            subjects=[f"{SUBJECT_PREFIX}.>"],
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            discard=DiscardPolicy.OLD,
            max_age=STREAM_MAX_AGE_S,
            duplicate_window=DUPLICATE_WINDOW_S,
            num_replicas=self._replicas,
        )
        try:
            await self._jetstream.add_stream(config)
        except nats.js.errors.BadRequestError:
            # exists with another configuration
            await self._jetstream.update_stream(config)

    async def publish(self, event: Event, *, timeout_s: float = 5.0) -> None:
        """Returns when JetStream has stored the event. Raises UnavailableError; it may be stored nevertheless."""
        (error,) = await self.publish_all([event], timeout_s=timeout_s)
        if error is not None:
            raise error

    async def publish_all(self, events: Sequence[Event], *, timeout_s: float) -> list[UnavailableError | None]:
        """Sends in order, then waits for all acknowledgements; what went wrong with each, None if it is stored."""
        sent = [await self._send(event) for event in events]
        waiting = [future for future in sent if isinstance(future, asyncio.Future)]
        await self._wait_while_connected(waiting, timeout_s)
        if any(_is_stream_missing(future) for future in waiting):
            await self._restore_stream()
        return [_outcome(future) for future in sent]

    async def _send(self, event: Event) -> "asyncio.Future[Any] | UnavailableError":
        if not self._client.is_connected:
            # the client would keep it and send it after reconnecting, long after the caller has given up
            return UnavailableError("the bus is disconnected")
        headers = {"Nats-Msg-Id": str(event.event_id)}
        try:
            return await self._jetstream.publish_async(event.subject, encode_event(event), headers=headers)
        except nats.errors.Error as exc:
            return UnavailableError(f"the bus refused event {event.event_id}: {exc!r}")

    async def _wait_while_connected(self, waiting: "list[asyncio.Future[Any]]", timeout_s: float) -> None:
        """Acknowledgements do not come over a new connection: the events of a lost one are tried again at once."""
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout_s
        reconnects = self._client.stats["reconnects"]
        pending = set(waiting)
        while pending and (left_s := until - loop.time()) > 0:
            _, pending = await asyncio.wait(pending, timeout=min(left_s, _LOOK_UP_S))
            if not self._client.is_connected or self._client.stats["reconnects"] != reconnects:
                return

    async def _restore_stream(self) -> None:
        """The server lost its storage while we were connected: the next try shall find a stream."""
        try:
            await self.ensure_stream()
        except nats.errors.Error as exc:
            _log.warning("the stream is missing and cannot be created", error=repr(exc))

    async def request(self, subject: str, payload: Mapping[str, Any], *, timeout_s: float = 2.0) -> dict[str, Any]:
        """The answer of whoever serves the command, e.g. `commands.products.reserve`. See `commands.ask` for errors."""
        return await ask(self._client, subject, payload, timeout_s=timeout_s, clock=self._clock, tracer=self._tracer)

    async def serve(self, subject: str, handler: CommandHandler, *, concurrency: int = 32) -> None:
        """Answers a command from now until `close`; replicas of a subgraph share the work."""
        server = CommandServer(
            self._client, subject, handler, concurrency=concurrency, clock=self._clock, tracer=self._tracer
        )
        await server.start()
        self._servers.append(server)

    @asynccontextmanager
    async def subscribe(self, subject: str, *, max_pending: int = 10_000) -> AsyncIterator[AsyncIterator[Event]]:
        """Events as they are published, from now on, without acknowledgement: what passes while we are disconnected, or
        while more than `max_pending` wait, is lost. For pushing to clients; effects need a `Consumer`."""
        subscription = await self._client.subscribe(subject, pending_msgs_limit=max_pending)
        try:
            await until_registered(self._client)
            yield _events_of(subscription)
        finally:
            if not self._client.is_closed:
                await subscription.unsubscribe()


async def _close(client: Client) -> None:
    """The client itself waits without an end for a connection that does not go."""
    if not client.is_closed:
        try:
            async with asyncio.timeout(_DRAIN_TIMEOUT_S):
                await client.close()
        except TimeoutError:
            _log.warning("the connection to the bus does not close")


def _check_version(client: Client) -> None:
    """Raises nats.errors.Error for a server that cannot begin a consumer anew (`pull`)."""
    version = client.connected_server_version
    if (version.major, version.minor) < _OLDEST_NATS:
        raise nats.errors.Error(f"NATS {'.'.join(map(str, _OLDEST_NATS))} or newer is needed, not {version}")


async def _events_of(subscription: Subscription) -> AsyncIterator[Event]:
    async for message in subscription.messages:
        try:
            yield decode_event(message.data)
        except MalformedEventError as exc:
            _log.warning("not an event", subject=message.subject, error=str(exc))


def _is_stream_missing(future: "asyncio.Future[Any]") -> bool:
    return (
        future.done()
        and not future.cancelled()
        and isinstance(future.exception(), nats.js.errors.NoStreamResponseError)
    )


def _outcome(sent: "asyncio.Future[Any] | UnavailableError") -> UnavailableError | None:
    if isinstance(sent, UnavailableError):
        return sent
    if not sent.done():
        sent.cancel()
        return UnavailableError("the bus did not acknowledge in time")
    error = sent.exception()
    return None if error is None else UnavailableError(f"the bus did not store the event: {error!r}")


def _logged(client: Client, name: str, message: str) -> Callable[[], Awaitable[None]]:
    async def log() -> None:
        # told also when we disconnect on purpose
        if not (client.is_draining or client.is_closed):
            _log.warning(message, connection=name)

    return log


async def _log_error(error: Exception) -> None:
    _log.warning("error on the bus", error=repr(error))
