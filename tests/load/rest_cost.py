"""CPU of a REST call beside the same operation sent as GraphQL, both to one shop, by turns.

    python -m tests.load.rest_cost [--calls 400] [--rounds 5]

What is sent as GraphQL is the document behind the route, with the variables the route makes. Counted is the CPU of
router and subgraphs together, which share a process here; PostgreSQL and the client are not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp

from router.config.rest import RestConfig
from router.rest.routes import Route, read_routes
from router.supergraph import load_supergraph
from tests.kit.cpu import cpu_s, own_s
from tests.kit.folders import open_folder
from tests.kit.started_shop import StartedShop, started_shop

ROOT = Path(__file__).resolve().parents[2]
Call = Callable[[], Awaitable[None]]
#: one for each pair, because each may only ask so often a minute
ACCOUNTS = ("alice", "bob", "support", "admin")


async def main_async(shop: StartedShop, calls: int, rounds: int) -> None:
    assert shop.process is not None
    async with aiohttp.ClientSession(shop.url) as session:
        asked = Asked(session, _routes())
        product = await asked.product()
        print(f"{'':24}{'GraphQL ms':>12}{'REST ms':>10}{'ratio':>8}")
        pairs = asked.pairs(product)
        for account, (name, as_graphql, as_rest) in zip(ACCOUNTS, pairs, strict=True):
            await asked.login(account)
            for call in (as_graphql, as_rest):
                await _several(call, calls // 4)  # warm
            costs: dict[str, list[float]] = {"graphql": [], "rest": []}
            for _ in range(rounds):
                for kind, call in (("graphql", as_graphql), ("rest", as_rest)):
                    before = own_s(cpu_s(shop.process.pid))
                    await _several(call, calls)
                    costs[kind].append((own_s(cpu_s(shop.process.pid)) - before) / calls * 1e3)
            graphql, rest = (statistics.median(costs[kind]) for kind in ("graphql", "rest"))
            print(f"{name:24}{graphql:12.3f}{rest:10.3f}{rest / graphql:8.2f}")


class Asked:
    def __init__(self, session: aiohttp.ClientSession, routes: dict[str, Route]) -> None:
        self._session = session
        self._routes = routes
        self._headers: dict[str, str] = {}

    async def product(self) -> str:
        """One of which there are enough for all orders."""
        await self.login("catalog")
        body = {"name": "Nails", "price": "0.10", "currency": "USD", "inventory": 1_000_000}
        async with self._session.post("/api/v1/products", json=body, headers=self._headers) as answer:
            made: str = (await answer.json())["id"]
        return made

    async def login(self, name: str) -> None:
        body = {"email": f"{name}@punnet.example", "password": f"{name}-demo-password"}
        async with self._session.post("/api/v1/sessions", json=body) as answer:
            self._headers = {"authorization": f"Bearer {(await answer.json())['access_token']}"}

    def pairs(self, product: str) -> list[tuple[str, Call, Call]]:
        item = {"quantity": 1}

        def key() -> str:
            return uuid4().hex

        return [
            ("a product", self._graphql("Product", lambda: {"id": product}), self._get(f"products/{product}")),
            ("20 products", self._graphql("Products", lambda: {"first": 20}), self._get("products", first="20")),
            ("oneself", self._graphql("Me", dict), self._get("users/me")),
            (
                "placing an order",
                self._graphql(
                    "CreateOrder", lambda: {"items": [{**item, "productId": product}], "idempotency_key": key()}
                ),
                self._post("orders", lambda: {"items": [{**item, "product_id": product}]}),
            ),
        ]

    def _graphql(self, name: str, variables: Callable[[], dict[str, Any]]) -> Call:
        text = self._routes[name].text

        async def call() -> None:
            body = {"query": text, "operationName": name, "variables": variables()}
            async with self._session.post("/graphql", json=body, headers=self._headers) as answer:
                assert "errors" not in json.loads(await answer.read())

        return call

    def _get(self, path: str, **query: str) -> Call:
        async def call() -> None:
            async with self._session.get(f"/api/v1/{path}?{urlencode(query)}", headers=self._headers) as answer:
                assert (answer.status, len(await answer.read()) > 2) == (200, True)

        return call

    def _post(self, path: str, body: Callable[[], dict[str, Any]]) -> Call:
        async def call() -> None:
            async with self._session.post(f"/api/v1/{path}", json=body(), headers=self._headers) as answer:
                assert answer.status == 201, await answer.text()

        return call


async def _several(call: Call, count: int) -> None:
    for _ in range(count):
        await call()


def _routes() -> dict[str, Route]:
    supergraph = load_supergraph((ROOT / "schema/supergraph.graphql").read_text())
    exchange = {"url": "http://unused", "fields": {"a": "b"}}
    config = RestConfig.model_validate(
        {"documents": ROOT / "schema/rest", "exchanges": {"vault": exchange, "bank_vault": exchange}}
    )
    return {route.name: route for route in read_routes(config, supergraph.api_schema)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with open_folder() as folder, started_shop(folder, is_split=False) as shop:
        asyncio.run(main_async(shop, arguments.calls, arguments.rounds))


if __name__ == "__main__":
    main()
