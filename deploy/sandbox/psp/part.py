"""The payment provider, wired."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from common.clock import SystemClock
from common.errors import UnavailableError
from common.health import HealthCheck
from deploy.sandbox.part import Part
from deploy.sandbox.psp.background import Background
from deploy.sandbox.psp.clock import MovableClock
from deploy.sandbox.psp.database import DATABASE, open_pool
from deploy.sandbox.psp.faults import Faults
from deploy.sandbox.psp.intents import Delays, Intents
from deploy.sandbox.psp.refunds import Refunds
from deploy.sandbox.psp.routes import Api, routes
from deploy.sandbox.psp.vault import Vault, VaultKeys
from deploy.sandbox.psp.webhooks import TIMEOUT_S, Deliveries, Endpoints
from deploy.sandbox.settings import SandboxSettings


@dataclass(slots=True)
class _Running:
    api: Api | None = None

    def get(self) -> Api:
        if self.api is None:
            raise UnavailableError("the provider is not running")
        return self.api


def payment_provider(settings: SandboxSettings, *, database_name: str = DATABASE) -> Part:
    running = _Running()

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with (
            open_pool(settings.database_url, database_name) as pool,
            aiohttp.ClientSession(timeout=timeout) as http,
        ):
            clock = MovableClock()
            delays = Delays(
                dt.timedelta(seconds=settings.sandbox_bank_delay_s),
                dt.timedelta(seconds=settings.sandbox_dispute_delay_s),
            )
            faults = Faults()
            vault = Vault(pool, clock, VaultKeys.parse(settings.sandbox_vault_keys.get_secret_value()))
            intents = Intents(pool, clock, delays, settings.sandbox_url.rstrip("/"))
            endpoints = Endpoints(pool)
            background = Background(pool, clock, intents, Deliveries(pool, clock, SystemClock(), faults, http), vault)
            if settings.sandbox_webhook_url:
                await endpoints.register(settings.sandbox_webhook_url, settings.webhook_secrets(), only_unanswered=True)
            working = asyncio.create_task(background.run())
            running.api = Api(
                pool=pool,
                clock=clock,
                secret_key=settings.payment_provider_key.get_secret_value(),
                publishable_key=settings.payment_publishable_key.get_secret_value(),
                vault=vault,
                intents=intents,
                refunds=Refunds(pool, clock, intents),
                endpoints=endpoints,
                background=background,
                faults=faults,
            )
            try:
                yield
            finally:
                running.api = None
                working.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await working

    async def ping() -> None:
        await running.get().pool.fetchval("SELECT 1")

    return Part(routes(running.get), lifespan, [HealthCheck("postgres", ping)])
