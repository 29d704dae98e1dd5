"""CPU of one HTTP call: our client with its layers beside aiohttp, against any server that answers a POST.

    python -m tests.load.client_cost http://127.0.0.1:4001/graphql --body '{"query":"{ __typename }"}'

Prints the least CPU microseconds of several rounds, for calls one after the other and for 8 side by side.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp
import uvloop

from router.transport.addresses import AsgiAddress, parse_address
from router.transport.http.client import HttpClient
from router.transport.layers import RetryPolicy
from router.transport.model import SubgraphRequest
from router.transport.open_client import TransportPolicy, open_subgraph

ROUNDS = 7
CALLS = 400
WORKERS = 8


async def measure(name: str, call: Callable[[], Awaitable[object]]) -> None:
    async def work(count: int) -> None:
        for _ in range(count):
            await call()

    async def side_by_side() -> None:
        await asyncio.gather(*(work(CALLS // WORKERS) for _ in range(WORKERS)))

    await work(CALLS)
    costs = []
    runs: tuple[Callable[[], Awaitable[None]], ...] = (lambda: work(CALLS), side_by_side)
    for run in runs:
        least = float("inf")
        for _ in range(ROUNDS):
            started = time.process_time()
            await run()
            least = min(least, (time.process_time() - started) / CALLS)
        costs.append(least * 1e6)
    print(f"{name:24} {costs[0]:7.1f} us one after the other {costs[1]:7.1f} us {WORKERS} side by side")


async def main(options: argparse.Namespace) -> None:
    address = parse_address(options.url)
    if isinstance(address, AsgiAddress):
        raise SystemExit("this compares HTTP clients")
    body = options.body.encode()
    request = SubgraphRequest("measured", body)
    async with HttpClient(address) as client:
        await measure("ours", lambda: client.send(request))
    async with open_subgraph(options.url, TransportPolicy(retry=RetryPolicy())) as opened:
        await measure("ours, timeout and retry", lambda: opened.client.send(request))
    async with aiohttp.ClientSession(headers={"content-type": "application/json"}) as session:

        async def call() -> bytes:
            async with session.post(options.url, data=body) as response:
                return await response.read()

        await measure("aiohttp", call)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--body", default='{"query":"{ __typename }"}')
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(parser.parse_args()))
