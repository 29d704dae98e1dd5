"""Dead letters: events that consumers of any subgraph gave up on, and messages no provider took.

Each subgraph keeps its own letters; this asks them by command and puts the answers together. Messages are rows here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from common.clock import Clock
from common.errors import PunnetError
from common.events import Bus
from common.ids import InvalidIdError, format_id, parse_id
from common.subgraph.database import Database, Row
from subgraphs.notifications.domain.words import ID_PREFIX

log = structlog.get_logger(__name__)

SUBGRAPHS = ("users", "products", "orders", "payments", "notifications")
TIMEOUT_S = 2.0
#: what messages nobody took are listed under, with the channel behind it
DELIVERY_CONSUMER = "notifications-delivery-"
_COLUMNS = "id, event_id, channel, template, attempts, last_error, created_at"


@dataclass(frozen=True, slots=True)
class FoundLetter:
    id: str
    event_id: str | None
    consumer: str
    event_type: str
    attempts: int
    last_error: str
    first_failed_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetterDesk:
    bus: Bus
    database: Database
    clock: Clock

    async def newest(self, *, limit: int, consumer: str | None) -> list[FoundLetter]:
        """At most `limit`; a subgraph that is away is left out, and logged."""
        events, messages = await asyncio.gather(
            self._ask_all("dead_letters", {"consumer": consumer}), self._dead_messages(limit, consumer)
        )
        return _newest_first([*events, *messages])[:limit]

    async def replay(self, ids: Sequence[str]) -> list[FoundLetter]:
        """Has consumers or senders try again; those that were found."""
        events = await self._ask_all("replay_dead_letters", {"ids": list(ids)})
        return _newest_first([*events, *await self._send_again(_message_ids(ids))])

    async def _dead_messages(self, limit: int, consumer: str | None) -> list[FoundLetter]:
        rows = await self.database.fetch(
            f"""SELECT {_COLUMNS} FROM notification
                WHERE status = 'DEAD' AND ($1::text IS NULL OR $2::text || lower(channel) = $1)
                ORDER BY id DESC LIMIT $3""",
            [consumer, DELIVERY_CONSUMER, limit],
        )
        return [_dead_message(row) for row in rows]

    async def _send_again(self, ids: Sequence[UUID]) -> list[FoundLetter]:
        if not ids:
            return []
        rows = await self.database.fetch(
            f"""UPDATE notification n SET status = 'QUEUED', attempts = 0, due_at = $2
                FROM (SELECT {_COLUMNS} FROM notification WHERE id = any($1) AND status = 'DEAD' FOR UPDATE) was
                WHERE n.id = was.id RETURNING was.*""",
            [list(ids), self.clock.now()],
        )
        return [_dead_message(row) for row in rows]

    async def _ask_all(self, command: str, payload: Mapping[str, Any]) -> list[FoundLetter]:
        answers = await asyncio.gather(*(self._ask(subgraph, command, payload) for subgraph in SUBGRAPHS))
        return [letter for answer in answers for letter in answer]

    async def _ask(self, subgraph: str, command: str, payload: Mapping[str, Any]) -> list[FoundLetter]:
        try:
            answer = await self.bus.request(f"commands.{subgraph}.{command}", payload, timeout_s=TIMEOUT_S)
        except PunnetError as exc:
            log.warning("dead letters of a subgraph are out of reach", subgraph=subgraph, error=repr(exc))
            return []
        return [_found(letter) for letter in answer["letters"]]


def _newest_first(letters: list[FoundLetter]) -> list[FoundLetter]:
    """What follows the prefix of an id is a UUIDv7, whose order is that of time."""
    return sorted(letters, key=lambda letter: letter.id.rpartition("_")[2], reverse=True)


def _found(letter: Mapping[str, Any]) -> FoundLetter:
    return FoundLetter(**{**letter, "first_failed_at": datetime.fromisoformat(letter["first_failed_at"])})


def _dead_message(row: Row) -> FoundLetter:
    return FoundLetter(
        id=format_id(ID_PREFIX, row["id"]),
        event_id=str(row["event_id"]),
        consumer=f"{DELIVERY_CONSUMER}{row['channel'].lower()}",
        event_type=row["template"],
        attempts=row["attempts"],
        last_error=row["last_error"] or "",
        first_failed_at=row["created_at"],
    )


def _message_ids(ids: Sequence[str]) -> list[UUID]:
    """Of those that are ids of messages."""
    found: list[UUID] = []
    for text in ids:
        try:
            found.append(parse_id(ID_PREFIX, text))
        except InvalidIdError:
            continue
    return found
