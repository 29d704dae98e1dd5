"""The pages beside GraphiQL: REST routes tried in the browser, and the last traces. Nothing is asked from elsewhere."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.kit.started_shop import StartedShop


def test_a_rest_route_is_found_and_tried_on_its_page(shop: StartedShop, browser_page: Page, asked: list[str]) -> None:
    browser_page.goto(f"{shop.url}/api/docs")
    route = browser_page.locator("#operations-products-Products")
    expect(route).to_be_visible()
    route.locator("button.opblock-summary-control").click()
    route.get_by_role("button", name="Try it out").click()
    route.get_by_role("button", name="Execute").click()
    expect(route.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(route.locator(".live-responses-table")).to_contain_text("stock_status")
    assert [url for url in asked if not url.startswith((shop.url, "data:", "blob:"))] == []


def test_a_request_is_seen_as_a_trace_with_its_steps(shop: StartedShop, browser_page: Page, asked: list[str]) -> None:
    assert browser_page.request.get(f"{shop.url}/api/v1/products?first=1").ok
    browser_page.goto(f"{shop.url}/traces")
    browser_page.get_by_role("link", name="GET /api/v1/products Products").first.click()
    expect(browser_page.get_by_role("cell", name="subgraph products")).to_be_visible()
    assert browser_page.locator(".bar").count() >= 3
    assert [url for url in asked if not url.startswith((shop.url, "data:", "blob:"))] == []
