"""The shop as `supergraph.yaml` names it: its databases, its demo data and its schema artefacts.

What is done here per subgraph follows the names: `subgraphs.<name>.app`, `.schema`, `.seed`, database `punnet_<name>`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from common.events import republish_since
from common.settings import SubgraphSettings
from common.subgraph.app import migrated_database
from common.subgraph.schema import export_sdl
from deploy.local.demo import DemoLogin
from deploy.local.errors import LocalError
from deploy.local.state import ROOT
from deploy.local.supergraph import SUPERGRAPH, routing_urls, subgraph_names
from router.compose import SubgraphDefinition, compose
from subgraphs.users.domain import scopes_of
from subgraphs.users.seed import DEMO_ACCOUNTS

API_SCHEMA = ROOT / "schema/api.graphql"


async def migrate() -> None:
    """Create and migrate every subgraph's database on the server of DATABASE_URL."""
    for name in subgraph_names():
        async with migrated_database(name, SubgraphSettings()):  # type: ignore[call-arg]  # from the environment
            pass


async def republish(
    since: datetime, database_names: Mapping[str, str] = MappingProxyType({})
) -> AsyncIterator[tuple[str, int]]:
    """Each subgraph, and how many of its events of that time and later its relay is to publish once more.

    `database_names` by subgraph, where they are not the usual ones.
    """
    settings = SubgraphSettings()  # type: ignore[call-arg]  # from the environment
    for name in subgraph_names():
        async with migrated_database(name, settings, database_name=database_names.get(name, "")) as database:
            async with database.transaction() as connection:
                count = await republish_since(connection, since)
            yield name, count


async def seed() -> None:
    """The demo data of the subgraphs that have some, on migrated databases; what is there already stays as it is."""
    for name in subgraph_names():
        if importlib.util.find_spec(f"subgraphs.{name}.seed"):
            await importlib.import_module(f"subgraphs.{name}.seed").seed()


def logins() -> list[DemoLogin]:
    """The demo accounts of the users subgraph."""
    return [
        DemoLogin(
            user_id=account.public_id,
            email=account.email,
            password=account.password,
            roles=[role.value for role in account.roles],
            scopes=sorted(scopes_of(account.roles)),
        )
        for account in DEMO_ACCOUNTS
    ]


def artefacts() -> dict[Path, str]:
    """Every schema artefact as it should read now: the subgraphs' SDL, the supergraph and the clients' view of it.

    Raises LocalError with the composer's findings when the subgraphs do not fit together.
    """
    sdl_by_name = {
        name: export_sdl(importlib.import_module(f"subgraphs.{name}.schema").schema) for name in subgraph_names()
    }
    composition = compose([SubgraphDefinition(name, url, sdl_by_name[name]) for name, url in routing_urls().items()])
    if composition.supergraph_sdl is None or composition.api_sdl is None:
        found = "\n".join(f"  {error.code.name}: {error.message}" for error in composition.errors)
        raise LocalError(f"The subgraphs do not compose:\n{found}")
    return {
        **{ROOT / f"schema/subgraphs/{name}.graphql": sdl for name, sdl in sdl_by_name.items()},
        SUPERGRAPH: composition.supergraph_sdl,
        API_SCHEMA: composition.api_sdl,
    }


def stale(texts: Mapping[Path, str]) -> list[Path]:
    """The artefacts whose files are missing or read differently."""
    return [path for path, text in texts.items() if not path.exists() or path.read_text() != text]


def write_stale(texts: Mapping[Path, str]) -> list[Path]:
    """Write those; returns what was written."""
    written = stale(texts)
    for path in written:
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_name(f"{path.name}.{os.getpid()}.new")  # two starts at once may write the same
        new.write_text(texts[path])
        new.replace(path)
    return written
