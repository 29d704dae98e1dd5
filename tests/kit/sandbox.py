"""The sandbox as a server of its own: its real application under uvicorn on a free port, in a thread of its own.

A thread, since tests have an event loop per module, and the sandbox may outlive it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import uvicorn
from pydantic import SecretStr

from deploy.sandbox.app import create_sandbox_app
from deploy.sandbox.settings import SandboxSettings
from tests.kit.ports import free_port
from tests.kit.subgraph import fresh_database_name

KEY = "sk_sandbox_of_the_tests"
PUBLISHABLE_KEY = "pk_sandbox_of_the_tests"
WEBHOOK_SECRET = "whsec_dGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIGxvbmcgZW5vdWdo"
VAULT_KEYS = f"k1:{'5a' * 32}"


@dataclass(slots=True)
class Sandbox:
    """A running one, and what it was started with."""

    url: str
    settings: SandboxSettings
    database_name: str
    http: aiohttp.ClientSession = field(repr=False)

    async def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, key: str = "", as_key: str = KEY
    ) -> tuple[int, Any]:
        """Status and parsed body; `key` is the idempotency key."""
        headers = {"authorization": f"Bearer {as_key}", **({"idempotency-key": key} if key else {})}
        async with self.http.request(method, self.url + path, json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    async def charges(self) -> list[dict[str, Any]]:
        charges: list[dict[str, Any]] = (await self.ask("GET", "/__admin/ledger"))[1]["charges"]
        return charges

    async def faults(self, **wanted: Any) -> None:
        status, body = await self.ask("POST", "/__admin/faults", wanted)
        assert status == 200, body

    async def reset(self) -> None:
        await self.ask("DELETE", "/__admin/faults")

    async def advance(self, seconds: float) -> None:
        await self.ask("POST", "/__admin/clock", {"advance_s": seconds})


@asynccontextmanager
async def running_sandbox(
    postgres_url: str, webhook_url: str | None = None, *, database_name: str = "", **more: Any
) -> AsyncIterator[Sandbox]:
    """`more` are settings, such as `sandbox_bank_delay_s`."""
    port = free_port()
    settings = SandboxSettings(
        database_url=postgres_url,
        payment_provider_key=SecretStr(KEY),
        payment_publishable_key=SecretStr(PUBLISHABLE_KEY),
        sandbox_vault_keys=SecretStr(VAULT_KEYS),
        sandbox_url=f"http://127.0.0.1:{port}",
        sandbox_webhook_url=webhook_url,
        payment_webhook_secret=SecretStr(WEBHOOK_SECRET),
        **{"sandbox_bank_delay_s": 0.2, "sandbox_dispute_delay_s": 0.2, **more},
    )
    name = database_name or fresh_database_name("sandbox")
    app = create_sandbox_app(settings, database_name=name)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, lifespan="on", log_config=None, access_log=False)
    server = uvicorn.Server(config)
    # signals are for the main thread, where uvicorn leaves them alone in any other
    thread = threading.Thread(target=server.run, name="sandbox", daemon=True)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the sandbox ended at its start"
            await asyncio.sleep(0.01)
        async with aiohttp.ClientSession() as http:
            yield Sandbox(settings.sandbox_url, settings, name, http)
    finally:
        server.should_exit = True
        await asyncio.to_thread(thread.join, 10)
