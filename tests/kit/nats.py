"""A real NATS server with JetStream for tests, one per session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from deploy.local.nats import Nats
from tests.kit.folders import open_folder


@pytest.fixture(scope="session")
def nats_url() -> Iterator[str]:
    """URL with the token in it; with TEST_NATS_URL that server is used instead of our own."""
    if outside := os.environ.get("TEST_NATS_URL"):
        yield outside
        return
    with open_folder() as folder:
        server = Nats(folder / "nats", durable=False)
        try:
            yield server.start()
        finally:
            server.stop()
