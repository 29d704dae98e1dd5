"""What every test shares: asyncio is the only event loop we run on, servers are real and started on demand."""

import pytest
import structlog

pytest_plugins = ["tests.kit.postgres", "tests.kit.nats"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """By default structlog draws tracebacks with all variables, which stops the event loop for a second each."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])
