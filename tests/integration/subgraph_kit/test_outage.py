"""PostgreSQL goes away under a running subgraph and comes back."""

from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from deploy.local.postgres import Postgres
from subgraphs.users.seed import DEMO_ACCOUNTS, seed
from tests.kit.commerce import eventually
from tests.kit.folders import open_folder
from tests.kit.subgraph import as_user, fresh_database_name, running
from tests.kit.users import cheap_passwords, users_app, users_settings

pytestmark = pytest.mark.anyio

ADA = as_user(DEMO_ACCOUNTS[0].public_id)
ME = "{ me { name } }"
REGISTER = 'mutation { userRegister(input: {name: "Late", email: "late@example.org"}) { user { id } } }'
UNPUBLISHED = "SELECT 1 FROM outbox WHERE published_at IS NULL"


async def test_a_restart_of_the_database_is_an_outage_with_a_name_and_an_end(
    nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up: list[asyncpg.Pool] = []
    monkeypatch.setattr(asyncpg.Pool, "terminate", given_up.append)
    with open_folder() as folder:
        await stop_and_start_under_load(Postgres(Path(folder) / "postgres", durable=False), nats_url)
    assert given_up == [], "a connection was not given back to the pool"


async def stop_and_start_under_load(server: Postgres, nats_url: str) -> None:
    settings, name = users_settings(server.start(), nats_url), fresh_database_name("users")
    try:
        await seed(settings, database_name=name, passwords=cheap_passwords())
        async with running(users_app(settings, name)) as users:
            before = await users.data(ME, principal=ADA)
            server.stop()
            with capture_logs() as logs:
                answers = [await users.execute(ME, principal=ADA) for _ in range(5)]
                health = await users.http.get("/health")
            server.start()
            await eventually(lambda: users.execute(ME, principal=ADA), {"data": before})
            await users.data(REGISTER)
            database = users.app.state.runtime.database
            await eventually(lambda: database.fetch(UNPUBLISHED), [])
    finally:
        server.stop()

    assert [answer["errors"][0]["extensions"]["code"] for answer in answers] == ["SERVICE_UNAVAILABLE"] * 5
    assert health.status_code == 503
    assert [line["log_level"] for line in logs if line["event"] == "resolver failed"] == ["error"] * 5
    assert before == {"me": {"name": DEMO_ACCOUNTS[0].name}}
