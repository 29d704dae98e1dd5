"""Every process hears what was and what is, also what happened while it had no connection."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from common.errors import UnavailableError
from common.events import Bus, Follower
from common.events.bus import STREAM
from deploy.local.nats import Nats
from tests.kit.events import event_of, eventually
from tests.kit.folders import open_folder

pytestmark = pytest.mark.anyio

MEMORY = timedelta(minutes=15)


@pytest.fixture
def own_nats() -> Iterator[Nats]:
    """A server of this test's own, to be stopped."""
    with open_folder() as folder:
        server = Nats(folder / "nats", durable=False)
        server.start()
        yield server
        server.stop()


async def test_what_was_is_heard_before_the_block_begins_and_what_comes_after_it(bus: Bus, domain: str) -> None:
    heard: list[tuple[str, int]] = []
    types = [f"{domain}.user.suspended", f"{domain}.user.erased"]
    # more than are fetched at once
    for version in range(300):
        await bus.publish(event_of(types[0], "usr_1", version))
    await bus.publish(event_of(f"{domain}.user.registered", "usr_2"))
    async with Follower(bus, types, lambda e: heard.append((e.aggregate_id, e.aggregate_version)), memory=MEMORY):
        assert heard == [("usr_1", version) for version in range(300)]
        await bus.publish(event_of(types[1], "usr_3", 7))
        await bus.publish(event_of(f"{domain}.user.registered", "usr_4"))
        await eventually(lambda: heard[300:] == [("usr_3", 7)])
    await bus.publish(event_of(types[1], "usr_5"))
    await bus.ping()
    assert len(heard) == 301


async def test_nothing_is_left_behind_at_the_server(own_nats: Nats, domain: str) -> None:
    bus = await Bus.connect(own_nats.url, name="leaves nothing")
    async with Follower(bus, [f"{domain}.user.erased"], lambda _: None, memory=MEMORY):
        assert await bus.jetstream.consumers_info(STREAM) == []
    await bus.close()


async def test_what_is_older_than_the_memory_is_not_heard(bus: Bus, domain: str) -> None:
    heard: list[str] = []
    await bus.publish(event_of(f"{domain}.user.erased", "usr_old"))
    async with Follower(bus, [f"{domain}.user.erased"], lambda e: heard.append(e.aggregate_id), memory=-MEMORY):
        assert heard == []


async def test_what_passed_while_the_connection_was_away_is_heard_afterwards(own_nats: Nats, domain: str) -> None:
    listening = await Bus.connect(own_nats.url, name="listens")
    # so that there is time to tell others what this one cannot hear
    listening.client.options["reconnect_time_wait"] = 2.0
    heard: set[str] = set()
    async with Follower(listening, [f"{domain}.user.erased"], lambda e: heard.add(e.aggregate_id), memory=MEMORY):
        own_nats.stop()
        await eventually(lambda: not listening.is_connected)
        own_nats.start()
        telling = await Bus.connect(own_nats.url, name="tells")
        await telling.publish(event_of(f"{domain}.user.erased", "usr_1"))
        await telling.close()
        await eventually(lambda: heard == {"usr_1"})
    await listening.close()


async def test_who_cannot_know_what_was_does_not_begin(own_nats: Nats, domain: str) -> None:
    bus = await Bus.connect(own_nats.url, name="begins")
    await bus.jetstream.delete_stream(STREAM)
    with pytest.raises(UnavailableError):
        async with Follower(bus, [f"{domain}.user.erased"], lambda _: None, memory=MEMORY):
            pass
    await bus.close()
