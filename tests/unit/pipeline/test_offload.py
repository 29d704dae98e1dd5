"""Long work beside the loop, and large operations through it."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from router.errors import RequestError
from router.pipeline.offload import Offload
from tests.unit.pipeline.setting import router

pytestmark = pytest.mark.anyio


async def test_equal_work_is_done_once_and_survives_one_caller_giving_up() -> None:
    offload, gate, runs = Offload(), threading.Event(), []

    def work() -> int:
        gate.wait(60)
        runs.append(threading.current_thread().name)
        return 7

    callers = [asyncio.create_task(offload.run("key", work)) for _ in range(3)]
    await asyncio.sleep(0.02)
    callers[0].cancel()
    gate.set()
    assert await asyncio.gather(*callers[1:]) == [7, 7]
    assert len(runs) == 1
    assert runs[0].startswith("prepare")
    assert await offload.run("key", lambda: 8) == 8
    offload.close()


async def test_too_much_at_once_is_refused() -> None:
    offload, gate = Offload(), threading.Event()
    waiting = [asyncio.create_task(offload.run(number, lambda: gate.wait(60))) for number in range(64)]
    await asyncio.sleep(0.02)
    with pytest.raises(RequestError) as refusal:
        await offload.run("one more", time.monotonic)
    assert refusal.value.status == 503
    gate.set()
    assert all(await asyncio.gather(*waiting))
    offload.close()


async def test_a_large_new_operation_does_not_keep_others_waiting() -> None:
    large = "{ users { " + " ".join(f"a{n}: name" for n in range(450)) + " } }"
    async with router() as client:
        await client.post("{ count }")
        slow = asyncio.create_task(client.post(large))
        await asyncio.sleep(0)
        quick_count = 0
        while not slow.done():
            assert (await client.post("{ count }")).status == 200
            await asyncio.sleep(0)
            quick_count += 1
        reply, again = await slow, await client.post(large)
    assert quick_count > 3
    assert reply.json == again.json
    assert len(reply.json["data"]["users"][0]) == 450


async def test_a_large_bad_operation_is_refused_every_time() -> None:
    bad = "{ " + " ".join(f"a{n}: nothing" for n in range(400)) + " }"
    config = "limits: {max_root_fields: null}"
    async with router(config) as client:
        replies = [await client.post(bad) for _ in range(2)]
    assert [set(reply.codes) for reply in replies] == [{"GRAPHQL_VALIDATION_FAILED"}] * 2
