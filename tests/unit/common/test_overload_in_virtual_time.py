"""Goodput under overload, with and without the adaptive limit: a server that does 20 calls a second, one after the
other, also those nobody waits for any more; 500 clients, each of which asks again and again; 10 s for an answer."""

from __future__ import annotations

import asyncio

import pytest

from common.resilience import AdaptiveLimit
from tests.kit.virtual_time import VIRTUAL_TIME, Backend

pytestmark = pytest.mark.anyio
CAPACITY, CLIENTS, TIMEOUT_S, SECONDS, HALF_S = 20, 500, 10.0, 120, 60


@pytest.fixture
def anyio_backend() -> Backend:
    return VIRTUAL_TIME


class _LoopClock:
    def __init__(self) -> None:
        self.monotonic = asyncio.get_running_loop().time


async def good_per_second(limit: AdaptiveLimit | None) -> float:
    """Answers in time, in the second half."""
    loop = asyncio.get_running_loop()
    sent: asyncio.Queue[asyncio.Future[None]] = asyncio.Queue()
    answered_at: list[float] = []

    async def serve() -> None:
        while True:
            asked = await sent.get()
            await asyncio.sleep(1 / CAPACITY)
            if not asked.done():
                asked.set_result(None)

    async def call() -> bool:
        asked = loop.create_future()
        sent.put_nowait(asked)
        try:
            await asyncio.wait_for(asked, TIMEOUT_S)
        except TimeoutError:
            return False
        return True

    async def limited_call(limit: AdaptiveLimit) -> bool:
        if not limit.take() and not await limit.wait():
            return False
        began_at = limit.now()
        was_answered = await call()
        limit.leave(began_at, was_answered=was_answered)
        return was_answered

    async def client() -> None:
        while loop.time() < SECONDS:
            asked_at = loop.time()
            was_answered = await (call() if limit is None else limited_call(limit))
            if was_answered and loop.time() - asked_at <= TIMEOUT_S:
                answered_at.append(loop.time())
            else:
                await asyncio.sleep(1)

    server = asyncio.create_task(serve())
    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(client())
    server.cancel()
    return sum(HALF_S <= at < SECONDS for at in answered_at) / (SECONDS - HALF_S)


async def test_without_a_limit_a_server_works_for_nobody() -> None:
    assert await good_per_second(None) == 0


async def test_with_the_limit_it_works_for_as_many_as_it_can() -> None:
    clock = _LoopClock()
    assert await good_per_second(AdaptiveLimit(TIMEOUT_S, clock=clock)) > 0.9 * CAPACITY  # type: ignore[arg-type]
