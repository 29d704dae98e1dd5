"""L7 and L9: every event leaves its outbox and has its effect once per consumer, in the order of versions."""

from __future__ import annotations

from collections import Counter
from fnmatch import fnmatchcase
from typing import Any
from uuid import UUID

from deploy.prove.evidence import SUBGRAPHS, Evidence
from deploy.prove.laws.law import Law

_EVENTS = "SELECT event_id, type, aggregate_id, published_at IS NULL AS is_waiting FROM outbox"
_HAD = "SELECT consumer, event_id, count(*) AS times FROM inbox GROUP BY consumer, event_id"
_DEAD = "SELECT consumer, event_id, error FROM dead_letter WHERE state <> 'RESOLVED'"
_BACKWARDS = """
SELECT consumer, aggregate_id, before, aggregate_version FROM (
    SELECT consumer, aggregate_id, aggregate_version,
           lag(aggregate_version) OVER (PARTITION BY consumer, aggregate_id ORDER BY id) AS before FROM inbox) AS had
WHERE aggregate_version < before
"""


async def delivery(evidence: Evidence) -> list[str]:
    databases = evidence.by_name()
    events: dict[UUID, str] = {}
    found: list[str] = []
    for name, database in databases.items():
        rows = await database.ask(_EVENTS)
        waiting = [row for row in rows if row["is_waiting"]]
        found += [f"{row['type']} {row['event_id']} was never published by {name}" for row in waiting]
        events |= {row["event_id"]: f"{row['type']}.{row['aggregate_id']}" for row in rows}
    had: Counter[tuple[str, UUID]] = Counter()
    for database in databases.values():
        had.update({(row["consumer"], row["event_id"]): int(row["times"]) for row in await database.ask(_HAD)})
        found += [
            f"{row['event_id']} is a dead letter of {row['consumer']}: {row['error']}"
            for row in await database.ask(_DEAD)
        ]
    for consumer, filters in (await evidence.consumers()).items():
        wanted = [event_id for event_id, subject in events.items() if any(matches(f, subject) for f in filters)]
        found += [
            f"{events[event_id]} {event_id} had its effect {had[consumer, event_id]} times at {consumer}"
            for event_id in wanted
            if had[consumer, event_id] != 1
        ]
    return found


def matches(subject_filter: str, subject: str) -> bool:
    """NATS wildcards; neither side has the prefix `events.`."""
    wanted, given = subject_filter.split("."), subject.split(".")
    if wanted[-1] == ">":
        wanted, given = wanted[:-1], given[: len(wanted) - 1]
    return len(wanted) == len(given) and all(fnmatchcase(g, w) for w, g in zip(wanted, given, strict=True))


async def versions(evidence: Evidence) -> list[str]:
    databases: dict[str, Any] = evidence.by_name()
    return [
        f"{row['consumer']} had version {row['aggregate_version']} of {row['aggregate_id']} after {row['before']}"
        for name in SUBGRAPHS
        for row in await databases[name].ask(_BACKWARDS)
    ]


DELIVERY = Law("L7", "Each event is published, and has its effect exactly once per consumer.", at_rest=delivery)
VERSIONS = Law("L9", "Each consumer sees the versions of an aggregate increase.", always=versions, at_rest=versions)
