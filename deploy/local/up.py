"""`punnet up`: servers, databases, demo data, schema, processes; then watch over all of it until somebody stops it.

One supervisor, one thread. Everything it starts is stopped in the opposite order, whatever happens in between.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from deploy.local import web
from deploy.local.children import Child, kill_all, stop_all
from deploy.local.errors import LocalError
from deploy.local.postgres import reachable_folder
from deploy.local.process import keep_previous_log, spawn, tail
from deploy.local.secrets import all_secrets
from deploy.local.servers import POSTGRESQL, Server, Servers, servers
from deploy.local.signals import StopRequested, stop_signals
from deploy.local.sources import sources_digest
from deploy.local.state import Running, StateFolder
from deploy.local.terminal import Terminal
from deploy.local.topology import Topology, check_free, in_one_process, one_process_each

_POLL_S = 0.2
_BUNDLE_TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Options:
    host: str = "127.0.0.1"
    port: int = 8080
    is_split: bool = False
    #: processes of each subgraph and the router, if split
    workers: int = 1
    with_seed: bool = True
    with_web: bool = True


def up(folder: StateFolder, options: Options, terminal: Terminal, welcome: Callable[[Running], None]) -> None:
    """Run the shop until SIGINT or SIGTERM; `welcome` is called once it is ready. Raises LocalError when it cannot be
    started. A second signal ends everything at once, with status 128 + its number."""
    children: list[Child] = []
    embedded: list[Server] = []

    def kill_everything() -> None:
        kill_all(children)
        for server in embedded:
            server.kill()

    with stop_signals(kill_everything):
        try:
            with ExitStack() as stack:
                stack.enter_context(folder.locked())
                check_free(options.host, options.port)
                bundle = _start_bundle(folder) if options.with_web else None
                running_servers = stack.enter_context(servers(folder, terminal, embedded.append))
                _prepare(folder, running_servers, terminal, with_seed=options.with_seed)
                topology = _topology(folder, running_servers, options)
                stack.enter_context(_processes(folder, topology, children, terminal))
                _finish_bundle(bundle, folder, terminal)
                running = _running(options, running_servers, topology)
                stack.enter_context(folder.announced(running))
                welcome(running)
                _watch(children, running_servers, terminal)
        except StopRequested:
            terminal.say("Stopped.")


def _topology(folder: StateFolder, running: Servers, options: Options) -> Topology:
    environment, host, port = running.environment(), options.host, options.port
    if options.is_split:
        return one_process_each(folder, environment, host=host, port=port, workers=options.workers)
    return in_one_process(folder, environment, host=host, port=port)


def _running(options: Options, running: Servers, topology: Topology) -> Running:
    shown_host = "localhost" if options.host in ("127.0.0.1", "0.0.0.0", "::") else options.host  # noqa: S104
    return Running(
        pid=os.getpid(),
        url=f"http://{shown_host}:{options.port}",
        database_url=running.database_url,
        nats_url=running.nats_url,
        subgraph_urls=topology.subgraph_urls,
        sandbox_url=topology.sandbox_url,
    )


def _prepare(folder: StateFolder, running: Servers, terminal: Terminal, *, with_seed: bool) -> None:
    """Demo data and schema in a process of its own: it imports the whole shop, the supervisor need not.

    Skipped when the embedded databases have been prepared from the same sources before.
    """
    prepared = reachable_folder(folder.postgres) / "prepared"
    is_ours = POSTGRESQL in running.embedded
    wanted = f"{sources_digest()} {'with' if with_seed else 'without'} demo data"
    if is_ours and prepared.exists() and prepared.read_text() == wanted:
        return
    log = folder.logs / "prepare.log"
    keep_previous_log(log)
    environment = {**running.environment(), **all_secrets(folder), **os.environ}
    command = [sys.executable, "-P", "-m", "deploy.local.prepare", *(["--seed"] if with_seed else [])]
    with terminal.step("Databases, demo data and schema" if with_seed else "Databases and schema"):
        if spawn(command, log=log, environment=environment).wait() != 0:
            raise LocalError(f"The shop could not be prepared (log {log}):\n{tail(log)}")
    if is_ours:
        prepared.write_text(wanted)


@contextmanager
def _processes(folder: StateFolder, topology: Topology, children: list[Child], terminal: Terminal) -> Iterator[None]:
    """Run the groups one after another, and stop the last one first."""
    with ExitStack() as stack:
        for group in topology.groups:
            started = [Child(program, folder.logs / f"{program.name}.log") for program in group]
            children += started
            stack.callback(stop_all, started)
            with terminal.step(f"{', '.join(child.program.name for child in started)} starts"):
                for child in started:
                    child.start()
                for child in started:
                    child.wait_until_ready()
        try:
            yield
        finally:
            terminal.say("Stopping; requests under way are finished. Once more to stop at once.")


def _watch(children: list[Child], running: Servers, terminal: Terminal) -> None:
    """Start again what dies, until a signal ends this."""
    while True:
        for name, server in running.embedded.items():
            if not server.is_running():
                terminal.warn(f"{name} ended, starts again")
                server.start()
        for child in children:
            if said := child.revive():
                terminal.warn(said)
        time.sleep(_POLL_S)


def _start_bundle(folder: StateFolder) -> subprocess.Popen[bytes] | None:
    """Begin to build the GraphiQL page beside everything else; None when it is built."""
    if web.is_built():
        return None
    log = folder.logs / "web.log"
    keep_previous_log(log)
    return spawn([sys.executable, "-P", "-m", "deploy.cli", "web", "build"], log=log)


def _finish_bundle(bundle: subprocess.Popen[bytes] | None, folder: StateFolder, terminal: Terminal) -> None:
    """The page is a convenience: without it everything else works."""
    if bundle is None:
        return
    with terminal.step("GraphiQL bundle, built once"):
        try:
            failed = bundle.wait(_BUNDLE_TIMEOUT_S) != 0
        except subprocess.TimeoutExpired:
            bundle.kill()
            bundle.wait()
            failed = True
    if failed:
        log = folder.logs / "web.log"
        terminal.warn(f"GraphiQL could not be built, everything else works. `make web` tries again. Log {log}:")
        terminal.say(tail(log, lines=3))
