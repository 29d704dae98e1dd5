"""One trace from the router through all subgraphs and their events, on the router's own page, in both topologies."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from tests.kit.shop_client import ShopClient, customer
from tests.kit.started_shop import StartedShop, child

pytestmark = pytest.mark.anyio

SUBGRAPHS = ("users", "products", "orders", "payments", "notifications")


@pytest.fixture
async def jo(shop: StartedShop) -> AsyncIterator[ShopClient]:
    async with customer(shop.url) as client:
        yield client


async def trace_once(jo: ShopClient, trace_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The trace once that holds; as it was last after two minutes, for the assertion to show."""
    deadline = time.monotonic() + 120
    while True:
        found: dict[str, Any] = (await jo.http.get(f"{jo.url}/traces/{trace_id}")).json()
        if holds(found) or time.monotonic() > deadline:
            return found


async def test_one_trace_shows_what_an_order_set_off_in_every_subgraph(jo: ShopClient) -> None:
    trace_id, client_span = uuid4().hex, uuid4().hex[:16]
    jo.http.headers["traceparent"] = f"00-{trace_id}-{client_span}-01"
    await jo.register_and_log_in()
    (product,) = await jo.products(1)
    order = (await jo.place({product["id"]: 1}))["order"]
    assert (await jo.pay(order["id"]))["errors"] == []
    del jo.http.headers["traceparent"]

    services = {"router", *(f"punnet-{name}" for name in SUBGRAPHS)}
    events = {("punnet-users", "punnet-notifications"), ("punnet-orders", "punnet-notifications")}

    def is_whole(seen: dict[str, Any]) -> bool:
        # on a slow machine a subgraph may be asked in vain for once
        return set(seen["services"]) >= services and crossings(seen) >= events and not seen["missing_subgraphs"]

    trace = await trace_once(jo, trace_id, is_whole)
    assert set(trace["services"]) == services, "Trace spans created across all services"

    spans = {span["span_id"]: span for span in trace["spans"]}
    assert len(spans) == len(trace["spans"]), "no span is there twice"
    assert {span["service"] for span in spans.values() if span["parent_id"] == client_span} == {"router"}
    commands = {("router", "punnet-orders"), ("punnet-orders", "punnet-products")}
    assert crossings(trace) >= commands | events, "Span relationships maintained correctly"
    assert trace["missing_subgraphs"] == []
    listed = (await jo.http.get(f"{jo.url}/traces?limit=500")).json()["traces"]
    assert [set(one["services"]) for one in listed if one["trace_id"] == trace_id] == [services]
    said = (await jo.http.get(f"{jo.url}/traces/{trace_id}")).text
    assert [secret for secret in (jo.email, "Journey Jo", jo.token, "tok_visa") if secret in said] == []


def crossings(trace: dict[str, Any]) -> set[tuple[str, str]]:
    """(service of the parent, service) where a span's parent is known."""
    services = {span["span_id"]: span["service"] for span in trace["spans"]}
    return {(services[s["parent_id"]], s["service"]) for s in trace["spans"] if s["parent_id"] in services}


async def test_a_subgraph_that_does_not_answer_is_named_and_the_rest_is_shown(
    shop: StartedShop, jo: ShopClient
) -> None:
    trace_id = uuid4().hex
    await jo.http.get(f"{jo.url}/api/v1/products", headers={"traceparent": f"00-{trace_id}-{trace_id[:16]}-01"})
    pid = child(shop, "subgraph products")  # 0 in one process, of which no part can be away
    with frozen(pid):
        missing = ["products"] if pid else []
        trace = await trace_once(jo, trace_id, lambda seen: seen["missing_subgraphs"] == missing)
    assert trace["missing_subgraphs"] == missing
    assert {"GET /api/v1/products", "subgraph products"} <= {span["name"] for span in trace["spans"]}


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    if pid:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if pid:
            os.kill(pid, signal.SIGCONT)
