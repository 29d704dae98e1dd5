"""The HTTP client against servers that answer in every way HTTP/1.1 allows, and in some it does not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from common.resilience import TimeLimit
from router.transport.addresses import HttpAddress, UnixAddress
from router.transport.errors import (
    ConnectFailedError,
    ConnectionLostError,
    MalformedHttpError,
    RequestTimedOutError,
    ResponseTooLargeError,
)
from router.transport.http.client import HttpClient
from router.transport.http.pool import PoolLimits
from router.transport.model import SubgraphRequest, SubgraphResponse

pytestmark = pytest.mark.anyio

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUERY = SubgraphRequest("a", b'{"query":"{ a }"}')
MUTATION = SubgraphRequest("a", b'{"query":"mutation { a }"}', is_repeatable=False)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@asynccontextmanager
async def serving(
    talk: Conversation, limits: PoolLimits | None = None, time_limit: TimeLimit | None = None
) -> AsyncIterator[HttpClient]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    address = HttpAddress("127.0.0.1", port, "/graphql")
    async with server, HttpClient(address, limits, time_limit=time_limit) as client:
        yield client


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return head + await reader.readexactly(length)


def answering(*responses: bytes, pause: bool = False) -> Conversation:
    """One response per request on a connection, byte by byte if asked, then the connection is closed."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for response in responses:
            await read_request(reader)
            for part in (response[i : i + 1] for i in range(len(response))) if pause else (response,):
                writer.write(part)
                await writer.drain()
                if pause:
                    await asyncio.sleep(0)

    return talk


async def test_the_request_is_a_json_post_with_its_length_and_the_given_headers() -> None:
    seen: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await read_request(reader))
        writer.write(OK)

    async with serving(talk) as client:
        await client.send(
            SubgraphRequest(
                "a", QUERY.body, (("x-tenant", "ä"), ("accept-encoding", "gzip"), ("authorization", "Bearer t"))
            )
        )

    head, _, body = seen[0].partition(b"\r\n\r\n")
    first, *headers = head.split(b"\r\n")
    assert first == b"POST /graphql HTTP/1.1"
    assert headers[0].startswith(b"host: 127.0.0.1:")
    assert headers[1:] == [
        b"content-type: application/json",
        b"accept: application/json, application/graphql-response+json",
        b"accept-encoding: identity",
        b"x-tenant: \xe4",
        b"authorization: Bearer t",
        b"content-length: 17",
    ]
    assert body == QUERY.body


@pytest.mark.parametrize("pause", [False, True], ids=["at once", "byte by byte"])
@pytest.mark.parametrize(
    ("response", "body"),
    [
        (b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a": 12}', b'{"a": 12}'),
        (
            b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4;x=y\r\n{"a"\r\n5\r\n: 12}\r\n0\r\nt: 1\r\n\r\n',
            b'{"a": 12}',
        ),
        (b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"a": 12}', b'{"a": 12}'),
        (b'HTTP/1.1 200 OK\r\n\r\n{"a": 12}', b'{"a": 12}'),
        (b'HTTP/1.0 200 OK\r\nConnection: close\r\n\r\n{"a": 12}', b'{"a": 12}'),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b""),
    ],
    ids=["length", "chunks", "continue", "until the end", "old", "empty"],
)
async def test_a_body_is_read_however_it_is_framed(response: bytes, body: bytes, pause: bool) -> None:
    async with serving(answering(response, pause=pause)) as client:
        assert (await client.send(QUERY)).body == body


async def test_an_error_status_is_a_response() -> None:
    response = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\ncontent-length: 1\r\n\r\nx"
    async with serving(answering(response)) as client:
        received = await client.send(QUERY)
    assert received == SubgraphResponse(503, b"x")


async def test_a_connection_is_used_again_one_request_at_a_time() -> None:
    connection_count = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connection_count
        connection_count += 1
        while True:
            await read_request(reader)
            writer.write(OK)

    async with serving(talk) as client:
        for _ in range(3):
            await client.send(QUERY)
        assert connection_count == 1
        await asyncio.gather(*(client.send(QUERY) for _ in range(5)))
        assert connection_count == 5


async def test_no_more_connections_are_open_than_allowed_and_all_requests_get_their_turn() -> None:
    open_count = most_open = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_count, most_open
        open_count += 1
        most_open = max(most_open, open_count)
        try:
            for _ in range(3):  # and then it hangs up on those who wait
                await read_request(reader)
                await asyncio.sleep(0.001)
                writer.write(OK)
        finally:
            open_count -= 1

    async with serving(talk, PoolLimits(max_connections=2)) as client:
        responses = await asyncio.gather(*(client.send(QUERY) for _ in range(20)))
    assert [response.body for response in responses] == [b"{}"] * 20
    assert most_open == 2


async def test_a_query_on_a_connection_the_server_gave_up_is_sent_once_more() -> None:
    requests = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        writer.write(OK)
        await read_request(reader)  # takes the second request and hangs up without a word

    async with serving(talk) as client:
        await client.send(QUERY)
        assert (await client.send(QUERY)).body == b"{}"
    assert len(requests) == 2


async def test_a_mutation_is_never_sent_twice() -> None:
    request_count = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal request_count
        await read_request(reader)
        request_count += 1
        writer.write(OK)
        await read_request(reader)
        request_count += 1

    async with serving(talk) as client:
        await client.send(MUTATION)
        with pytest.raises(ConnectionLostError) as caught:
            await client.send(MUTATION)
    assert caught.value.before_response
    assert request_count == 2


@pytest.mark.parametrize(
    "more",
    [OK.replace(b"{}", b"[]"), OK.replace(b"2\r", b"9\r"), OK[:20], b"?"],
    ids=["a whole one", "the beginning", "a part of the head", "rubbish"],
)
async def test_what_comes_after_a_response_is_never_part_of_the_next(more: bytes) -> None:
    connection_count = 0

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connection_count
        connection_count += 1
        await read_request(reader)
        writer.write(OK + more)
        await reader.read()

    async with serving(talk) as client:
        assert [(await client.send(each)).body for each in (QUERY, MUTATION)] == [b"{}", b"{}"]
    assert connection_count == 2


async def test_an_idle_connection_that_timed_out_while_it_was_used_again_is_told_from_an_answer() -> None:
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        writer.write(OK)
        await read_request(reader)
        writer.write(b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")

    async with serving(talk) as client:
        await client.send(QUERY)
        assert (await client.send(QUERY)).body == b"{}"
        with pytest.raises(ConnectionLostError) as caught:
            await client.send(MUTATION)
    assert caught.value.before_response
    assert len(requests) == 2


async def test_a_query_is_not_repeated_once_the_response_has_begun() -> None:
    async with serving(answering(OK, b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{")) as client:
        await client.send(QUERY)
        with pytest.raises(ConnectionLostError) as caught:
            await client.send(QUERY)
    assert not caught.value.before_response


async def test_a_cancelled_request_takes_its_connection_with_it() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        if b"slow" in request:
            await asyncio.sleep(0.05)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nslow")
        else:
            writer.write(OK)

    async with serving(talk) as client:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await client.send(SubgraphRequest("a", b"slow"))
        assert (await client.send(QUERY)).body == b"{}"


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (b"HTTP/1.1 200 OK\r\ncontent-length: 101\r\n\r\n" + b"x" * 101, ResponseTooLargeError),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 101, ResponseTooLargeError),
        (b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n{}", MalformedHttpError),
        (b"HTTP/1.1 200 OK\r\n" + b"x-a: b\r\n" * 100_000 + b"\r\n{}", ResponseTooLargeError),
        (b"HTTP/1.1 200 OK\r\nx-a: " + b"b" * 800_000, ResponseTooLargeError),
        (b"SSH-2.0-OpenSSH_9.6\r\n", MalformedHttpError),
        (b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", MalformedHttpError),
    ],
    ids=["too long", "too much", "compressed", "many headers", "a long header", "not HTTP", "upgrade"],
)
async def test_what_cannot_be_used_is_an_error(response: bytes, error: type[Exception]) -> None:
    async with serving(answering(response), PoolLimits(max_response_bytes=100)) as client:
        with pytest.raises(error):
            await client.send(QUERY)


async def test_nobody_listening_is_an_error_that_says_where() -> None:
    async with HttpClient(HttpAddress("127.0.0.1", 1, "/")) as client:
        with pytest.raises(ConnectFailedError, match=r"cannot connect to 127\.0\.0\.1:1"):
            await client.send(MUTATION)


async def test_a_header_cannot_smuggle_another() -> None:
    async with serving(answering(OK)) as client:
        with pytest.raises(ValueError, match="x-user"):
            await client.send(SubgraphRequest("a", b"", (("x-user", "a\r\nx-admin: 1"),)))


async def test_a_unix_socket_is_an_address_like_any_other(tmp_path: object) -> None:
    socket_path = f"{tmp_path}/s.sock"

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(OK)
        writer.close()

    server = await asyncio.start_unix_server(handle, socket_path)
    async with server, HttpClient(UnixAddress(socket_path, "/graphql")) as client:
        assert (await client.send(QUERY)).body == b"{}"


@pytest.mark.parametrize(
    "later",
    [OK, OK.replace(b"{}", b"[]"), OK.replace(b"2\r", b"4\r") + b"{}", OK.replace(b"200 OK", b"503 no")],
    ids=["equal", "another body", "another length", "another status"],
)
@pytest.mark.parametrize("pause", [False, True], ids=["at once", "byte by byte"])
async def test_a_head_seen_before_is_read_as_the_first_time(later: bytes, pause: bool) -> None:
    async with serving(answering(OK, OK, later, OK, pause=pause)) as client:
        answers = [await client.send(QUERY) for _ in range(4)]
    expected = SubgraphResponse(503 if b"503" in later else 200, later.partition(b"\r\n\r\n")[2])
    assert answers == [SubgraphResponse(200, b"{}")] * 2 + [expected, SubgraphResponse(200, b"{}")]


async def test_a_known_head_without_its_whole_body_is_no_response() -> None:
    async with serving(answering(OK, OK[:-1])) as client:
        await client.send(QUERY)
        with pytest.raises(ConnectionLostError):
            await client.send(MUTATION)


@pytest.mark.parametrize("answer_count", [0, 1], ids=["new", "used before"])
async def test_a_subgraph_that_does_not_answer_in_time_loses_its_connection(answer_count: int) -> None:
    is_closed = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(answer_count):
            await read_request(reader)
            writer.write(OK)
        await read_request(reader)
        assert await reader.read() == b""
        is_closed.set()

    async with serving(talk, time_limit=TimeLimit(2.0)) as client:
        for _ in range(answer_count):
            await client.send(QUERY)
        with pytest.raises(RequestTimedOutError, match=r"within 2 s"):
            await client.send(QUERY)
        async with asyncio.timeout(60):
            await is_closed.wait()
