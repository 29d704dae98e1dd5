"""GraphiQL: loads without any outside address, runs the shop's example operations."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, WebSocket, expect

from deploy.local.examples import EXAMPLES
from tests.kit.shop_client import customer
from tests.kit.started_shop import StartedShop

RESPONSE = ".graphiql-response"
RUN = ".graphiql-execute-button"
TRIES = 24


@pytest.fixture
def page(shop: StartedShop, browser_page: Page) -> Page:
    """GraphiQL, loaded."""
    browser_page.goto(f"{shop.url}/graphql")
    expect(browser_page.locator(RUN)).to_be_visible()
    browser_page.wait_for_load_state("networkidle")
    return browser_page


def open_tab(page: Page, operation: str) -> None:
    page.locator(".graphiql-tab-button", has_text=operation).click()
    page.wait_for_timeout(1000)  # GraphiQL learns a moment later which operation the tab holds; `run` knows


def run(page: Page, answer: str) -> None:
    """Runs what the tab holds until the response has that text; again where it was asked too early."""
    for _ in range(TRIES):
        page.locator(RUN).click()
        if shows(page, answer):
            return
    raise AssertionError(f"no {answer!r} in {page.locator(RESPONSE).inner_text()}")


def shows(page: Page, text: str) -> bool:
    """Within some seconds."""
    try:
        expect(page.locator(RESPONSE)).to_contain_text(text, timeout=5_000)
    except AssertionError:
        return False
    return True


def test_the_page_asks_nobody_else_for_anything(shop: StartedShop, page: Page, asked: list[str]) -> None:
    run(page, "nodes")
    assert [url for url in asked if not url.startswith((shop.url, "data:", "blob:"))] == []


def test_the_shops_examples_are_tabs_and_the_first_one_runs(page: Page) -> None:
    tabs = page.locator(".graphiql-tab-button")
    expect(tabs).to_have_count(len(list(EXAMPLES.glob("*.graphql"))))
    run(page, '"stockStatus"')


def test_an_order_placed_in_one_tab_is_seen_in_another(page: Page) -> None:
    open_tab(page, "PlaceOrder")
    run(page, "AWAITING_PAYMENT")
    open_tab(page, "MyOrders")
    run(page, "Alice")


def test_a_subscription_is_open_over_a_websocket_and_shows_what_happens(shop: StartedShop, page: Page) -> None:
    sent: list[str] = []
    received: list[str] = []

    def listen(socket: WebSocket) -> None:
        socket.on("framesent", lambda frame: sent.append(str(frame)))
        socket.on("framereceived", lambda frame: received.append(str(frame)))

    page.on("websocket", listen)
    open_tab(page, "OrderStatus")
    for _ in range(TRIES):
        if any("OrderStatus" in frame for frame in sent):
            break
        page.locator(RUN).click()
        page.wait_for_timeout(2000)
    assert any("connection_ack" in frame for frame in received), received
    for _ in range(TRIES):  # the protocol does not say when a subscription has begun
        pay_an_order(shop)
        if shows(page, "CONFIRMED"):
            return
    raise AssertionError(f"no order was shown: {received}")


def pay_an_order(shop: StartedShop) -> None:
    """As Alice, from outside the browser."""

    async def pay() -> None:
        async with customer(shop.url) as alice:
            await alice.log_in("alice@punnet.example", "alice-demo-password")
            (product,) = await alice.products(1)
            order = (await alice.place({product["id"]: 1}))["order"]
            await alice.pay(order["id"])

    # Playwright's own loop runs in this thread
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, pay()).result()
