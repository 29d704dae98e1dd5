"""Goodput under overload: a subgraph that can do so much and no more, the router as a process, many clients.

    python -m tests.load.overload [--capacity 20] [--timeout 10] [--clients 500] [--seconds 30] [--rates 1,2,10]

The subgraph does one request after the other, and each takes 1/capacity seconds of waiting, not of CPU: the numbers
do not depend on the machine. It works on what it was sent even when nobody waits any more, as most servers do.

First so many clients, each of which asks, waits for the answer, and asks again; one that is refused waits a second.
Then requests at a fixed rate, as multiples of the capacity. Printed: answers with data within the timeout per second,
their latency, and what the others were told, by code. `--config` gives a router.yaml in place of the one written here.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from router.transport.addresses import parse_address
from router.transport.errors import TransportError
from router.transport.http.client import HttpClient
from router.transport.http.pool import PoolLimits
from router.transport.model import SubgraphRequest
from tests.kit.router_process import router_process
from tests.kit.tiny_subgraph import SUPERGRAPH

_ANSWER = b'{"data":{"count":1}}'
_BODY = b'{"query":"{ count }"}'


@dataclass(slots=True)
class Tally:
    """Of one phase."""

    timeout_s: float
    latencies_s: list[float] = field(default_factory=list)  #: of the good ones
    others: Counter[str] = field(default_factory=Counter)

    async def ask(self, client: HttpClient) -> bool:
        """False if the answer held no data, or came too late."""
        started = time.monotonic()
        try:
            response = await client.send(SubgraphRequest("router", _BODY))
        except TransportError as exc:
            self.others[type(exc).__name__] += 1
            return False
        took_s = time.monotonic() - started
        answer = json.loads(response.body)
        if not answer.get("errors") and took_s <= self.timeout_s:
            self.latencies_s.append(took_s)
            return True
        codes = {error["extensions"].get("code", "?") for error in answer.get("errors", ())} or {"late"}
        self.others[f"{response.status} {'+'.join(sorted(codes))}"] += 1
        return False

    def report(self, name: str, seconds: float) -> None:
        ordered = sorted(self.latencies_s) or [math.nan]
        p50, p99 = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]
        others = ", ".join(f"{count} {code}" for code, count in self.others.most_common()) or "-"
        goodput = len(self.latencies_s) / seconds
        print(f"{name:>14}  {goodput:7.1f} good/s  p50 {p50:6.2f} s  p99 {p99:6.2f} s  others: {others}", flush=True)


async def closed_loop(client: HttpClient, clients: int, tally: Tally, seconds: float) -> None:
    ends_at = time.monotonic() + seconds

    async def buyer() -> None:
        while time.monotonic() < ends_at:
            if not await tally.ask(client):
                await asyncio.sleep(1.0)

    async with asyncio.TaskGroup() as group:
        for _ in range(clients):
            group.create_task(buyer())


async def open_loop(client: HttpClient, rate: float, tally: Tally, seconds: float) -> None:
    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
            group.create_task(tally.ask(client))


def serve_subgraph(capacity: float, port: int) -> None:
    turn = asyncio.Lock()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        async with turn:
            await asyncio.sleep(1 / capacity)
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_ANSWER))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": _ANSWER})

    uvicorn.run(app, port=port, lifespan="off", log_level="error", timeout_keep_alive=75, loop="uvloop")


@contextmanager
def slow_subgraph(capacity: float) -> Iterator[int]:
    """Its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    arguments = ("--serve", str(port), "--capacity", str(capacity))
    process = subprocess.Popen([sys.executable, "-m", "tests.load.overload", *arguments])
    try:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.kill()
        process.wait()


async def main(options: argparse.Namespace, url: str) -> None:
    # a client waits a little longer than the router, so that it sees what the router says
    limits = PoolLimits(max_connections=10_000, max_idle_s=60.0)
    async with HttpClient(parse_address(url), limits, None) as client:  # type: ignore[arg-type]  # it is http
        tally = Tally(options.timeout)
        await closed_loop(client, options.clients, tally, options.seconds)
        tally.report(f"{options.clients} clients", options.seconds)
        for times in options.rates:
            await asyncio.sleep(options.timeout)
            tally = Tally(options.timeout)
            await open_loop(client, times * options.capacity, tally, options.seconds)
            tally.report(f"{times:g} x capacity", options.seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--capacity", type=float, default=20.0, help="requests per second")
    parser.add_argument("--timeout", type=float, default=10.0, help="of the router and of its subgraphs, seconds")
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each phase")
    parser.add_argument("--rates", type=lambda text: [float(part) for part in text.split(",")], default=[1, 2, 10])
    parser.add_argument("--config", type=Path)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve_subgraph(given.capacity, given.serve)
        sys.exit()
    with slow_subgraph(given.capacity) as port, tempfile.TemporaryDirectory() as folder:
        supergraph, config = Path(folder, "supergraph.graphql"), Path(folder, "router.yaml")
        supergraph.write_text(SUPERGRAPH)
        shaping = f"{{router: {{timeout: {given.timeout}s}}, all: {{timeout: {given.timeout}s}}}}"
        config.write_text(
            given.config.read_text()
            if given.config
            else f"traffic_shaping: {shaping}\ninclude_subgraph_errors: {{all: true}}\n"
        )
        with config.open("a") as file:
            file.write(f"override_subgraph_url: {{tiny: 'http://127.0.0.1:{port}/graphql'}}\n")
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        with router_process(supergraph, "--config", str(config)) as running, runner:
            runner.run(main(given, running.url))
