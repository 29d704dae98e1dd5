"""Subscriptions over real WebSockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import orjson
import pytest
from websockets.asyncio.server import ServerConnection, serve

from router.transport.addresses import HttpAddress
from router.transport.errors import ConnectFailedError, StreamBrokenError, StreamRefusedError, TransportError
from router.transport.http.streams import WebSocketStreams
from router.transport.model import StreamEvent, SubgraphRequest

pytestmark = pytest.mark.anyio

REQUEST = SubgraphRequest("a", b'{"query":"subscription { a }"}', (("x-context", "signed"),))
Talk = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def serving(talk: Talk, *subprotocols: str) -> AsyncIterator[WebSocketStreams]:
    async with serve(talk, "127.0.0.1", 0, subprotocols=list(subprotocols) or None) as server:  # type: ignore[arg-type]
        port = next(iter(server.sockets)).getsockname()[1]
        yield WebSocketStreams(HttpAddress("127.0.0.1", port, "/graphql"), path="/ws")


async def open_subscription(connection: ServerConnection) -> None:
    assert orjson.loads(await connection.recv()) == {"type": "connection_init", "payload": {}}
    await connection.send('{"type":"connection_ack"}')
    subscribe = orjson.loads(await connection.recv())
    assert subscribe == {"id": "1", "type": "subscribe", "payload": {"query": "subscription { a }"}}


def following(count: int) -> str:
    return orjson.dumps({"type": "next", "id": "1", "payload": {"data": {"a": count}}}).decode()


async def test_events_come_over_a_socket_of_their_own_with_the_requests_headers() -> None:
    seen: list[str | None] = []

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.extend((connection.request.path, connection.request.headers.get("x-context")))
        await open_subscription(connection)
        for count in (1, 2):
            await connection.send(following(count))
        await connection.send('{"type":"complete","id":"1"}')
        await connection.wait_closed()

    async with serving(talk, "graphql-transport-ws") as streams:
        assert [event async for event in streams.subscribe(REQUEST)] == [{"data": {"a": 1}}, {"data": {"a": 2}}]
    assert seen == ["/ws", "signed"]


async def test_an_integer_of_any_size_comes_as_it_was_sent() -> None:
    async def talk(connection: ServerConnection) -> None:
        await open_subscription(connection)
        await connection.send('{"type":"next","id":"1","payload":{"data":{"a":1' + "0" * 30 + "}}}")
        await connection.send('{"type":"complete","id":"1"}')
        await connection.wait_closed()

    async with serving(talk, "graphql-transport-ws") as streams:
        assert await collect(streams) == [{"data": {"a": 10**30}}]


async def test_leaving_closes_the_socket_at_once() -> None:
    closed = asyncio.Event()

    async def talk(connection: ServerConnection) -> None:
        await open_subscription(connection)
        await connection.send(following(1))
        await connection.wait_closed()
        closed.set()

    async with serving(talk, "graphql-transport-ws") as streams:
        events = streams.subscribe(REQUEST)
        await anext(events)
        await events.aclose()
        async with asyncio.timeout(60):
            await closed.wait()


async def hang_up(connection: ServerConnection) -> None:
    await open_subscription(connection)
    await connection.close(4500, "restarting")


async def talk_nonsense(connection: ServerConnection) -> None:
    await open_subscription(connection)
    await connection.send("hello")


async def talk_in_bytes(connection: ServerConnection) -> None:
    await open_subscription(connection)
    await connection.send(b"\xff")
    await connection.wait_closed()


async def nest(connection: ServerConnection) -> None:
    await open_subscription(connection)
    await connection.send('{"type":"next","id":"1","payload":' + '{"data":' * 100_000)
    await connection.wait_closed()


async def refuse(connection: ServerConnection) -> None:
    await connection.recv()
    await connection.close(4401, "Unauthorized")


@pytest.mark.parametrize(
    ("talk", "subprotocol", "error"),
    [
        (hang_up, "graphql-transport-ws", StreamBrokenError),
        (talk_nonsense, "graphql-transport-ws", StreamBrokenError),
        (talk_in_bytes, "graphql-transport-ws", StreamBrokenError),
        (nest, "graphql-transport-ws", StreamBrokenError),
        (refuse, "graphql-transport-ws", StreamBrokenError),
        (hang_up, "graphql-ws", StreamRefusedError),
    ],
    ids=["closed", "not JSON", "bytes", "too deep", "unauthorized", "another subprotocol"],
)
async def test_a_stream_that_cannot_go_on_is_an_error(
    talk: Talk, subprotocol: str, error: type[TransportError]
) -> None:
    async with serving(talk, subprotocol) as streams:
        with pytest.raises(error):
            await collect(streams)


async def test_nobody_listening_is_an_error() -> None:
    with pytest.raises(ConnectFailedError):
        await collect(WebSocketStreams(HttpAddress("127.0.0.1", 1, "/")))


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 404 Not Found",
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: ws://127.0.0.1:1/elsewhere",
        b"HTTP/1.1 302 Found\r\nlocation: https:///",
    ],
    ids=["no WebSockets", "elsewhere", "nowhere"],
)
async def test_a_server_that_does_not_take_the_websocket_refuses(head: bytes) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head + b"\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(StreamRefusedError):
            await collect(WebSocketStreams(HttpAddress("127.0.0.1", port, "/")))


async def collect(streams: WebSocketStreams) -> list[StreamEvent]:
    return [event async for event in streams.subscribe(REQUEST)]
