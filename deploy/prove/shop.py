"""A fresh, empty shop of its own for each scenario: embedded servers, a process per subgraph, the router in front.

What dies is started again at once, unlike under `punnet up`, whose pauses protect a machine from a program that cannot
live. Everything is started from the main thread, because children die with the thread that started them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from common.auth import Principal, TokenSigner, load_private_key
from common.clock import SystemClock
from common.ids import new_id
from common.settings import Settings, database_url_for
from deploy.local.children import Child, Program, kill_all, stop_all
from deploy.local.ports import free_ports
from deploy.local.secrets import signing_key
from deploy.local.servers import Servers, servers
from deploy.local.state import StateFolder
from deploy.local.terminal import Terminal
from deploy.local.topology import Topology, one_process_each
from deploy.prove.outside import Outside

_REVIVE_POLL_S = 0.05
_TOKEN_LIFETIME_S = 4 * 3600


class QuietTerminal(Terminal):
    """Says nothing: scenarios report for themselves."""

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        yield

    def say(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...


@dataclass(slots=True)
class ProvenShop:
    """A started shop. Times are those of this machine."""

    folder: StateFolder
    servers: Servers
    children: dict[str, Child]
    url: str
    subgraph_urls: Mapping[str, str]
    environment: Mapping[str, str]
    #: the world outside: payment provider and message providers
    sandbox: Outside
    #: (name, exit status) of what ended without being asked to, in the order in which it was started again
    deaths: list[tuple[str, int]] = field(default_factory=list)
    is_reviving: bool = True
    _signer: TokenSigner = field(init=False)

    def __post_init__(self) -> None:
        self._signer = TokenSigner(
            load_private_key(signing_key(self.folder)),
            issuer=Settings.model_fields["jwt_issuer"].default,
            audience=Settings.model_fields["jwt_audience"].default,
            clock=SystemClock(),
            lifetime_s=_TOKEN_LIFETIME_S,
        )

    def token(self, subject: str, roles: Sequence[str] = ("CUSTOMER",), scopes: Sequence[str] = ()) -> str:
        """An access token as the users subgraph would give it."""
        return self._signer.sign(Principal(subject, frozenset(roles), frozenset(scopes))).token

    def buyer(self) -> str:
        """Token of a customer nobody else is."""
        return self.token(new_id("usr"))

    def database_url(self, subgraph: str) -> str:
        return database_url_for(self.servers.database_url, f"punnet_{subgraph}")

    def database_urls(self) -> dict[str, str]:
        return {name: self.database_url(name) for name in self.subgraph_urls}

    def address(self, name: str) -> str:
        """Of a process, without a path."""
        return self.children[name].program.ready_url.removesuffix("/health/ready")

    @property
    def failpoints(self) -> Path:
        """The folder whose files say at which steps a process dies, where the scenario has that."""
        return self.folder.path / "failpoints"

    def kill(self, name: str) -> None:
        """SIGKILL; the keeper starts it again."""
        process = self.children[name].process
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)

    async def until_ready(self) -> None:
        """Until every process answers that it is ready; raises LocalError when one does not."""
        await asyncio.sleep(2 * _REVIVE_POLL_S)  # the keeper starts what has just died
        for child in self.children.values():
            await _ready(child)

    async def stop_gracefully(self) -> dict[str, int]:
        """SIGTERM to all, as an orderly shutdown does; exit status by process. Nothing is started again until
        `start_again`."""
        self.is_reviving = False
        await asyncio.to_thread(stop_all, list(reversed(self.children.values())))
        return {name: child.process.returncode for name, child in self.children.items() if child.process is not None}

    async def start_again(self) -> None:
        for child in self.children.values():
            child.start()
        for child in self.children.values():
            await _ready(child)
        self.is_reviving = True

    async def keep_alive(self) -> None:
        """Starts again at once what died, for ever."""
        while True:
            for child in self.children.values():
                if self.is_reviving and child.process is not None and (status := child.process.poll()) is not None:
                    self.deaths.append((child.program.name, status))
                    child.start()
            await asyncio.sleep(_REVIVE_POLL_S)


async def _ready(child: Child) -> None:
    # asking blocks for milliseconds and sleeps in between; it must not stop the crowd
    await asyncio.to_thread(child.wait_until_ready)


@asynccontextmanager
async def proven_shop(
    environment: Mapping[str, str] | None = None,
    *,
    workers: int = 1,
    programs: Mapping[str, Sequence[str]] | None = None,
    has_failpoints: bool = False,
    router: Mapping[str, Any] | None = None,
) -> AsyncIterator[ProvenShop]:
    """`environment` is added to every process's; subgraphs and router have `workers` each. `programs` replaces the
    command of a process by name, `router` sections of the router's configuration. Its data is gone afterwards; it is
    kept, and its place said, when the block raises."""
    home = _new_folder()
    folder = StateFolder(home)
    extra = dict(environment or {})
    terminal = QuietTerminal()
    is_well = False
    try:
        async with AsyncExitStack() as stack:
            sync = stack.enter_context(ExitStack())
            sync.enter_context(folder.locked())
            running = sync.enter_context(servers(folder, terminal))
            (port,) = free_ports(1)
            topology = one_process_each(folder, running.environment(), host="127.0.0.1", port=port, workers=workers)
            if router:
                _reconfigure(folder.path / "router.yaml", router)
            children: dict[str, Child] = {}
            sync.callback(lambda: kill_all(list(children.values())))
            shop = ProvenShop(
                folder, running, children, f"http://127.0.0.1:{port}", topology.subgraph_urls, extra, _outside(topology)
            )
            if has_failpoints:
                shop.failpoints.mkdir()
                extra["PUNNET_FAILPOINT"] = f"@{shop.failpoints}"
            for group in topology.groups:
                wanted = [_program(program, extra, programs or {}) for program in group]
                started = [Child(program, folder.logs / f"{program.name}.log") for program in wanted]
                children |= {child.program.name: child for child in started}
                for child in started:
                    child.start()
                for child in started:
                    await _ready(child)
            keeper = asyncio.create_task(shop.keep_alive())
            try:
                yield shop
                shop.is_reviving = False
                await asyncio.to_thread(stop_all, list(reversed(children.values())))
            finally:
                shop.is_reviving = False
                keeper.cancel()
        is_well = True
    finally:
        if is_well:
            StateFolder(home).drop()
            shutil.rmtree(home, ignore_errors=True)
        else:
            print(f"  the data of this shop is kept in {home}", file=sys.stderr)


def _new_folder() -> Path:
    home = Path(tempfile.mkdtemp(prefix="punnet-prove-"))
    home.chmod(0o711)  # PostgreSQL, which does not run as root, passes through to its data
    return home


def _reconfigure(config: Path, sections: Mapping[str, Any]) -> None:
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | sections))


def _program(program: Program, extra: Mapping[str, str], programs: Mapping[str, Sequence[str]]) -> Program:
    argv = list(program.argv)
    if program.name in programs:
        # `… subgraph NAME … --listen HOST:PORT` becomes `<command> HOST:PORT`
        argv = [*programs[program.name], argv[-1]]
    return replace(program, argv=argv, environment={**program.environment, **extra})


def _outside(topology: Topology) -> Outside:
    (program,) = [program for group in topology.groups for program in group if program.name == "sandbox"]
    return Outside(topology.sandbox_url, program.environment["PUNNET_PAYMENT_PROVIDER_KEY"])
