"""A running subgraph: what its service is given, and the order in which everything starts and stops.

Start: database, migrations, bus, which tokens have ended, feeds, service, commands, workers. Stop, strictly one after
another so that nothing is pulled away from under a request: not ready, requests in flight finish, workers finish what
they hold, bus, database.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import structlog

from common.clock import Clock
from common.errors import UnavailableError
from common.events import (
    Bus,
    CommandHandler,
    Consumer,
    ConsumerRunner,
    EventFeed,
    EventMetrics,
    Follower,
    Outbox,
    OutboxWatch,
    Relay,
    Retention,
)
from common.health import Health
from common.settings import SubgraphSettings
from common.subgraph.caches import Caches
from common.subgraph.database import Database
from common.subgraph.dead_letters import dead_letter_commands
from common.subgraph.idempotency import IdempotencySweeper
from common.subgraph.in_flight import InFlight
from common.subgraph.revocations import REMEMBERED, REVOKING, Revocations
from common.telemetry import Telemetry

log = structlog.get_logger(__name__)

ServiceT = TypeVar("ServiceT")
RESTART_PAUSE_S = 1.0


class Worker(Protocol):
    """Background work of a subgraph, such as a sweeper."""

    async def run(self) -> None:
        """Until `stop`."""

    def stop(self) -> None:
        """`run` finishes what it holds and returns."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What the kit gives a subgraph's service."""

    settings: SubgraphSettings
    database: Database
    bus: Bus
    outbox: Outbox
    clock: Clock
    telemetry: Telemetry
    caches: Caches
    #: by type pattern, as `SubgraphParts.feeds` names them
    feeds: Mapping[str, EventFeed]


@dataclass(frozen=True, slots=True)
class BackgroundParts(Generic[ServiceT]):
    """What runs beside requests; each function is asked once, when the service exists."""

    #: command name -> handler; `contact` of `users` is served on `commands.users.contact`
    commands: Callable[[ServiceT], Mapping[str, CommandHandler]]
    consumers: Callable[[ServiceT], Sequence[Consumer]]
    workers: Callable[[ServiceT], Sequence[Worker]]


class Runtime(Generic[ServiceT]):
    """Holds the service between start and stop; `lifespan` is the only writer."""

    def __init__(
        self,
        name: str,
        settings: SubgraphSettings,
        database: Database,
        *,
        new_service: Callable[[Platform], ServiceT],
        background: BackgroundParts[ServiceT],
        feeds: Sequence[str],
        revocations: Revocations,
        clock: Clock,
        telemetry: Telemetry,
        event_metrics: EventMetrics,
    ) -> None:
        self.name = name
        self.settings = settings
        self.database = database
        self.in_flight = InFlight()
        self._new_service = new_service
        self._background = background
        self._feeds = feeds
        self._revocations = revocations
        self._clock = clock
        self._telemetry = telemetry
        self._event_metrics = event_metrics
        self._bus: Bus | None = None
        self._service: ServiceT | None = None

    def service(self) -> ServiceT:
        """Raises UnavailableError before the start and after the stop."""
        if self._service is None:
            raise UnavailableError(f"{self.name} is not running")
        return self._service

    async def check_bus(self) -> None:
        """Raises UnavailableError without a connection to NATS."""
        if self._bus is None:
            raise UnavailableError("not connected yet")
        await self._bus.ping()

    @asynccontextmanager
    async def lifespan(self, health: Health) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._telemetry.shutdown)
            await self.database.open()
            stack.push_async_callback(self.database.close)
            await self.database.migrate()
            self._bus = bus = await Bus.connect(
                self.settings.nats_url, name=f"punnet-{self.name}", clock=self._clock, tracer=self._telemetry.tracer
            )
            stack.push_async_callback(bus.close)
            await stack.enter_async_context(Follower(bus, REVOKING, self._revocations.hear, memory=REMEMBERED))
            outbox = Outbox()
            feeds = {pattern: await stack.enter_async_context(EventFeed(bus, pattern)) for pattern in self._feeds}
            caches = Caches(self.name, self.settings.redis_url, self._clock, stack)
            platform = Platform(self.settings, self.database, bus, outbox, self._clock, self._telemetry, caches, feeds)
            service = self._new_service(platform)
            async with asyncio.TaskGroup() as tasks:
                workers = self._workers(platform, service)
                # tasks take the database with them: a context variable set here is copied into each
                with self.database.use():
                    running = [tasks.create_task(self._keep_running(worker)) for worker in workers]
                commands = dead_letter_commands(self.database, self._clock) | dict(self._background.commands(service))
                for command, handler in commands.items():
                    await bus.serve(f"commands.{self.name}.{command}", self._with_database(handler))
                self._service = service
                try:
                    yield
                finally:
                    health.start_draining()
                    await self.in_flight.drained(self.settings.drain_timeout_s)
                    self._service = None
                    for worker in workers:
                        worker.stop()
                    await self._wait_for(running)

    def _workers(self, platform: Platform, service: ServiceT) -> list[Worker]:
        database, bus = platform.database, platform.bus
        consumers = self._background.consumers(service)
        return [
            Relay(platform.outbox, database, bus, clock=self._clock, metrics=self._event_metrics),
            OutboxWatch(database, clock=self._clock, metrics=self._event_metrics),
            Retention(database, clock=self._clock),
            IdempotencySweeper(database, self._clock),
            *(
                ConsumerRunner(consumer, bus, database, clock=self._clock, metrics=self._event_metrics)
                for consumer in consumers
            ),
            *self._background.workers(service),
        ]

    async def _keep_running(self, worker: Worker) -> None:
        """A worker that fails is started again: the others and the requests go on."""
        while True:
            try:
                await worker.run()
            except Exception:
                log.exception("worker failed", subgraph=self.name, worker=type(worker).__name__)
                await asyncio.sleep(RESTART_PAUSE_S)
            else:
                return

    async def _wait_for(self, running: Sequence[asyncio.Task[None]]) -> None:
        """Workers get the drain time to finish; after that they are cancelled and their transactions roll back."""
        _, late = await asyncio.wait(running, timeout=self.settings.drain_timeout_s)
        for task in late:
            log.warning("worker did not stop in time", subgraph=self.name)
            task.cancel()

    def _with_database(self, handler: CommandHandler) -> CommandHandler:
        async def handle(payload: dict[str, Any]) -> Mapping[str, Any]:
            with self.database.use():
                return await handler(payload)

        return handle
