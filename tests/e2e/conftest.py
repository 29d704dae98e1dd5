"""The shop, really started, in both topologies."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from deploy.prove.shop import ProvenShop
from tests.kit.folders import open_folder
from tests.kit.started_shop import StartedShop, last_words, started_shop


@pytest.fixture(scope="session", params=[False, True], ids=["one process", "a process each"])
def shop(request: pytest.FixtureRequest) -> Iterator[StartedShop]:
    with open_folder() as folder, started_shop(folder, is_split=request.param) as started:
        yield started


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure shows what the shop said last."""
    report = yield
    if report.failed:
        for shop in item.funcargs.values():
            if isinstance(shop, StartedShop):
                report.sections.append(("logs of the shop", last_words(shop.folder)))
            elif isinstance(shop, ProvenShop):
                report.sections.append(("logs of the shop", last_words(shop.folder.path)))
    return report


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starting the whole shop takes its time on a busy machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(900))
