"""Checks the laws while a scenario runs and once the shop is at rest. (Checking during the run is Jepsen's idea.)"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import asyncpg
import nats.errors
import nats.js.errors

from deploy.prove.evidence import Evidence
from deploy.prove.laws import LAWS, Law

#: what the servers say while they are away: no evidence, neither for nor against
AWAY: tuple[type[BaseException], ...] = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
)
_SAMPLE_S = 0.5
#: looking takes a tenth of the time at most: much has happened at the end of a long run, and it is all looked at
_PAUSES_PER_LOOK = 9
_SHOWN = 5
_REST_POLL_S = 0.2

_OWED = {
    "users": "SELECT count(*) AS owed FROM outbox WHERE published_at IS NULL",
    "products": """SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL)
        + (SELECT count(*) FROM reservation WHERE state = 'HELD' AND expires_at < now()) AS owed""",
    "orders": """SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL)
        + (SELECT count(*) FROM saga WHERE step <> 'AWAIT_PAYMENT' OR next_at < now()) AS owed""",
    "payments": """SELECT (SELECT count(*) FROM outbox WHERE published_at IS NULL)
        + (SELECT count(*) FROM provider_task) AS owed""",
    "notifications": "SELECT count(*) AS owed FROM outbox WHERE published_at IS NULL",
}


class LawBrokenError(AssertionError):
    """The message says which law, and by what."""


@dataclass(slots=True)
class Auditor:
    evidence: Evidence
    laws: Sequence[Law] = LAWS
    sample_count: int = 0
    #: law -> what broke it, in the order it was seen, each once
    broken: dict[str, list[str]] = field(default_factory=dict)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Samples what holds at any moment for as long as the block runs."""
        task = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            (end,) = await asyncio.gather(task, return_exceptions=True)
        if end is not None and not isinstance(end, asyncio.CancelledError):
            raise end  # an auditor that cannot look must not pass for one that saw nothing

    async def sample(self) -> None:
        """Every law that holds at any moment, once."""
        for law in self.laws:
            if law.always is not None:
                self.note(law, await law.always(self.evidence))
        self.sample_count += 1

    async def at_rest(self, timeout_s: float = 60.0) -> None:
        """Waits until nothing is owed any more, then checks every law. Raises LawBrokenError when it does not come to
        rest; what breaks a law is noted, not raised."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        calm = 0
        while calm < 2:  # twice in a row: an event may be between two databases at the first look
            owed = await self.owed()
            calm = 0 if owed else calm + 1
            if asyncio.get_running_loop().time() > deadline:
                raise LawBrokenError(f"not at rest after {timeout_s:g} s, still owed: {owed}")
            await asyncio.sleep(_REST_POLL_S)
        for law in self.laws:
            if law.at_rest is not None:
                self.note(law, await law.at_rest(self.evidence))

    async def owed(self) -> dict[str, int]:
        """Work the shop has not finished, by whom; empty at rest."""
        found = {}
        for name, database in self.evidence.by_name().items():
            try:
                (row,) = await database.ask(_OWED[name])
                found[name] = int(row["owed"])
            except AWAY:
                found[name] = -1
        try:
            found["deliveries"] = await self.evidence.stream.waiting()
        except (nats.errors.Error, nats.js.errors.Error):
            found["deliveries"] = -1
        return {name: count for name, count in found.items() if count}

    def judge(self) -> None:
        """Raises LawBrokenError naming every law that was seen broken."""
        if self.broken:
            raise LawBrokenError("; ".join(f"{law}: {_few(lines)}" for law, lines in sorted(self.broken.items())))

    async def _watch(self) -> None:
        while True:
            began = time.monotonic()
            with suppress(*AWAY):
                await self.sample()
            await asyncio.sleep(max(_SAMPLE_S, _PAUSES_PER_LOOK * (time.monotonic() - began)))

    def note(self, law: Law, found: Sequence[str]) -> None:
        """Remember what breaks the law; nothing found is no note."""
        if found:
            seen = self.broken.setdefault(law.number, [])
            seen += [line for line in found[:100] if line not in seen]


def _few(lines: Sequence[str]) -> str:
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return " | ".join(lines[:_SHOWN]) + more
