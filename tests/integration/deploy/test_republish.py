"""`punnet events republish`: the relays of all subgraphs publish once more what was recorded since a time."""

from datetime import timedelta

import pytest

from common.events import Outbox
from common.settings import SubgraphSettings
from common.subgraph.app import migrated_database
from deploy.local.shop import republish
from deploy.local.supergraph import subgraph_names
from tests.kit.events import event_of, record
from tests.kit.subgraph import SECRET, fresh_database_name, settings_of

pytestmark = pytest.mark.anyio


async def test_what_each_subgraph_recorded_since_then_waits_for_its_relay_again(
    postgres_url: str, nats_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in {
        "DATABASE_URL": postgres_url,
        "NATS_URL": nats_url,
        "PUNNET_CONTEXT_SECRET": SECRET,
    }.items():
        monkeypatch.setenv(variable, value)
    names = {subgraph: fresh_database_name(subgraph) for subgraph in subgraph_names()}
    first, second = event_of("tests.thing.made", version=1), event_of("tests.thing.changed", version=2)
    settings = SubgraphSettings(**settings_of(postgres_url, nats_url))

    for subgraph in ("orders", "users"):
        async with migrated_database(subgraph, settings, database_name=names[subgraph]) as database:
            await record(database, Outbox(), first, second)
            await database.fetch("UPDATE outbox SET published_at = now()")
            if subgraph == "users":
                days = timedelta(days=2)
                await database.fetch("UPDATE outbox SET occurred_at = occurred_at - $1::interval", [days])

    counts = {subgraph: count async for subgraph, count in republish(second.occurred_at, names)}

    assert counts == {"users": 0, "products": 0, "orders": 1, "payments": 0, "notifications": 0}
    async with migrated_database("orders", settings, database_name=names["orders"]) as database:
        waiting = await database.fetch("SELECT event_id FROM outbox WHERE published_at IS NULL")
    assert [row["event_id"].int for row in waiting] == [second.event_id.int]
