"""Memory of a router that is asked something new each time.

    python -m tests.load.distinct_operations SUPERGRAPH [--count 100000] [--growth 1.1]

Sends random operations on the supergraph's API schema, every one with a text, an operation name and a persisted-query
hash of its own, through the whole router: HTTP, parsing, validation, planning, compiling, execution. Subgraphs are one
application in this process that answers nothing, so only root fetches are made. Prints resident memory while it goes,
and fails when at the end it is more than `growth` times what it was after a fifth of the operations: by then every
cache is full.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import logging
import os
import sys
import time
from collections import Counter
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from router.config import parse_config
from router.server.app import create_router_app
from router.supergraph import Supergraph, load_supergraph
from tests.kit.asgi import Client, running
from tests.kit.operation_generator import OperationGenerator

_POINTS = 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


def create_silent_subgraph() -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        await receive()
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"data":{}}'})

    return app


async def _lifespan(receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("supergraph", type=Path)
    arguments.add_argument("--count", type=int, default=100_000)
    arguments.add_argument("--growth", type=float, default=1.1, help="allowed between a fifth of the way and the end")
    options = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    resident = asyncio.run(run(options.supergraph.read_text(), options.count))
    growth = resident[-1] / resident[len(resident) // 5]
    print(f"from a fifth of the way to the end: x {growth:.3f}")
    return int(growth > options.growth)


async def run(sdl: str, count: int) -> list[float]:
    """Resident MiB at equal distances, the first before any operation."""
    supergraph = load_supergraph(sdl)
    address = "asgi://tests.load.distinct_operations:create_silent_subgraph"
    config = parse_config(json.dumps({"override_subgraph_url": dict.fromkeys(supergraph.subgraphs, address)}), {})
    async with running(create_router_app(config, sdl)) as client:
        return await send_all(client, supergraph, count)


async def send_all(client: Client, supergraph: Supergraph, count: int) -> list[float]:
    generator = OperationGenerator(supergraph.api_schema, seed=1, max_selections=25)
    statuses: Counter[int] = Counter()
    resident = [resident_mib()]
    started = time.monotonic()
    print(f"{0:>8} operations  {resident[0]:7.1f} MiB")
    for number in range(1, count + 1):
        text = generator.text().replace("query Random", f"query Random{number}", 1)
        persisted = {"version": 1, "sha256Hash": hashlib.sha256(text.encode()).hexdigest()}
        variables = {"a": True, "b": False}
        reply = await client.post(text, variables=variables, extensions={"persistedQuery": persisted})
        statuses[reply.status] += 1
        if number % (count // _POINTS) == 0:
            resident.append(resident_mib())
            passed_s = time.monotonic() - started
            print(f"{number:>8} operations  {resident[-1]:7.1f} MiB  {passed_s:6.0f} s  {dict(statuses)}", flush=True)
    return resident


def resident_mib() -> float:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE / 2**20


if __name__ == "__main__":
    sys.exit(main())
