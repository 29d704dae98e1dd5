"""Housekeeping: what older versions sealed differently is sealed anew, and what has expired goes."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import structlog

from common.clock import Clock
from common.events.sql import SqlConnection
from common.subgraph.database import Database, Row, fetch
from subgraphs.users.service.accounts import Vault, account_place
from subgraphs.users.service.profile import address_place

log = structlog.get_logger(__name__)

BATCH = 200
PAUSE_S = 3600.0
#: what data keys sealed begins so
SEALED_BY_DATA_KEY = "'data:'::bytea"


@dataclass(frozen=True, slots=True)
class Resealing:
    """Values that stand in clear or under a key of the settings, as versions before data keys wrote them -> values
    sealed with the data key of their person. May run beside everything else and be killed: what is done stays done.
    """

    database: Database
    vault: Vault

    async def run(self) -> int:
        """How many rows were sealed anew; 0 in a database that began with data keys."""
        resealed_count = 0
        while batch := await self._accounts() + await self._addresses():
            resealed_count += batch
        return resealed_count

    async def _accounts(self) -> int:
        async with self.database.transaction() as connection:
            rows = await fetch(
                connection,
                f"""SELECT id, name, name_sealed, email_sealed FROM user_account
                    WHERE status <> 'ERASED' AND (name IS NOT NULL
                      OR substring(email_sealed FROM 1 FOR 5) <> {SEALED_BY_DATA_KEY})
                    ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED""",
            )
            for row in rows:
                await self._account(connection, row)
        return len(rows)

    async def _account(self, connection: SqlConnection, row: Row) -> None:
        user_id = row["id"]
        sealer = await self.vault.keys.sealer(connection, user_id)
        name_sealed, email_sealed = row["name_sealed"], row["email_sealed"]
        if row["name"] is not None:
            name_sealed = sealer.seal(row["name"], account_place("name", user_id))
        if not email_sealed.startswith(b"data:"):
            place = account_place("email", user_id)
            email_sealed = sealer.seal(self.vault.older.unseal(email_sealed, place), place)
        await fetch(
            connection,
            "UPDATE user_account SET name = NULL, name_sealed = $2, email_sealed = $3 WHERE id = $1",
            [user_id, name_sealed, email_sealed],
        )

    async def _addresses(self) -> int:
        async with self.database.transaction() as connection:
            rows = await fetch(
                connection,
                f"""SELECT id, user_id, address_sealed FROM customer_address
                    WHERE substring(address_sealed FROM 1 FOR 5) <> {SEALED_BY_DATA_KEY}
                    ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED""",
            )
            for row in rows:
                place = address_place(row["id"])
                sealer = await self.vault.keys.sealer(connection, row["user_id"])
                sealed = sealer.seal(self.vault.older.unseal(row["address_sealed"], place), place)
                await fetch(
                    connection, "UPDATE customer_address SET address_sealed = $2 WHERE id = $1", [row["id"], sealed]
                )
        return len(rows)


@dataclass(frozen=True, slots=True)
class Upkeep:
    """Worker: seals anew what is old once, at its start, then deletes expired tokens now and then."""

    database: Database
    resealing: Resealing
    clock: Clock
    pause_s: float = PAUSE_S
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    def stop(self) -> None:
        self._stopped.set()

    async def run(self) -> None:
        if resealed_count := await self.resealing.run():
            log.info("personal data of an older version was sealed anew", rows=resealed_count)
        while not self._stopped.is_set():
            await self.sweep()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.pause_s):
                    await self._stopped.wait()

    async def sweep(self) -> None:
        """Tokens that nobody can use any more."""
        now = self.clock.now()
        await self.database.fetch("DELETE FROM refresh_token WHERE expires_at < $1", [now])
        await self.database.fetch("DELETE FROM one_time_token WHERE expires_at < $1", [now])
