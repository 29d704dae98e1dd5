"""A database with tables of events and a connection to NATS, fresh for each test.

Tests share one stream; each uses event types of its own, made of a name nobody else has.
"""

import secrets
from collections.abc import AsyncIterator

import pytest

from common.events import Bus
from tests.kit.event_database import EventDatabase, open_event_database


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[EventDatabase]:
    async with open_event_database(database_url, create_tables=True) as opened:
        yield opened


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    connected = await Bus.connect(nats_url, name="tests")
    yield connected
    await connected.close()


@pytest.fixture
def domain() -> str:
    """First part of event types."""
    return f"d{secrets.token_hex(6)}"
