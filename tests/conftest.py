"""What every test shares: asyncio is the only event loop we run on, servers are real and started on demand."""

import pytest
import structlog
from hypothesis import HealthCheck, settings

# helpers' assertions show what they compared, as those of tests do
pytest.register_assert_rewrite("tests.kit", "tests.integration", "tests.e2e", "tests.unit", "tests.conformance")

# every run tries the same examples, however slow the machine is; `--hypothesis-profile default` looks for new ones
settings.register_profile(
    "certain", derandomize=True, deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("certain")

pytest_plugins = ["tests.kit.postgres", "tests.kit.nats"]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def plain_tracebacks() -> None:
    """By default structlog draws tracebacks with all variables, which stops the event loop for a second each."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])
