"""GraphiQL in a headless Chromium, in front of the really started shop: loads without any outside address, runs the
shop's example operations.

Run by `make test-browser` and by CI, not by `make test`: it needs a Chromium, and the bundle, which needs npm packages.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from deploy.local import web
from deploy.local.examples import EXAMPLES
from tests.kit.folders import open_folder
from tests.kit.shop_client import customer
from tests.kit.started_shop import StartedShop, started_shop

pytestmark = pytest.mark.timeout(300)

RESPONSE = ".graphiql-response"
RUN = ".graphiql-execute-button"


def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail("No Chromium: install the package `chromium`, or set CHROMIUM to the program's path.")
    return found


@pytest.fixture(scope="module")
def shop() -> Iterator[StartedShop]:
    if not web.is_built():
        web.build()
    with open_folder() as folder, started_shop(folder, is_split=False) as started:
        yield started


@pytest.fixture
def asked() -> list[str]:
    """Addresses the page asked for."""
    return []


@pytest.fixture
def page(shop: StartedShop, asked: list[str]) -> Iterator[Page]:
    """GraphiQL, loaded; console errors and exceptions of the page fail the test at its end."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"{shop.url}/graphql")
        expect(page.locator(RUN)).to_be_visible(timeout=30_000)
        page.wait_for_load_state("networkidle")
        yield page
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(
                path=str(Path(folder) / f"{os.environ['PYTEST_CURRENT_TEST'].split('::')[1].split(' ')[0]}.png")
            )
        browser.close()
    assert [said for said in complaints if "favicon" not in said] == []


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
