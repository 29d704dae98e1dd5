"""On the way to the server every line takes its time: whoever subscribes waits until the server knows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from common.events import Bus
from tests.kit.events import event_of

pytestmark = pytest.mark.anyio

LINE_S = 0.05


@asynccontextmanager
async def slow_way(nats_url: str) -> AsyncIterator[str]:
    """URL of the server behind a way on which each line of the client waits."""
    server = urlsplit(nats_url)
    ways: list[asyncio.Task[None]] = []

    async def to_server(client: asyncio.StreamReader, onwards: asyncio.StreamWriter) -> None:
        while line := await client.readline():
            await asyncio.sleep(LINE_S)
            onwards.write(line)

    async def to_client(answers: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while piece := await answers.read(65536):
            back.write(piece)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, onwards = await asyncio.open_connection(server.hostname, server.port)
        ways.extend([asyncio.create_task(to_server(reader, onwards)), asyncio.create_task(to_client(answers, writer))])
        await asyncio.wait(ways)
        for end in (onwards, writer):
            end.close()

    listening = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"nats://{server.username}@127.0.0.1:{port}"
        for way in ways:
            way.cancel()


async def test_who_serves_a_command_is_found_at_once(bus: Bus, nats_url: str, domain: str) -> None:
    async def answer(_: dict[str, Any]) -> dict[str, Any]:
        return {"done": True}

    async with slow_way(nats_url) as url:
        server = await Bus.connect(url, name="far away")
        await server.serve(f"commands.{domain}.do", answer)
        assert await bus.request(f"commands.{domain}.do", {}, timeout_s=60) == {"done": True}
        await server.close()


async def test_who_subscribes_misses_nothing_from_then_on(bus: Bus, nats_url: str, domain: str) -> None:
    async with slow_way(nats_url) as url:
        listener = await Bus.connect(url, name="far away")
        async with listener.subscribe(f"events.{domain}.>") as events:
            await bus.publish(event_of(f"{domain}.order.placed"))
            async with asyncio.timeout(60):
                assert (await anext(events)).type == f"{domain}.order.placed"
        await listener.close()
