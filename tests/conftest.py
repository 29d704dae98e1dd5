"""What every test shares: asyncio is the only event loop we run on, servers are real and started on demand."""

import pytest

pytest_plugins = ["tests.kit.postgres", "tests.kit.nats"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
