"""GraphiQL: loads without any outside address, runs the shop's example operations."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from deploy.local.examples import EXAMPLES
from tests.kit.shop_client import customer
from tests.kit.started_shop import StartedShop

pytestmark = pytest.mark.timeout(300)

RESPONSE = ".graphiql-response"
RUN = ".graphiql-execute-button"


@pytest.fixture
def page(shop: StartedShop, browser_page: Page) -> Page:
    """GraphiQL, loaded."""
    browser_page.goto(f"{shop.url}/graphql")
    expect(browser_page.locator(RUN)).to_be_visible(timeout=30_000)
    browser_page.wait_for_load_state("networkidle")
    return browser_page


def open_tab(page: Page, operation: str) -> None:
    page.locator(".graphiql-tab-button", has_text=operation).click()
    page.wait_for_timeout(1000)  # GraphiQL learns a moment later which operation the tab holds


def test_the_page_asks_nobody_else_for_anything(shop: StartedShop, page: Page, asked: list[str]) -> None:
    page.locator(RUN).click()
    expect(page.locator(RESPONSE)).to_contain_text("nodes", timeout=15_000)
    assert [url for url in asked if not url.startswith((shop.url, "data:", "blob:"))] == []


def test_the_shops_examples_are_tabs_and_the_first_one_runs(page: Page) -> None:
    tabs = page.locator(".graphiql-tab-button")
    expect(tabs).to_have_count(len(list(EXAMPLES.glob("*.graphql"))))
    page.locator(RUN).click()
    expect(page.locator(RESPONSE)).to_contain_text('"stockStatus"', timeout=15_000)


def test_an_order_placed_in_one_tab_is_seen_in_another(page: Page) -> None:
    open_tab(page, "PlaceOrder")
    page.locator(RUN).click()
    expect(page.locator(RESPONSE)).to_contain_text("AWAITING_PAYMENT", timeout=15_000)
    open_tab(page, "MyOrders")
    page.locator(RUN).click()
    expect(page.locator(RESPONSE)).to_contain_text("Alice", timeout=15_000)


def test_a_subscription_is_open_over_a_websocket_and_shows_what_happens(shop: StartedShop, page: Page) -> None:
    received: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: received.append(str(frame))))
    open_tab(page, "OrderStatus")
    page.locator(RUN).click()
    page.wait_for_timeout(1500)  # the protocol does not say when a subscription has begun
    assert any("connection_ack" in frame for frame in received), received
    pay_an_order(shop)
    expect(page.locator(RESPONSE)).to_contain_text("CONFIRMED", timeout=15_000)


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
