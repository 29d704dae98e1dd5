"""Applications in this process: called, started and stopped, and subscribed to, without a socket."""

import asyncio
import gc
from typing import Any

import orjson
import pytest
from starlette.types import Receive, Scope, Send

from router.transport.addresses import AsgiAddress, BadAddressError
from router.transport.asgi.client import AsgiClient
from router.transport.asgi.streams import AsgiStreams
from router.transport.errors import ConnectFailedError, ConnectionLostError, StreamBrokenError, StreamRefusedError
from router.transport.model import SubgraphRequest, SubgraphResponse
from router.transport.open_client import TransportPolicy, open_subgraph

pytestmark = pytest.mark.anyio

HERE = AsgiAddress(__name__, "make_app", "/graphql?x=1")
QUERY = SubgraphRequest("a", b'{"query":"{ a }"}', (("x-context", "signed"),))


class RecordingApp:
    """Answers every request with what it was asked, and keeps a diary."""

    def __init__(self) -> None:
        self.diary: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self.diary.append("startup")
            scope["state"]["pool"] = "open"
            await send({"type": "lifespan.startup.complete"})
            await receive()
            self.diary.append("shutdown")
            await send({"type": "lifespan.shutdown.complete"})
        else:
            message = await receive()
            answer = {
                "path": scope["path"],
                "query": scope["query_string"].decode(),
                "context": dict(scope["headers"])[b"x-context"].decode(),
                "state": scope["state"],
                "body": orjson.loads(message["body"]),
            }
            await send({"type": "http.response.start", "status": 200, "headers": [(b"X-A", b"1")]})
            await send({"type": "http.response.body", "body": orjson.dumps(answer)[:5], "more_body": True})
            await send({"type": "http.response.body", "body": orjson.dumps(answer)[5:]})


def make_app() -> RecordingApp:
    return RecordingApp()


async def test_a_request_reaches_the_application_and_its_answer_comes_back() -> None:
    app = RecordingApp()
    async with AsgiClient(HERE, app) as client:
        response = await client.send(QUERY)
        assert app.diary == ["startup"]
    assert app.diary == ["startup", "shutdown"]
    assert response.status == 200
    assert orjson.loads(response.body) == {
        "path": "/graphql",
        "query": "x=1",
        "context": "signed",
        "state": {"pool": "open"},
        "body": {"query": "{ a }"},
    }


async def test_a_routing_url_names_the_factory() -> None:
    async with open_subgraph(f"asgi://{__name__}:make_app", TransportPolicy()) as opened:
        assert (await opened.client.send(QUERY)).status == 200


@pytest.mark.parametrize("url", [f"asgi://{__name__}:nothing", "asgi://no.such.module:app"])
async def test_a_factory_that_does_not_exist_is_a_bad_address(url: str) -> None:
    with pytest.raises(BadAddressError, match="cannot be loaded"):
        async with open_subgraph(url, TransportPolicy()):
            pass


async def test_an_application_that_fails_to_start_stops_the_router_from_starting() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(ConnectFailedError, match="no database"):
        async with AsgiClient(HERE, app):
            pass


async def test_an_application_that_raises_what_it_said_before_is_told_of_once() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})
        raise RuntimeError("no database")

    unheard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    with pytest.raises(ConnectFailedError, match="no database"):
        async with AsgiClient(HERE, app):
            pass
    gc.collect()
    assert unheard == []


async def test_an_application_without_lifespan_is_served_all_the_same() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise ValueError("http only")
        await send({"type": "http.response.start", "status": 204})
        await send({"type": "http.response.body"})

    async with AsgiClient(HERE, app) as client:
        assert await client.send(QUERY) == SubgraphResponse(204, b"")


async def test_an_exception_of_the_application_is_its_status_500(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("bug")

    async with AsgiClient(HERE, app) as client:
        assert await client.send(QUERY) == SubgraphResponse(500, b"")
    assert "subgraph a raised" in caplog.text


async def test_an_answer_cut_short_is_a_lost_connection() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200})

    async with AsgiClient(HERE, app) as client:
        with pytest.raises(ConnectionLostError):
            await client.send(QUERY)


# --- subscriptions -------------------------------------------------------------------------------------------------


class SocketApp:
    """Speaks graphql-transport-ws; `script` is what it sends after `subscribe`."""

    def __init__(self, *script: dict[str, Any], subprotocol: str | None = "graphql-transport-ws") -> None:
        self.script = script
        self.subprotocol = subprotocol
        self.received: list[Any] = []
        self.is_open = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "websocket":
            raise ValueError("websocket only")
        assert scope["subprotocols"] == ["graphql-transport-ws"]
        await receive()
        await send({"type": "websocket.accept", "subprotocol": self.subprotocol})
        self.is_open = True
        try:
            self.received.append(orjson.loads((await receive())["text"]))
            await send({"type": "websocket.send", "text": '{"type":"connection_ack"}'})
            self.received.append(orjson.loads((await receive())["text"]))
            for message in self.script:
                await send({"type": "websocket.send", "text": orjson.dumps(message).decode()})
            while (await receive())["type"] != "websocket.disconnect":
                pass
        finally:
            self.is_open = False


def following(count: int) -> dict[str, Any]:
    return {"type": "next", "id": "1", "payload": {"data": {"count": count}}}


async def collect(app: SocketApp) -> list[Any]:
    async with AsgiClient(HERE, app) as client:
        return [event async for event in AsgiStreams(client).subscribe(QUERY)]


async def test_events_come_until_the_subgraph_completes() -> None:
    app = SocketApp(following(1), {"type": "ping"}, following(2), {"type": "complete", "id": "1"})
    assert await collect(app) == [{"data": {"count": 1}}, {"data": {"count": 2}}]
    assert app.received == [
        {"type": "connection_init", "payload": {}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ a }"}},
    ]
    assert not app.is_open


async def test_a_refused_operation_is_one_event_with_its_errors() -> None:
    app = SocketApp({"type": "error", "id": "1", "payload": [{"message": "no"}]})
    assert await collect(app) == [{"errors": [{"message": "no"}]}]


async def test_leaving_the_iterator_closes_the_socket_at_once() -> None:
    app = SocketApp(*[following(count) for count in range(1000)])
    async with AsgiClient(HERE, app) as client:
        events = AsgiStreams(client).subscribe(QUERY)
        assert await anext(events) == {"data": {"count": 0}}
        assert app.is_open
        async with asyncio.timeout(60):
            await events.aclose()
        assert not app.is_open


async def test_a_stream_that_ends_without_complete_is_broken() -> None:
    class Hangup(SocketApp):
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":
                return
            await receive()
            await send({"type": "websocket.accept", "subprotocol": self.subprotocol})
            await receive()
            await send({"type": "websocket.send", "text": '{"type":"connection_ack"}'})
            await send({"type": "websocket.close", "code": 1011})

    with pytest.raises(StreamBrokenError):
        await collect(Hangup())


async def test_another_subprotocol_is_refused() -> None:
    with pytest.raises(StreamRefusedError, match="graphql-transport-ws"):
        await collect(SocketApp(subprotocol=None))
