"""A data key per person, wrapped, in the database of the subgraph that seals with it.

Forgetting the key is the erasure of everything sealed with it (crypto-shredding): also of what lies in backups of other
tables, in dead tuples and in the write-ahead log, as far as the key itself is gone from them. The row stays, without a
key: whoever was at work for that person meanwhile makes no other one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from pydantic import SecretStr
from tortoise import fields
from tortoise.models import Model

from common.clock import Clock
from common.events.sql import SqlConnection
from common.settings import SubgraphSettings
from common.subgraph.database import Database, Row, fetch
from common.subgraph.sealing import KeyRing, Sealer, UnsealError, parse_keys

#: rows a rotation wraps anew in one transaction
ROTATION_BATCH = 500

# A key that another transaction is adding right now is invisible to the SELECT and in the way of the INSERT: no row.
_GET_OR_ADD = """
WITH added AS (
    INSERT INTO data_key (subject, wrapped_key, key_id, created_at) VALUES ($1, $2, $3, $4)
    ON CONFLICT (subject) DO NOTHING RETURNING wrapped_key)
SELECT wrapped_key FROM added UNION ALL SELECT wrapped_key FROM data_key WHERE subject = $1
"""


def forget_clause(subject: str, now: str, *, only_if: str | None = None) -> str:
    """An INSERT after which the person has no key and gets no other; arguments are SQL. `only_if` names a table
    expression: without a row in it, nothing is forgotten."""
    condition = f" WHERE EXISTS (SELECT FROM {only_if})" if only_if else ""
    return f"""INSERT INTO data_key (subject, wrapped_key, key_id, created_at)
    SELECT {subject}::uuid, '', '', {now}::timestamptz{condition}
    ON CONFLICT (subject) DO UPDATE SET wrapped_key = '', key_id = ''"""


class DataKeyModel(Model):
    """Data keys, in each subgraph's own database.

    class DataKey(DataKeyModel):
        class Meta(DataKeyModel.Meta):
            abstract = False
    """

    #: whom the sealed data are about: a user's id
    subject = fields.UUIDField(primary_key=True)
    # empty: forgotten, and so is the id of the key it was wrapped under
    wrapped_key = fields.BinaryField()
    #: id of the key-encryption key it is wrapped under
    key_id = fields.CharField(max_length=32, db_index=True)
    created_at = fields.DatetimeField()

    class Meta:
        abstract = True
        table = "data_key"


class SealingSettings(SubgraphSettings):
    """For subgraphs that keep personal data."""

    #: key-encryption keys of personal data: `<id>:<64 hex digits>`, several separated by commas, the first wraps
    pii_keys: SecretStr

    def key_ring(self) -> KeyRing:
        """Raises ValueError for keys that cannot be read."""
        return KeyRing(parse_keys(self.pii_keys.get_secret_value()))


@dataclass(frozen=True, slots=True)
class DataKeys:
    """The table `data_key` of one subgraph."""

    ring: KeyRing
    clock: Clock

    async def sealer(self, connection: SqlConnection, subject: UUID) -> Sealer:
        """The person's key, made when there is none yet; of one who was forgotten a key that nobody keeps, so that what
        it seals is not to be opened. One statement."""
        parameters = [subject, self.ring.new_key(subject), self.ring.current_id, self.clock.now()]
        rows = await fetch(connection, _GET_OR_ADD, parameters)
        while not rows:
            rows = await fetch(connection, _GET_OR_ADD, parameters)
        return self.ring.open(rows[0]["wrapped_key"] or self.ring.new_key(subject), subject)

    async def sealers(self, connection: SqlConnection, subjects: Sequence[UUID]) -> Mapping[UUID, Sealer]:
        """Of those who have a key; people who were erased have none. One statement.

        Lists better join: `LEFT JOIN data_key k ON k.subject = …` and `ring.open(row["wrapped_key"], subject)`, where
        it is not empty.
        """
        rows = await fetch(
            connection,
            "SELECT subject, wrapped_key FROM data_key WHERE subject = any($1) AND wrapped_key <> ''",
            [list(subjects)],
        )
        return {row["subject"]: self.ring.open(row["wrapped_key"], row["subject"]) for row in rows}

    async def forget(self, connection: SqlConnection, subject: UUID) -> None:
        """What was sealed about that person, and what will be, opens never again."""
        await fetch(connection, forget_clause("$1", "$2"), [subject, self.clock.now()])

    async def rotate(self, database: Database) -> int:
        """Wraps every data key under the newest key-encryption key; how many were under another one.

        May run beside everything else, several times, and be killed: what is done stays done. Raises UnsealError when
        all is done but for keys that cannot be opened.
        """
        rotated_count, unreadable = 0, list[UUID]()
        last = UUID(int=0)
        while rows := await self._rotate_batch(database, last, unreadable):
            rotated_count += len(rows)
            last = rows[-1]["subject"]
        if unreadable:
            raise UnsealError(f"{len(unreadable)} data keys cannot be opened, among them that of {unreadable[0]}")
        return rotated_count

    async def _rotate_batch(self, database: Database, last: UUID, unreadable: list[UUID]) -> list[Row]:
        async with database.transaction() as connection:
            rows = await fetch(
                connection,
                """SELECT subject, wrapped_key FROM data_key WHERE key_id <> $1 AND wrapped_key <> '' AND subject > $3
                   ORDER BY subject LIMIT $2 FOR UPDATE SKIP LOCKED""",
                [self.ring.current_id, ROTATION_BATCH, last],
            )
            rewrapped: dict[UUID, bytes] = {}
            for row in rows:
                try:
                    rewrapped[row["subject"]] = self.ring.rewrap(row["wrapped_key"], row["subject"])
                except UnsealError:
                    unreadable.append(row["subject"])
            if rewrapped:
                await fetch(
                    connection,
                    """UPDATE data_key SET wrapped_key = new.wrapped_key, key_id = $3
                       FROM unnest($1::uuid[], $2::bytea[]) AS new (subject, wrapped_key)
                       WHERE data_key.subject = new.subject""",
                    [list(rewrapped), list(rewrapped.values()), self.ring.current_id],
                )
        return rows
