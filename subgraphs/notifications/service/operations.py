"""Dead letters of all subgraphs: each keeps its own, this asks them by command and puts the answers together."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from common.errors import PunnetError
from common.events import Bus

log = structlog.get_logger(__name__)

SUBGRAPHS = ("users", "products", "orders", "payments", "notifications")
TIMEOUT_S = 2.0


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

    async def newest(self, *, limit: int, consumer: str | None) -> list[FoundLetter]:
        """At most `limit`; a subgraph that is away is left out, and logged."""
        return (await self._ask_all("dead_letters", {"consumer": consumer}))[:limit]

    async def replay(self, ids: Sequence[str]) -> list[FoundLetter]:
        """Has their consumers try again; those that were found."""
        return await self._ask_all("replay_dead_letters", {"ids": list(ids)})

    async def _ask_all(self, command: str, payload: Mapping[str, Any]) -> list[FoundLetter]:
        answers = await asyncio.gather(*(self._ask(subgraph, command, payload) for subgraph in SUBGRAPHS))
        letters = [letter for answer in answers for letter in answer]
        # ids are UUIDv7: their order is that of time
        return sorted(letters, key=lambda letter: letter.id, reverse=True)

    async def _ask(self, subgraph: str, command: str, payload: Mapping[str, Any]) -> list[FoundLetter]:
        try:
            answer = await self.bus.request(f"commands.{subgraph}.{command}", payload, timeout_s=TIMEOUT_S)
        except PunnetError as exc:
            log.warning("dead letters of a subgraph are out of reach", subgraph=subgraph, error=repr(exc))
            return []
        return [_found(letter) for letter in answer["letters"]]


def _found(letter: Mapping[str, Any]) -> FoundLetter:
    return FoundLetter(**{**letter, "first_failed_at": datetime.fromisoformat(letter["first_failed_at"])})
