"""A headless Chromium in front of the really started shop.

Run by `make test-browser` and by CI, not by `make test`: it needs a Chromium, and the bundle, which needs npm packages.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from deploy.local import web
from tests.kit.folders import open_folder
from tests.kit.started_shop import StartedShop, started_shop

#: a container has little shared memory
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str:
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.fail("No Chromium: install the package `chromium`, or set CHROMIUM to the program's path.")
    return found


@pytest.fixture(scope="session")
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
def browser_page(asked: list[str]) -> Iterator[Page]:
    """An empty page; console errors and exceptions of what it loads fail the test at its end."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        yield page
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            page.screenshot(
                path=str(Path(folder) / f"{os.environ['PYTEST_CURRENT_TEST'].split('::')[1].split(' ')[0]}.png")
            )
        browser.close()
    assert [said for said in complaints if "favicon" not in said] == []
