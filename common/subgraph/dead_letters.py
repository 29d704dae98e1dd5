"""Commands every subgraph serves, so that one of them can show and replay the dead letters of all.

commands.<subgraph>.dead_letters {limit, consumer?}   -> {letters: [{id, event_id, consumer, event_type, …}]}
commands.<subgraph>.replay_dead_letters {ids}         -> {letters: those of this subgraph that are tried again}
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

import orjson

from common.clock import Clock
from common.events import CommandHandler, DeadLetter, DeadLetters
from common.ids import InvalidIdError, format_id, parse_id
from common.subgraph.database import Database

ID_PREFIX = "dlq"
MAX_LISTED = 100


def dead_letter_commands(database: Database, clock: Clock) -> dict[str, CommandHandler]:
    letters = DeadLetters(clock)

    async def list_letters(payload: dict[str, Any]) -> Mapping[str, Any]:
        consumer = payload.get("consumer")
        async with database.transaction() as connection:
            found = await letters.list(connection, limit=MAX_LISTED)
        return {"letters": [_as_json(letter) for letter in found if consumer in (None, letter.consumer)]}

    async def replay(payload: dict[str, Any]) -> Mapping[str, Any]:
        wanted = _uuids(payload.get("ids", ()))
        async with database.transaction() as connection:
            known = {letter.id: letter for letter in await letters.list(connection, limit=MAX_LISTED)}
            replayed = [known[uuid] for uuid in wanted if uuid in known and await letters.replay(connection, uuid)]
        return {"letters": [_as_json(letter) for letter in replayed]}

    return {"dead_letters": list_letters, "replay_dead_letters": replay}


def _as_json(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": format_id(ID_PREFIX, letter.id),
        "event_id": str(letter.event_id) if letter.event_id else None,
        "consumer": letter.consumer,
        "event_type": _event_type(letter.event),
        "attempts": letter.attempts,
        "last_error": letter.error,
        "first_failed_at": letter.created_at.isoformat(),
    }


def _event_type(event: str) -> str:
    """Of what arrived; it may be no event at all."""
    try:
        decoded = orjson.loads(event)
    except orjson.JSONDecodeError:
        return "unreadable"
    return str(decoded.get("type", "unreadable")) if isinstance(decoded, dict) else "unreadable"


def _uuids(ids: Iterable[str]) -> list[UUID]:
    """Of those that are ids of dead letters."""
    found: list[UUID] = []
    for text in ids:
        with suppress(InvalidIdError):
            found.append(parse_id(ID_PREFIX, text))
    return found
