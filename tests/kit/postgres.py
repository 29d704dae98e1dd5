"""A real PostgreSQL for tests: one server per session, a fresh database for each test module that asks for one."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from itertools import count

import pytest

from common.settings import database_url_for
from deploy.local.postgres import Postgres, client_program
from tests.kit.card_search import require_no_cards_in_databases
from tests.kit.folders import open_folder
from tests.kit.template_database import DATABASE_PREFIX

_NUMBERS = count(1)
_URL = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def postgres_url(pytestconfig: pytest.Config) -> Iterator[str]:
    """URL of the server's database `postgres`; with TEST_DATABASE_URL that server is used instead of our own."""
    if outside := os.environ.get("TEST_DATABASE_URL"):
        pytestconfig.stash[_URL] = outside
        yield outside
        return
    with open_folder() as folder:
        server = Postgres(folder / "postgres", durable=False)
        try:
            pytestconfig.stash[_URL] = server.start()
            yield server.url
            require_no_cards_in_databases(server.url)
        finally:
            server.stop()


@pytest.fixture(scope="module", autouse=True)
def databases_of_the_module(pytestconfig: pytest.Config) -> Iterator[None]:
    """Drops those of subgraphs when the module is done: dropped soon they never reach the disk, and all of them
    together took minutes to remove."""
    yield
    url = pytestconfig.stash.get(_URL, None)
    if url is None:
        return
    mine = f"{DATABASE_PREFIX}%"
    require_no_cards_in_databases(url, like=mine)
    for name in run_sql(url, f"SELECT datname FROM pg_database WHERE datname LIKE '{mine}'").splitlines():  # noqa: S608
        run_sql(url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(scope="module")
def database_url(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of an empty database which is dropped when the module is done."""
    module = re.sub(r"\W+", "_", request.module.__name__.rsplit(".", 1)[-1]).lower()
    name = f"{module[:40]}_{os.getpid()}_{next(_NUMBERS)}"
    run_sql(postgres_url, f'CREATE DATABASE "{name}"')
    yield database_url_for(postgres_url, name)
    require_no_cards_in_databases(postgres_url, like=name)
    run_sql(postgres_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def run_sql(url: str, statement: str) -> str:
    """Run one statement by psql and return its rows, columns by `|`. No event loop is involved."""
    done = subprocess.run(
        [client_program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
