"""The servers the shop stands on: embedded ones, or those that DATABASE_URL and NATS_URL name."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from deploy.local.state import StateFolder
from deploy.local.terminal import Terminal

POSTGRESQL = "PostgreSQL"
NATS = "NATS"


class Server(Protocol):
    """An embedded server; all methods are called from the main thread."""

    def start(self) -> str:
        """Start, wait until it answers, return its address, which a restart does not change."""

    def stop(self) -> None: ...

    def kill(self) -> None: ...

    def is_running(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Servers:
    database_url: str
    nats_url: str
    #: by name, in the order of their start; empty when both are somebody else's
    embedded: dict[str, Server]

    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.database_url, "NATS_URL": self.nats_url}


@contextmanager
def servers(
    folder: StateFolder, terminal: Terminal, started: Callable[[Server], None] = lambda _: None
) -> Iterator[Servers]:
    """Run what is needed for as long as the block lasts. The folder must be locked. `started` hears of each server
    before it starts."""
    embedded: dict[str, Server] = {}

    def address(variable: str, name: str, server: Callable[[], Server]) -> str:
        if outside := os.environ.get(variable):
            terminal.say(f"{name} from {variable}")
            return outside
        embedded[name] = own = server()
        started(own)
        with terminal.step(f"{name} starts"):
            return own.start()

    try:
        database_url = address("DATABASE_URL", POSTGRESQL, lambda: Postgres(folder.postgres))
        nats_url = address("NATS_URL", NATS, lambda: Nats(folder.nats))
        yield Servers(database_url, nats_url, embedded)
    finally:
        for server in reversed(embedded.values()):
            server.stop()
