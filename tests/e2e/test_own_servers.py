"""DATABASE_URL and NATS_URL point the shop at servers that somebody else runs."""

from __future__ import annotations

import urllib.request

import pytest

from deploy.local.nats import Nats
from deploy.local.postgres import Postgres
from tests.kit.folders import open_folder
from tests.kit.postgres import run_sql
from tests.kit.started_shop import started_shop


def test_servers_of_ones_own_are_used_instead_of_embedded_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_folder() as folder:
        database, bus = Postgres(folder / "postgres", durable=False), Nats(folder / "nats", durable=False)
        try:
            monkeypatch.setenv("DATABASE_URL", database.start())
            monkeypatch.setenv("NATS_URL", bus.start())
            with started_shop(folder, is_split=False) as shop:
                with urllib.request.urlopen(f"{shop.url}/health/ready") as answer:
                    assert answer.status == 200
                databases = run_sql(database.url, "SELECT datname FROM pg_database WHERE datname LIKE 'punnet%'")
                assert len(databases.splitlines()) == 6  # the sandbox has one, too
                assert not {"postgres", "nats"} & {path.name for path in shop.folder.iterdir()}
        finally:
            bus.stop()
            database.stop()
