"""The router as a process: real sockets, slow clients, signals."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from tests.kit.router_process import RouterProcess, router_process, start
from tests.kit.tiny_subgraph import SUPERGRAPH

pytestmark = pytest.mark.anyio
JSON = {"content-type": "application/json"}
PROTOCOL = [Subprotocol("graphql-transport-ws")]
EMPTY_PING = b"\x89\x80mask"


@pytest.fixture(scope="module")
def supergraph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("router") / "supergraph.graphql"
    path.write_text(SUPERGRAPH)
    return path


@pytest.fixture(scope="module")
def router(supergraph: Path) -> Iterator[RouterProcess]:
    config = supergraph.parent / "router.yaml"
    config.write_text("server: {http: {header_read_timeout: 500ms}}\ntraffic_shaping: {router: {timeout: 1s}}")
    with router_process(supergraph, "--config", str(config)) as process:
        yield process


async def ask(router: RouterProcess, query: str) -> Any:
    async with aiohttp.ClientSession() as session, session.post(router.url, json={"query": query}) as response:
        return await response.json()


async def test_it_serves_http(router: RouterProcess) -> None:
    assert await ask(router, "{ user { boss { name } } }") == {"data": {"user": {"boss": {"name": "Bo"}}}}


async def test_it_serves_websockets_on_the_same_path(router: RouterProcess) -> None:
    async with connect(router.url.replace("http", "ws"), subprotocols=PROTOCOL) as ws:
        await ws.send('{"type":"connection_init"}')
        assert json.loads(await ws.recv()) == {"type": "connection_ack"}
        await ws.send('{"id":"1","type":"subscribe","payload":{"query":"subscription { ticks(to: 1) }"}}')
        assert json.loads(await ws.recv())["payload"] == {"data": {"ticks": 1}}
        assert json.loads(await ws.recv()) == {"id": "1", "type": "complete"}


async def test_a_frame_over_a_megabyte_closes_the_socket(router: RouterProcess) -> None:
    async with connect(router.url.replace("http", "ws"), subprotocols=PROTOCOL) as ws:
        with suppress(ConnectionClosed):  # it may know before all is sent
            await ws.send("x" * 2_000_000)
        with pytest.raises(ConnectionClosed) as closed:
            await ws.recv()
        assert closed.value.rcvd is not None, "the close frame is read, though not all of ours was"
        assert closed.value.rcvd.code == 1009


async def test_a_flood_of_pings_closes_the_socket(router: RouterProcess) -> None:
    async with connect(router.url.replace("http", "ws"), subprotocols=PROTOCOL) as ws:
        ws.transport.write(EMPTY_PING * 1000)
        with pytest.raises(ConnectionClosed) as closed:
            await ws.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1008


def test_a_handshake_with_a_body_is_refused(router: RouterProcess) -> None:
    head = b"GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    answer = raw(router, head + key + b"Content-Length: 5\r\n\r\nhello")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert not answer.endswith(b"(still open)")


def raw(router: RouterProcess, sent: bytes) -> bytes:
    """What comes back until the router closes the connection, or half a minute is over."""
    with socket.create_connection(("127.0.0.1", router.port), timeout=30) as connection:
        connection.sendall(sent)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except TimeoutError:
            received += b"(still open)"
        return received


def test_a_head_that_does_not_end_is_closed_at_its_deadline(router: RouterProcess) -> None:
    started = time.monotonic()
    assert raw(router, b"POST /graphql HTTP/1.1\r\nHost: a\r\nX-Slow: ") == b""
    assert 0.4 < time.monotonic() - started < 9  # of 0.5 s configured; unless told otherwise it were 10


def test_a_body_that_does_not_end_is_answered_with_408(router: RouterProcess) -> None:
    answer = raw(
        router, b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    )
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"REQUEST_TIMEOUT" in answer


def test_requests_sent_at_once_are_answered_in_their_order_and_the_last_closes(router: RouterProcess) -> None:
    head = b"Host: a\r\nContent-Type: application/json\r\n"
    bodies = [b'{"query":"{ user { boss { name } } }"}', b'{"query":"{ __typename }"}']
    posts = [b"POST /graphql HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body) for body in bodies]
    answer = raw(router, b"".join(posts) + b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    places = [answer.index(part) for part in (b'"Bo"', b'"__typename":"Query"', b"connection: close", b'"UP"')]
    assert places == sorted(places)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 3
    assert not answer.endswith(b"(still open)")


def test_the_next_head_on_a_connection_has_a_deadline_of_its_own(router: RouterProcess) -> None:
    started = time.monotonic()
    answer = raw(router, b"GET /health HTTP/1.1\r\nHost: a\r\n\r\nGET /health HTTP/1.1\r\nX-Slow: ")
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 1
    assert not answer.endswith(b"(still open)")
    assert 0.4 < time.monotonic() - started < 9  # of 0.5 s configured; unless told otherwise it were 10


def test_two_lengths_of_one_body_are_refused_and_the_connection_closed(router: RouterProcess) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    answer = raw(
        router, head + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert not answer.endswith(b"(still open)")


def test_an_endless_chunked_body_is_refused_at_the_limit(router: RouterProcess) -> None:
    head = b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with socket.create_connection(("127.0.0.1", router.port), timeout=60) as connection:
        connection.sendall(head)
        for _ in range(20):
            connection.sendall(b"186a0\r\n" + b" " * 100_000 + b"\r\n")
        # the byte too many is the last one sent: what is never read would race the answer with a reset
        connection.sendall(b"1\r\n \r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 413 ")


async def test_a_signal_ends_streams_and_sockets_at_once(supergraph: Path) -> None:
    with router_process(supergraph) as router:
        headers = {"accept": "text/event-stream"}
        async with (
            aiohttp.ClientSession() as session,
            session.post(router.url, json={"query": "subscription { forever }"}, headers=headers) as stream,
            connect(router.url.replace("http", "ws"), subprotocols=PROTOCOL) as ws,
        ):
            await ws.send('{"type":"connection_init"}')
            await ws.recv()
            await stream.content.readline()
            _, took_s = await asyncio.to_thread(router.stop)
            assert (await stream.content.read()).endswith(b"event: complete\ndata: \n\n")
            with pytest.raises(ConnectionClosed) as closed:
                await ws.recv()
    assert took_s < 9, "nothing was waited for: the grace is 10 s"
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012


async def test_a_request_under_way_is_finished_before_the_end(supergraph: Path) -> None:
    with router_process(supergraph) as router:
        asked = asyncio.create_task(ask(router, "{ sleep(seconds: 0.7) }"))
        await asyncio.to_thread(router.wait_until_it_says, b"asleep")
        await asyncio.to_thread(router.stop)
        assert await asked == {"data": {"sleep": "slept"}}


async def test_several_workers_share_the_port_and_end_together(supergraph: Path) -> None:
    with router_process(supergraph, "--workers", "2") as router:
        answers = await asyncio.gather(*(ask(router, "{ count }") for _ in range(20)))
        assert answers == [{"data": {"count": 1}}] * 20
        status, took_s = await asyncio.to_thread(router.stop)
    assert (status, took_s < 9) == (0, True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", router.port), timeout=1)


async def test_whichever_worker_is_asked_knows_the_traces_of_all(supergraph: Path, tmp_path: Path) -> None:
    config = tmp_path / "router.yaml"
    config.write_text("telemetry: {traces: {enabled: true, scope: null}}")
    with router_process(supergraph, "--workers", "2", "--config", str(config)) as router:
        ids = [f"{number:032x}" for number in range(1, 21)]
        for trace_id in ids:
            async with aiohttp.ClientSession() as session:
                headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
                await session.post(router.url, json={"query": "{ count }"}, headers=headers)
        for _ in ids:
            async with aiohttp.ClientSession() as session:
                listed = await (await session.get(router.url.replace("/graphql", "/traces"))).json()
            assert {trace["trace_id"] for trace in listed["traces"]} == set(ids)


@pytest.mark.parametrize(
    ("sdl", "reason"),
    [
        ("type Query { a: Int }", "no supergraph SDL"),
        ("type Query {", "INVALID_FEDERATION_SUPERGRAPH"),
        (SUPERGRAPH.replace("asgi://tests.kit.tiny_subgraph:create_app", ""), "subgraph tiny: no routing URL"),
        (SUPERGRAPH.replace("create_app", "no_such_factory"), "no_such_factory"),
        (SUPERGRAPH.replace("asgi://", "ftp://"), "subgraph tiny"),
    ],
)
def test_what_cannot_be_served_ends_the_start_with_the_reason(tmp_path: Path, sdl: str, reason: str) -> None:
    path = tmp_path / "supergraph.graphql"
    path.write_text(sdl)
    process = start(path)
    said = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 1
    assert reason in said.splitlines()[-1]
    assert "Traceback" not in said
