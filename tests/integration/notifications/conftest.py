"""Notifications with the users subgraph beside it, and the sandbox as the world outside."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from common.events import Bus
from subgraphs.notifications.app import create_app
from subgraphs.notifications.settings import NotificationsSettings
from tests.kit.ports import free_port
from tests.kit.sandbox import Sandbox, running_sandbox
from tests.kit.subgraph import SubgraphClient, fresh_database_name, running, settings_of
from tests.kit.users import users_app, users_settings

MESSAGE_KEY = "mk_of_the_tests"


@dataclass(frozen=True, slots=True)
class Outside:
    """The providers of messages, running."""

    sandbox: Sandbox
    smtp_url: str

    async def delivered(self, kind: str, to: str) -> list[dict[str, Any]]:
        """Oldest first."""
        _, found = await self.sandbox.ask("GET", f"/{kind}")
        return [message for message in reversed(found[kind]) if message["to"] == to]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_url, name="test")
    yield bus
    await bus.close()


@pytest.fixture(scope="module")
async def outside(postgres_url: str) -> AsyncIterator[Outside]:
    address = f"127.0.0.1:{free_port()}"
    async with running_sandbox(
        postgres_url, sandbox_smtp_listen=address, sandbox_message_key=SecretStr(MESSAGE_KEY)
    ) as sandbox:
        yield Outside(sandbox, f"smtp://{address}?starttls=never")


@pytest.fixture(scope="module")
async def people(postgres_url: str, nats_url: str) -> AsyncIterator[SubgraphClient]:
    """The users subgraph."""
    async with running(users_app(users_settings(postgres_url, nats_url))) as client:
        yield client


@pytest.fixture(scope="module")
def delivering(postgres_url: str, nats_url: str, outside: Outside) -> NotificationsSettings:
    """Settings of a subgraph that delivers to the sandbox."""
    return NotificationsSettings(
        **settings_of(postgres_url, nats_url),
        smtp_url=SecretStr(outside.smtp_url),
        sms_url=f"{outside.sandbox.url}/v1/sms",
        sms_key=SecretStr(MESSAGE_KEY),
        push_url=f"{outside.sandbox.url}/v1/push",
        push_key=SecretStr(MESSAGE_KEY),
    )


@pytest.fixture(scope="module")
async def told(delivering: NotificationsSettings, people: SubgraphClient) -> AsyncIterator[SubgraphClient]:
    """The notifications subgraph that does."""
    async with running(create_app(delivering, database_name=fresh_database_name("notifications"))) as client:
        yield client
