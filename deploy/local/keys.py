"""Rotation of the keys that wrap data keys: every subgraph that has data keys, one after another."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from types import MappingProxyType

from common.clock import SystemClock
from common.subgraph.app import migrated_database
from common.subgraph.data_keys import DataKeys, SealingSettings
from common.subgraph.sealing import UnsealError
from deploy.local.errors import LocalError
from deploy.local.supergraph import subgraph_names
from subgraphs.users.app import vault_of
from subgraphs.users.service.upkeep import Resealing
from subgraphs.users.settings import UsersSettings

USERS = "users"


async def rotate_keys(database_names: Mapping[str, str] = MappingProxyType({})) -> AsyncIterator[tuple[str, int]]:
    """Wraps every data key under the first of PUNNET_PII_KEYS, with the shop running or not; each subgraph and how many
    were under another one. What versions before data keys sealed is sealed anew on the way.

    `database_names` by subgraph, where they are not the usual ones. Raises LocalError for keys that cannot be opened.
    """
    settings = SealingSettings()  # type: ignore[call-arg]  # from the environment
    keys = DataKeys(settings.key_ring(), SystemClock())
    for name in subgraph_names():
        async with migrated_database(name, settings, database_name=database_names.get(name, "")) as database:
            if not (await database.fetch("SELECT to_regclass('data_key') IS NOT NULL AS is_there"))[0]["is_there"]:
                continue
            if name == USERS:
                users = UsersSettings()  # type: ignore[call-arg]  # from the environment
                await Resealing(database, vault_of(users)).run()
            try:
                rotated_count = await keys.rotate(database)
            except UnsealError as error:
                raise LocalError(f"{name}: {error}. Is a key missing in PUNNET_PII_KEYS?") from error
            yield name, rotated_count
