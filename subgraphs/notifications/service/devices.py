"""Devices that want messages; their tokens are sealed with their owner's data key."""

import hashlib
from dataclasses import dataclass
from uuid import UUID

from common.clock import Clock
from common.errors import BadInputError
from common.ids import uuid7
from common.subgraph.data_keys import DataKeys
from common.subgraph.database import Database, fetch
from subgraphs.notifications.domain.words import PushPlatform

MAX_TOKEN_CHARACTERS = 4096
#: the oldest make room
MAX_DEVICES = 10


@dataclass(frozen=True, slots=True)
class PushDevice:
    id: UUID
    platform: str
    token: str


@dataclass(frozen=True, slots=True)
class PushDevices:
    database: Database
    keys: DataKeys
    clock: Clock

    async def register(self, user_id: UUID, token: str, platform: PushPlatform) -> None:
        """A device belongs to whoever registered it last. Raises BadInputError."""
        if not 1 <= len(token) <= MAX_TOKEN_CHARACTERS or not token.isprintable():
            raise BadInputError(f"A device's token has 1 to {MAX_TOKEN_CHARACTERS} printable characters.")
        async with self.database.transaction() as connection:
            sealer = await self.keys.sealer(connection, user_id)
            await fetch(connection, "DELETE FROM push_device WHERE token_hash = $1", [_hash(token)])
            row_id = uuid7()
            await fetch(
                connection,
                """INSERT INTO push_device (id, user_id, platform, token_sealed, token_hash, created_at)
                   VALUES ($1, $2, $3, $4, $5, $6)""",
                [row_id, user_id, platform.value, sealer.seal(token, _place(row_id)), _hash(token), self.clock.now()],
            )
            await fetch(
                connection,
                """DELETE FROM push_device WHERE user_id = $1 AND id NOT IN
                     (SELECT id FROM push_device WHERE user_id = $1 ORDER BY id DESC LIMIT $2)""",
                [user_id, MAX_DEVICES],
            )

    async def remove(self, user_id: UUID, token: str) -> None:
        """Nothing if it is not the user's."""
        await self.database.fetch(
            "DELETE FROM push_device WHERE user_id = $1 AND token_hash = $2", [user_id, _hash(token)]
        )

    async def of(self, user_id: UUID) -> list[PushDevice]:
        rows = await self.database.fetch(
            """SELECT d.id, d.platform, d.token_sealed, k.wrapped_key
               FROM push_device d JOIN data_key k ON k.subject = d.user_id AND k.wrapped_key <> ''
               WHERE d.user_id = $1 ORDER BY d.id""",
            [user_id],
        )
        return [
            PushDevice(
                row["id"],
                row["platform"],
                self.keys.ring.open(row["wrapped_key"], user_id).unseal(row["token_sealed"], _place(row["id"])),
            )
            for row in rows
        ]

    async def drop(self, row_id: UUID) -> None:
        await self.database.fetch("DELETE FROM push_device WHERE id = $1", [row_id])


def _place(row_id: UUID) -> str:
    return f"push_device.token:{row_id}"


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
