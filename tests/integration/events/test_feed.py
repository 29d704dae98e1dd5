"""Events pushed to clients as they pass."""

import asyncio

import pytest

from common.events import Bus, Event, EventFeed
from tests.kit.events import event_of

pytestmark = pytest.mark.anyio


async def test_each_listener_gets_the_events_it_asked_for(bus: Bus, domain: str) -> None:
    async with (
        EventFeed(bus, f"{domain}.>") as feed,
        feed.listen(lambda event: event.aggregate_id == "ord_1") as mine,
        feed.listen(lambda event: event.type.endswith("paid")) as paid,
    ):
        await bus.publish(event_of(f"{domain}.order.placed", "ord_1"))
        await bus.publish(event_of(f"{domain}.order.paid", "ord_2"))
        await bus.publish(event_of(f"{domain}.order.paid", "ord_1"))
        async with asyncio.timeout(60):
            assert [(await anext(mine)).type for _ in range(2)] == [
                f"{domain}.order.placed",
                f"{domain}.order.paid",
            ]
            assert [(await anext(paid)).aggregate_id for _ in range(2)] == ["ord_2", "ord_1"]


async def test_a_slow_listener_loses_the_oldest_events_and_sees_the_final_state(bus: Bus, domain: str) -> None:
    async with (
        EventFeed(bus, f"{domain}.>") as feed,
        feed.listen(lambda _: True, max_pending=3) as slow,
        feed.listen(lambda _: True) as quick,
    ):
        for version in range(1, 21):
            await bus.publish(event_of(f"{domain}.order.changed", version=version))
        async with asyncio.timeout(60):
            assert [(await anext(quick)).aggregate_version for _ in range(20)] == list(range(1, 21))
            assert [(await anext(slow)).aggregate_version for _ in range(3)] == [18, 19, 20]


async def test_listeners_end_with_the_feed(bus: Bus, domain: str) -> None:
    feed = EventFeed(bus, f"{domain}.>")
    seen: list[Event] = []

    async def listen() -> None:
        async with feed.listen(lambda _: True) as events:
            seen.extend([event async for event in events])

    async with feed:
        listening = asyncio.create_task(listen())
        await asyncio.sleep(0)
        await bus.publish(event_of(f"{domain}.order.placed"))
        async with feed.listen(lambda _: True) as events:
            await bus.publish(event_of(f"{domain}.order.paid"))
            await anext(events)
    async with asyncio.timeout(60):
        await listening
    assert [event.type for event in seen] == [f"{domain}.order.placed", f"{domain}.order.paid"]
