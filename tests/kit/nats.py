"""A real NATS server with JetStream for tests, one per session."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.nats import Nats


@pytest.fixture(scope="session")
def nats_url() -> Iterator[str]:
    """URL with the token in it; with TEST_NATS_URL that server is used instead of our own."""
    if outside := os.environ.get("TEST_NATS_URL"):
        yield outside
        return
    folder = Path(tempfile.mkdtemp(prefix="punnet-test-"))
    server = Nats(folder / "nats", durable=False)
    try:
        yield server.start()
    finally:
        server.stop()
        shutil.rmtree(folder)
