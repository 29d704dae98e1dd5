"""The five journeys of the acceptance list, by their names, with its messages: each is printed after what it claims has
been asserted."""

from __future__ import annotations

import asyncio
import re
import time
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any, TypeVar
from uuid import uuid4

import orjson
import pytest

from common.ids import parse_id
from deploy.prove.auditor import Auditor
from deploy.prove.buyers import ERRORS, PLACE, Market
from deploy.prove.client import LostAnswerError, RefusedError, crowd
from deploy.prove.evidence import Evidence, evidence
from deploy.prove.shop import ProvenShop, proven_shop
from deploy.prove.span_sink import SpanSink, span_sink

pytestmark = pytest.mark.anyio

ValueT = TypeVar("ValueT")
Say = Callable[[str], None]

#: orders acknowledged when the shop is told to stop
ENOUGH = 40
PASSWORD = "a-long-demo-password"
REGISTER = f"""mutation Register($input: UserRegisterInput!) {{
  userRegister(input: $input) {{ user {{ id name status }} {ERRORS} }} }}"""
LOGIN = f"""mutation Login($input: LoginInput!) {{
  login(input: $input) {{ tokens {{ accessToken }} user {{ id }} {ERRORS} }} }}"""
ME = """query Me { me { id name email notifications(first: 20) { nodes { template channel status order { id } } } } }"""
ORDER = """query Order($id: ID!) { order(id: $id) {
  id status customer { name } payments { status amount { amount } } lines { quantity product { name } } } }"""
INVENTORY = "query Inventory($id: ID!) { product(id: $id) { inventory { onHand reserved available } } }"


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
def sink() -> Iterator[SpanSink]:
    with span_sink() as collected:
        yield collected


@pytest.fixture(scope="module")
async def shop(sink: SpanSink) -> AsyncIterator[ProvenShop]:
    """A process per subgraph, the router in front; spans go to the sink."""
    async with proven_shop({"OTEL_EXPORTER_OTLP_ENDPOINT": sink.url, "PUNNET_COMMAND_TIMEOUT_S": "8"}) as started:
        yield started


@pytest.fixture(scope="module")
async def seen(shop: ProvenShop) -> AsyncIterator[Evidence]:
    async with evidence(shop.database_urls(), shop.servers.nats_url, shop.sandbox) as found:
        yield found


@pytest.fixture
async def market(shop: ProvenShop, seen: Evidence) -> AsyncIterator[Market]:
    async with crowd(shop.url, 20) as members:
        yield Market(members, shop, seen.acknowledged)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest) -> Say:
    """Prints a line of the acceptance list, past the capturing."""

    def tell(message: str) -> None:
        with capsys.disabled():
            print(f"\n    {request.node.name}: {message}", end="", flush=True)

    return tell


async def eventually(ask: Callable[[], Awaitable[ValueT]], holds: Callable[[ValueT], bool], what: str) -> ValueT:
    deadline = time.monotonic() + 120
    while not holds(found := await ask()):
        assert time.monotonic() < deadline, f"{what}: {found!r}"
        await asyncio.sleep(0.1)
    return found


def metric(address: str, name: str, **labels: str) -> float:
    """Sum of the series of /metrics with these labels."""
    with urllib.request.urlopen(f"{address}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    lines = re.findall(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(float(value) for found, value in lines if all(pair in found for pair in wanted))


async def registered(market: Market, name: str) -> tuple[str, str]:
    """Token and id of a new customer, logged in."""
    account = {"name": name, "email": f"{uuid4().hex[:12]}@punnet.example", "password": PASSWORD}
    payload = (await market.crowd.ask(REGISTER, {"input": account}))["userRegister"]
    assert payload["errors"] == []
    login = (await market.crowd.ask(LOGIN, {"input": {"email": account["email"], "password": PASSWORD}}))["login"]
    assert (login["errors"], login["user"]["id"]) == ([], payload["user"]["id"])
    return login["tokens"]["accessToken"], payload["user"]["id"]


async def TestEcommerce_UserRegistration(  # noqa: N802 - the name of the acceptance list
    shop: ProvenShop, market: Market, seen: Evidence, say: Say
) -> None:
    users_before = metric(shop.address("users"), "ecommerce_users_total")
    token, user_id = await registered(market, "Registering Ria")
    me = (await market.crowd.ask(ME, {}, token))["me"]
    assert (me["id"], me["name"]) == (user_id, "Registering Ria")
    rows = await seen.users.ask("SELECT u::text AS text FROM user_account u WHERE id = $1", parse_id("usr", user_id))
    assert me["email"] not in rows[0]["text"], "the address is stored in clear"
    assert PASSWORD not in rows[0]["text"]
    say("User registration completed successfully")

    assert metric(shop.address("users"), "ecommerce_users_total") == users_before + 1
    say("Metrics recorded correctly")

    async def notes() -> list[dict[str, Any]]:
        nodes: list[dict[str, Any]] = (await market.crowd.ask(ME, {}, token))["me"]["notifications"]["nodes"]
        return nodes

    await eventually(notes, bool, "nobody was welcomed")
    (event,) = await seen.users.ask(
        "SELECT event_id FROM outbox WHERE type = 'users.user.registered' AND aggregate_id = $1", user_id
    )
    had = await seen.notifications.ask("SELECT count(*) AS n FROM inbox WHERE event_id = $1", event["event_id"])
    assert had[0]["n"] == 1
    say("Event published to notification service")


async def TestEcommerce_OrderProcessing(  # noqa: N802
    shop: ProvenShop, market: Market, seen: Evidence, say: Say
) -> None:
    token, _ = await registered(market, "Ordering Otto")
    product = await market.new_product(10, "25.00")
    placed = await market.place(token, {product: 3})
    assert (placed.status, placed.problems) == ("AWAITING_PAYMENT", ())
    say("Order created successfully")

    paid = await market.pay(token, placed.id)
    assert paid.problems == ()
    assert await market.statuses(placed.id, {"CONFIRMED"}) == "CONFIRMED"

    async def order() -> dict[str, Any]:
        found: dict[str, Any] = (await market.crowd.ask(ORDER, {"id": placed.id}, token))["order"]
        return found

    assert placed.entity is not None
    total = placed.entity["total"]["amount"]
    shown = await eventually(order, lambda found: found["payments"][0]["status"] == "CAPTURED", "not captured")
    assert shown["payments"] == [{"status": "CAPTURED", "amount": {"amount": total}}]
    captured = [charge.captured_minor for charge in await seen.ledger() if charge.captured_minor]
    assert round(float(total) * 100) in captured, "the provider knows of no such charge"
    say("Payment processed")

    stock = (await market.crowd.ask(INVENTORY, {"id": product}, market.staff))["product"]["inventory"]
    assert stock == {"onHand": 10, "reserved": 3, "available": 7}
    say("Inventory updated")

    async def told() -> list[tuple[str, str]]:
        nodes = (await market.crowd.ask(ME, {}, token))["me"]["notifications"]["nodes"]
        return [
            (note["channel"], note["status"]) for note in nodes if note["order"] and note["order"]["id"] == placed.id
        ]

    await eventually(told, lambda notes: ("EMAIL", "SENT") in notes or ("EMAIL", "DELIVERED") in notes, "no e-mail")
    say("Notification sent")


async def TestEcommerce_CircuitBreaker(  # noqa: N802
    shop: ProvenShop, market: Market, seen: Evidence, say: Say
) -> None:
    token, _ = await registered(market, "Breaking Bea")
    product = await market.new_product(10)
    placed = await market.place(token, {product: 1})
    shop.is_reviving = False
    shop.kill("payments")

    async def codes() -> set[str]:
        answer = (await market.crowd.send(ORDER, {"id": placed.id}, token)).json()
        assert answer["data"]["order"]["id"] == placed.id, "the rest of the order is there"
        assert answer["data"]["order"]["payments"] is None
        return {error["extensions"]["code"] for error in answer["errors"]}

    assert await eventually(codes, lambda found: found == {"SUBREQUEST_CIRCUIT_OPEN"}, "the breaker stays closed")
    say("Circuit breaker activated on service failure")

    shop.kill("products")
    pending = await market.place(token, {product: 2})
    assert (pending.status, pending.problems) == ("PENDING", ()), "accepted, and finished later"
    shop.is_reviving = True
    await shop.until_ready()
    assert await market.statuses(pending.id, {"AWAITING_PAYMENT"}) == "AWAITING_PAYMENT"

    async def payments() -> Any:
        return (await market.crowd.send(ORDER, {"id": placed.id}, token)).json()["data"]["order"]["payments"]

    assert await eventually(payments, lambda found: found == [], "the breaker stays open") == []
    say("Fallback response returned")


async def TestEcommerce_DistributedTracing(  # noqa: N802
    shop: ProvenShop, market: Market, sink: SpanSink, say: Say
) -> None:
    product = await market.new_product(10)
    trace_id, client_span = uuid4().hex, uuid4().hex[:16]
    headers = f"traceparent: 00-{trace_id}-{client_span}-01\r\n"

    async def traced(document: str, variables: dict[str, Any]) -> Any:
        body = orjson.dumps({"query": document, "variables": variables})
        answer = (await market.crowd.post("/graphql", body, headers)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    account = {"name": "Tracing Tom", "email": f"{uuid4().hex[:12]}@punnet.example", "password": PASSWORD}
    user_id = (await traced(REGISTER, {"input": account}))["userRegister"]["user"]["id"]
    headers += f"authorization: Bearer {shop.token(user_id)}\r\n"
    order = (await traced(PLACE, {"input": market.order_input({product: 1}, uuid4().hex)}))["orderPlace"]["order"]
    pay = {"orderId": order["id"], "paymentMethodToken": "tok_visa", "idempotencyKey": uuid4().hex}
    await traced(
        f"mutation($input: PaymentCreateInput!) {{ paymentCreate(input: $input) {{ {ERRORS} }} }}", {"input": pay}
    )
    await market.statuses(order["id"], {"CONFIRMED"})
    await traced(ORDER, {"id": order["id"]})
    expected = {"router", *(f"punnet-{name}" for name in shop.subgraph_urls)}

    async def services() -> set[str]:
        return {span.service for span in sink.spans(trace_id)}

    found = await eventually(services, lambda names: expected <= names, "services without a span")
    assert expected <= found
    say("Trace spans created across all services")

    wanted_crossings = {
        ("router", "punnet-orders"),
        ("punnet-orders", "punnet-products"),
        # an event continues the trace
        ("punnet-users", "punnet-notifications"),
        ("punnet-orders", "punnet-notifications"),
    }

    async def missing() -> tuple[list[str], list[str], set[tuple[str, str]]]:
        """Services of the roots, of spans whose parent is not there, and steps from service to service nobody took."""
        spans = {span.span_id: span for span in sink.spans(trace_id)}
        roots = [span for span in spans.values() if span.parent_id == client_span]
        orphans = [span.service for span in spans.values() if span.parent_id not in spans and span not in roots]
        crossings = {(spans[s.parent_id].service, s.service) for s in spans.values() if s.parent_id in spans}
        return [root.service for root in roots], orphans, wanted_crossings - crossings

    # each process sends its spans every second
    whole: tuple[list[str], list[str], set[tuple[str, str]]] = (["router"] * 4, [], set())
    assert await eventually(missing, lambda found: found == whole, "the trace does not become whole") == whole
    spans = {span.span_id: span for span in sink.spans(trace_id)}
    for span in spans.values():
        parent = spans.get(span.parent_id)
        assert parent is None or parent.started_at_ns <= span.started_at_ns <= span.ended_at_ns
    say("Span relationships maintained correctly")


async def TestEcommerce_GracefulShutdown(  # noqa: N802
    shop: ProvenShop, market: Market, seen: Evidence, say: Say
) -> None:
    product = await market.new_product(1_000)
    keys = {f"shutdown-{number}": shop.buyer() for number in range(150)}
    acknowledged: dict[str, str] = {}
    gate, enough = asyncio.Semaphore(15), asyncio.Event()

    async def order(key: str, token: str) -> None:
        async with gate:
            try:
                placed = await market.place(token, {product: 1}, key)
                acknowledged[key] = placed.id
                if len(acknowledged) == ENOUGH:
                    enough.set()
                await market.pay(token, placed.id, key=key)
            except (LostAnswerError, RefusedError):
                pass  # not acknowledged: nothing was promised

    async with asyncio.TaskGroup() as tasks:
        for key, token in keys.items():
            tasks.create_task(order(key, token))
        await enough.wait()
        statuses = await shop.stop_gracefully()
    assert ENOUGH <= len(acknowledged) < len(keys), "it stopped while orders came in"
    assert set(statuses.values()) == {0}, statuses
    await shop.start_again()
    for key, token in keys.items():
        placed = await market.place_surely(token, {product: 1}, key)
        assert placed.id == acknowledged.get(key, placed.id), "a repeated order became another one"
    auditor = Auditor(seen)
    await auditor.at_rest()
    auditor.judge()
    rows = await seen.orders.ask(
        "SELECT count(*) AS n FROM orders o JOIN order_line l ON l.order_id = o.id WHERE l.product_id = $1",
        parse_id("prod", product),
    )
    assert rows[0]["n"] == len(keys)
    say("Graceful shutdown completed without data loss")
