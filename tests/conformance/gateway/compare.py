"""An outside check: Apollo Gateway loads a supergraph composed here and answers the shop's queries as our router does.

    mkdir apollo && cd apollo && npm install @apollo/gateway @apollo/server graphql
    PYTHONPATH=.. ../.venv/bin/python -m tests.conformance.gateway.compare

Run it in the folder that holds those packages. Apollo Gateway refuses every supergraph with `@authenticated` or
`@requiresScopes` (its list of features ends before them), so these two are taken out of the subgraphs' SDL first: the
subgraphs check access themselves. It has no subscriptions either.
"""

import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx2
import jwt

from common.auth import Principal, sign_context
from common.auth.context import CONTEXT_HEADER
from common.clock import SystemClock
from deploy.local.state import ROOT, StateFolder
from router.compose import SubgraphDefinition, compose
from tests.kit.ports import free_port
from tests.kit.shop_client import PRODUCTS, ShopClient, customer
from tests.kit.started_shop import started_shop

GATEWAY = Path(__file__).with_name("gateway.mjs")

_ACCESS = re.compile(r'\s@authenticated\b|\s@requiresScopes\(scopes: \[\[.*?\]\]\)|"@(authenticated|requiresScopes)",?')

_QUERIES: dict[str, tuple[str, dict[str, Any]]] = {
    "browse": (PRODUCTS, {"first": 20}),
    "categories": ("{ categories { name slug products(first: 3) { nodes { name price { amount } } } } }", {}),
    "my orders": (
        """{ me { name email orders(first: 50) { nodes { number status total { amount currency } customer { name }
        lines { quantity nameSnapshot product { name sku stockStatus } } payments { status amount { amount } }
        paymentStatus balanceDue { amount } } }
        notifications(first: 10) { nodes { title channel order { number } } } } }""",
        {},
    ),
    "fragments and conditions": (
        """query($yes: Boolean!, $no: Boolean!) {
          me { ...U @include(if: $yes) name @skip(if: $yes) email @include(if: $no) } }
        fragment U on User {
          id o: orders(first: 2) { nodes { __typename n: number lines { product { id name } } } } }""",
        {"yes": True, "no": False},
    ),
    "requires": (
        '{ products(first: 5, sort: NAME_ASC) { nodes { name shippingEstimate(country: "DE") { amount currency } } } }',
        {},
    ),
    "introspection": ('{ __typename __type(name: "OrderStatus") { kind enumValues { name } } }', {}),
}


def supergraph(urls: dict[str, str]) -> str:
    """The shop's, without access directives, with the addresses of its started subgraphs."""
    composition = compose(
        [
            SubgraphDefinition(name, url, _ACCESS.sub("", (ROOT / f"schema/subgraphs/{name}.graphql").read_text()))
            for name, url in urls.items()
        ]
    )
    assert composition.supergraph_sdl is not None, composition.errors
    return composition.supergraph_sdl


async def journey(client: ShopClient) -> None:
    """Something to look at: two orders, one of them paid."""
    await client.register_and_log_in()
    first, second = await client.products(2)
    order = (await client.place({first["id"]: 2, second["id"]: 1}))["order"]
    await client.place({second["id"]: 3})
    await client.pay(order["id"])
    await client.wait_for_status(order["id"], "CONFIRMED")
    await asyncio.sleep(2)  # by then it is captured and the customer was told


async def ask_gateway(url: str, context: str, query: str, variables: dict[str, Any]) -> Any:
    async with httpx2.AsyncClient(timeout=30) as http:
        body = {"query": query, "variables": variables}
        return (await http.post(url, json=body, headers={CONTEXT_HEADER: context})).json()


def signed_context(token: str, secret: bytes) -> str:
    """What our router would tell the subgraphs about the bearer of this access token."""
    claims = jwt.decode(token, options={"verify_signature": False})
    principal = Principal(claims["sub"], frozenset(claims["roles"].split()), frozenset(claims["scope"].split()))
    return sign_context(principal, secret=secret, now_s=SystemClock().now().timestamp())


async def differences(shop_url: str, gateway_url: str, secret: bytes) -> int:
    """Prints a line per query; returns how many were answered differently."""
    count = 0
    async with customer(shop_url) as client:
        await journey(client)
        for name, (query, variables) in _QUERIES.items():
            ours = (await client.send(query, variables)).json()
            theirs = await ask_gateway(gateway_url, signed_context(client.token, secret), query, variables)
            is_same = ours == theirs and "errors" not in ours
            count += not is_same
            print("same     " if is_same else "DIFFERENT", name, *([] if is_same else [f"\n  {ours}\n  {theirs}"]))
    return count


def main() -> int:
    with tempfile.TemporaryDirectory() as folder, started_shop(Path(folder), is_split=True) as shop:
        state = StateFolder(shop.folder)
        running = state.running()
        assert running is not None
        file, port = Path(folder) / "supergraph.graphql", free_port()
        file.write_text(supergraph(dict(running.subgraph_urls)))
        command = ["node", str(GATEWAY), str(file), str(port), CONTEXT_HEADER]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as gateway:
            try:
                assert gateway.stdout is not None
                assert "ready" in gateway.stdout.readline(), "Apollo Gateway did not load the supergraph"
                secret = (state.path / "secrets/context").read_bytes()
                return asyncio.run(differences(shop.url, f"http://127.0.0.1:{port}/", secret))
            finally:
                gateway.terminate()


if __name__ == "__main__":
    sys.exit(main())
