"""One users subgraph per test module, on a clock that stands until it is moved."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from common.auth import ContextSigner
from common.events import Bus
from subgraphs.users.app import create_app
from subgraphs.users.settings import UsersSettings
from tests.kit.clock import FrozenClock
from tests.kit.subgraph import SECRET, SubgraphClient, fresh_database_name, running
from tests.kit.users import cheap_passwords, users_settings


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def settings(postgres_url: str, nats_url: str) -> UsersSettings:
    return users_settings(postgres_url, nats_url)


@pytest.fixture(scope="module")
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture(scope="module")
async def shop(settings: UsersSettings, clock: FrozenClock) -> AsyncIterator[SubgraphClient]:
    """The subgraph without demo accounts."""
    app = create_app(settings, clock=clock, database_name=fresh_database_name("users"), passwords=cheap_passwords())
    async with running(app) as client:
        yield replace(client, signer=ContextSigner(SECRET.encode(), clock))


@pytest.fixture(scope="module")
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_url, name="test")
    yield bus
    await bus.close()
