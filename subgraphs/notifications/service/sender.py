"""Sends queued e-mail: takes a row, asks users for the address, hands the mail on, marks the row.

The row stays locked meanwhile, so replicas do not send it twice; if we are killed after the mail left and before the
mark, it leaves again with the same message id.
"""

from dataclasses import dataclass
from datetime import datetime

import structlog

from common.clock import Clock
from common.errors import PunnetError
from common.events import Bus, CommandError
from common.events.sql import SqlConnection
from common.ids import format_id
from common.subgraph.database import Database, Row, fetch
from subgraphs.notifications.domain import ID_PREFIX, MAX_ATTEMPTS, USER_ID_PREFIX, DeliveryStatus, pause_before
from subgraphs.notifications.errors import DeliveryError, UndeliverableError
from subgraphs.notifications.service.mail import Mail, Mailer

log = structlog.get_logger(__name__)

CONTACT = "commands.users.contact"
CONTACT_TIMEOUT_S = 2.0


@dataclass(frozen=True, slots=True)
class MailSender:
    database: Database
    bus: Bus
    mailer: Mailer
    clock: Clock

    async def send_due(self) -> int:
        """Tries one message whose time has come; 0 if there is none. Several may run on one database."""
        async with self.database.transaction() as connection:
            rows = await fetch(
                connection,
                """SELECT id, event_id, user_id, title, body, attempts FROM notification
                   WHERE status = 'QUEUED' AND due_at <= $1 ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED""",
                [self.clock.now()],
            )
            for row in rows:
                await self._try(connection, row)
        return len(rows)

    async def _try(self, connection: SqlConnection, row: Row) -> None:
        attempt = row["attempts"] + 1
        now = self.clock.now()
        try:
            await self.mailer.send(await self._mail(row))
        except UndeliverableError as exc:
            await _mark(connection, row, DeliveryStatus.FAILED, attempt, now, error=str(exc))
        except (DeliveryError, PunnetError) as exc:
            is_over = attempt >= MAX_ATTEMPTS
            log.warning(
                "e-mail not sent", notification=str(row["id"]), attempt=attempt, error=repr(exc), is_over=is_over
            )
            status = DeliveryStatus.DEAD if is_over else DeliveryStatus.QUEUED
            await _mark(connection, row, status, attempt, now + pause_before(attempt), error=repr(exc))
        else:
            await _mark(connection, row, DeliveryStatus.SENT, attempt, now, error=None)

    async def _mail(self, row: Row) -> Mail:
        user_id = format_id(USER_ID_PREFIX, row["user_id"])
        try:
            contact = await self.bus.request(CONTACT, {"user_id": user_id}, timeout_s=CONTACT_TIMEOUT_S)
        except CommandError as exc:
            if exc.code == "NOT_FOUND":
                raise UndeliverableError("there is no such user") from exc
            raise
        return Mail(
            message_id=format_id(ID_PREFIX, row["id"]),
            to=contact["email"],
            subject=row["title"],
            text=f"Dear {contact['name']},\n\n{row['body']}\n\nPunnet\n",
        )


async def _mark(
    connection: SqlConnection, row: Row, status: DeliveryStatus, attempts: int, due_at: datetime, *, error: str | None
) -> None:
    await fetch(
        connection,
        "UPDATE notification SET status = $2, attempts = $3, due_at = $4, last_error = $5 WHERE id = $1",
        [row["id"], status.value, attempts, due_at, error],
    )
