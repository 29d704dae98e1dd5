"""The shop, really started, in both topologies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.folders import open_folder
from tests.kit.started_shop import StartedShop, started_shop


@pytest.fixture(scope="session", params=[False, True], ids=["one process", "a process each"])
def shop(request: pytest.FixtureRequest) -> Iterator[StartedShop]:
    with open_folder() as folder, started_shop(folder, is_split=request.param) as started:
        yield started


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starting the whole shop takes its time on a busy machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(900))
