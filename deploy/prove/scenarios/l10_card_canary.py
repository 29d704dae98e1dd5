"""L10: card numbers put into every way in, right ones and wrong ones; afterwards they are nowhere."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from deploy.prove.buyers import PAY, Market
from deploy.prove.cards import Canary, search, search_shop
from deploy.prove.client import LostAnswerError
from deploy.prove.scenario import Arena, Scenario, require

#: one that is approved, one that is declined, one that the vault refuses (Luhn), one nobody has heard of
CANARIES = [
    Canary("4242424242424242", "9871"),
    Canary("4000000000000002", "9872"),
    Canary("4929123456781236", "9873"),
    Canary("5200828282828210", "9874"),
]
WRONG_LUHN = "4242424242424241"
#: how the exporters are given time to send
FLUSH_S = 3.0


def rest_bodies(order: str, canary: Canary) -> Iterator[bytes]:
    """Of POST /api/v1/payments: as documented, then wrong in several ways."""
    card = {"card_number": canary.number, "expiry_month": "12", "expiry_year": "2025", "cvv": canary.code}
    whole = {"order_id": order, "payment_method": "credit_card"}
    yield json.dumps({**whole, "payment_details": card}).encode()
    yield json.dumps({**whole, **card}).encode()
    yield json.dumps({**whole, "card": card}).encode()
    yield json.dumps({**whole, "order_id": "order-unknown", "payment_details": card}).encode()
    yield json.dumps({**whole, "payment_method": canary.number, "payment_details": card}).encode()
    yield json.dumps({**whole, "payment_details": {**card, "card_number": WRONG_LUHN}}).encode()
    yield json.dumps({**whole, "payment_details": {**card, "expiry_month": canary.number}}).encode()
    yield json.dumps({"unknown": {"card": card}}).encode()
    yield json.dumps([card]).encode()
    yield json.dumps({**whole, "payment_details": card}).encode()[:-3]


def graphql_bodies(order: str, canary: Canary) -> Iterator[dict[str, Any]]:
    """Requests of people who put a card where a token belongs, or invent fields for it."""
    key = uuid4().hex
    given = {"orderId": order, "paymentMethodToken": canary.number, "idempotencyKey": key}
    yield {"query": PAY, "variables": {"input": given}}
    yield {"query": PAY, "variables": {"input": {**given, "cardNumber": canary.number, "cvv": canary.code}}}
    yield {"query": PAY, "variables": {"input": canary.number}}
    yield {"query": PAY, "variables": {"input": {**given, "idempotencyKey": canary.number}}}
    literal = f'orderId: "{order}", paymentMethodToken: "{canary.number}", idempotencyKey: "{key}"'
    yield {"query": f"mutation {{ paymentCreate(input: {{ {literal} }}) {{ payment {{ id }} }} }}"}
    yield {
        "query": f'mutation {{ paymentCreate(input: {{ {literal}, cvv: "{canary.code}" }}) {{ payment {{ id }} }} }}'
    }
    yield {"query": f'mutation {{ pay(card: "{canary.number}", cvv: "{canary.code}") {{ id }} }}'}
    yield {"query": f'query {{ order(id: "{canary.number}") {{ id }} payment(id: "{canary.number}") {{ id }} }}'}
    yield {"query": "{ me { id } }", "operationName": canary.number}
    yield {"query": "{ me { id } }", "extensions": {"card": {"number": canary.number, "cvc": canary.code}}}
    save = {"paymentMethodToken": canary.number, "idempotencyKey": uuid4().hex}
    document = "mutation($input: PaymentMethodSaveInput!) { paymentMethodSave(input: $input) { paymentMethod { id } } }"
    yield {"query": document, "variables": {"input": save}}


async def run(arena: Arena) -> str:
    sent = 0
    statuses: Counter[int] = Counter()
    async with arena.market(4) as market:
        product = await market.new_product(1_000)
        for canary in CANARIES:
            for token in ("", arena.shop.buyer()):
                sent += await everywhere(market, product, canary, token, statuses)
        await vault(arena)
    arena.say(f"statuses: {dict(statuses)}")
    require(statuses[201] > 0, f"no card was paid with: {dict(statuses)}")
    require(all(status < 500 for status in statuses), f"errors of the server: {dict(statuses)}")
    await arena.auditor.at_rest()
    found = await search_shop(arena.shop, CANARIES)
    await asyncio.sleep(FLUSH_S)
    found += [
        sighting
        for body in arena.spans.bodies
        for canary in CANARIES
        for sighting in search("spans", body, canary.pattern())
    ]
    require(len(arena.spans.spans()) > sent, "there are no spans to look at")
    for sighting in found[:20]:
        arena.say(str(sighting))
    require(not found, f"seen {len(found)} times: " + "; ".join(sorted({s.where.rsplit("/", 1)[-1] for s in found})))
    return f"{sent} requests with {len(CANARIES)} cards: nothing in tables, files, streams, logs, metrics or spans"


async def everywhere(market: Market, product: str, canary: Canary, token: str, statuses: Counter[int]) -> int:
    """How many requests that were."""
    buyer = token or market.shop.buyer()
    order = (await market.place(buyer, {product: 1})).id
    authorization = f"authorization: Bearer {token}\r\n" if token else ""
    bodies = [("/graphql", json.dumps(body).encode()) for body in graphql_bodies(order, canary)]
    bodies += [("/graphql", bodies[0][1][:-2])]
    bodies += [("/api/v1/payments", body) for body in rest_bodies(order, canary)]
    bodies += [(f"/api/v1/payments/{canary.number}", b"{}"), (f"/graphql?query={canary.number}", b"{}")]
    for path, body in bodies:
        headers = f"{authorization}x-card-number: {canary.number}\r\nx-cvv: {canary.code}\r\n"
        try:
            statuses[(await market.crowd.post(path, body, headers)).status] += 1
        except LostAnswerError:
            require(False, f"no answer to {path}")
    return len(bodies)


async def vault(arena: Arena) -> None:
    """The one place where numbers belong: it must not keep them readable either."""
    for canary in CANARIES:
        card = {"number": canary.number, "exp_month": 12, "exp_year": 2034, "cvc": canary.code}
        for body in ({"card": card}, {"card": {**card, "exp_month": "no month"}}, {"cards": card}):
            try:
                await arena.shop.sandbox.ask("POST", "/v1/tokens", body)
            except OSError:
                continue  # refused


SCENARIO = Scenario(
    "L10",
    "Card canary",
    f"{len(CANARIES)} cards in every way in, REST and GraphQL, right and wrong",
    run,
    collects_spans=True,
)
