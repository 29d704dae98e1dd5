"""What the provider tells by itself: believed when it is signed, kept before it is acknowledged, acted upon later.

A message never sets a state. It says which charge to look at; the charge is read from the provider, and the payment
takes the steps that follow. So messages may come twice, late and in any order (R14).
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import orjson
import structlog

from common.clock import Clock
from common.failpoints import failpoint
from common.subgraph.database import Database
from common.subgraph.due import Signal
from common.telemetry import Metrics
from common.webhooks import WebhookError, verify_webhook
from subgraphs.payments.domain.provider import PaymentProvider
from subgraphs.payments.errors import ProviderRefused, ProviderUnavailable
from subgraphs.payments.service.settling import Settling
from subgraphs.payments.service.store import PaymentStore

BATCH = 50
LEASE = timedelta(seconds=15)
_ATTEMPTS_MAX = 20
_PAUSE_CAP_S = 300.0
_ID_MAX = 255

_KEEP = """
INSERT INTO webhook_event (id, type, reference, received_at, next_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (id) DO NOTHING RETURNING id
"""
_TAKE = """
UPDATE webhook_event SET next_at = $2, attempts = attempts + 1
WHERE id IN (SELECT id FROM webhook_event WHERE next_at <= $1 ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id, reference, attempts
"""
_DONE = "UPDATE webhook_event SET next_at = NULL WHERE id = ANY($1::text[])"
_LATER = "UPDATE webhook_event SET next_at = $2 WHERE id = ANY($1::text[])"
_SWEEP = "DELETE FROM webhook_event WHERE next_at IS NULL AND received_at < $1"

_log = structlog.get_logger(__name__)


class Webhooks:
    def __init__(
        self,
        database: Database,
        clock: Clock,
        provider: PaymentProvider,
        store: PaymentStore,
        settling: Settling,
        signal: Signal,
        secrets: Sequence[str],
    ) -> None:
        self._database = database
        self._clock = clock
        self._provider = provider
        self._store = store
        self._settling = settling
        self._signal = signal
        self._secrets = secrets
        self._received = Metrics().counter(
            "punnet_payment_webhooks_total", "Messages of the payment provider.", ("outcome",)
        )

    async def receive(self, headers: Mapping[str, str], body: bytes) -> bool:
        """Keeps a message for the worker; False where it was kept before. Names of headers are lower case.

        Raises WebhookError for a message that is not to be believed, or not understood.
        """
        try:
            message_id = verify_webhook(headers, body, self._secrets, self._clock.now().timestamp())
            event_id, event_type, reference = _read(body, message_id)
        except WebhookError as exc:
            self._received.labels(exc.reason).inc()
            raise
        failpoint("payments.webhook.before_commit")
        kept = await self._database.fetch(_KEEP, [event_id, event_type, reference, self._clock.now()])
        failpoint("payments.webhook.before_ack")
        self._received.labels("accepted" if kept else "duplicate").inc()
        if kept:
            self._signal.wake()
        return bool(kept)

    async def take_due(self) -> int:
        """Acts upon one batch; how many messages that were."""
        now = self._clock.now()
        rows = await self._database.fetch(_TAKE, [now, now + LEASE, BATCH])
        by_reference: dict[str, list[Any]] = {}
        for row in rows:
            by_reference.setdefault(row["reference"], []).append(row)
        await asyncio.gather(*(self._act(reference, told) for reference, told in by_reference.items()))
        return len(rows)

    async def sweep(self, keep: timedelta) -> None:
        """Forgets what was acted upon before: nothing older than the tolerance is believed again anyway."""
        await self._database.fetch(_SWEEP, [self._clock.now() - keep])

    async def _act(self, reference: str, rows: Sequence[Any]) -> None:
        ids, attempts = [row["id"] for row in rows], max(row["attempts"] for row in rows)
        try:
            await self._look_at(reference)
        except ProviderRefused:
            pass  # it knows of no such charge: there is nothing to act upon
        except Exception as exc:
            # border: whatever it is, it must not hold up what was told of other charges
            if not isinstance(exc, ProviderUnavailable):
                _log.exception("a message of the provider could not be acted upon", reference=reference)
            pause = timedelta(seconds=min(_PAUSE_CAP_S, 0.5 * 2.0**attempts))
            await self._database.fetch(_LATER, [ids, self._clock.now() + pause if attempts < _ATTEMPTS_MAX else None])
            return
        await self._database.fetch(_DONE, [ids])

    async def _look_at(self, reference: str) -> None:
        failpoint("payments.webhook.before_call")
        charge = await self._provider.charge(reference)
        failpoint("payments.webhook.after_call")
        if charge.payment_id is None:
            return
        for payment in await self._store.by_ids([charge.payment_id]):
            await self._settling.settle(payment, charge)


def _read(body: bytes, message_id: str | None) -> tuple[str, str, str]:
    """Id, type and the charge a message is about; it has been verified. Raises WebhookError."""
    try:
        event = orjson.loads(body)
        event_id, event_type = message_id or event["id"], event["type"]
        subject = event["data"]["object"]
        # a refund or a dispute names the intent that it belongs to
        reference = subject["id"] if subject.get("object") == "payment_intent" else subject["payment_intent"]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as exc:
        raise WebhookError("malformed", "the message is not an event") from exc
    texts = (event_id, event_type, reference)
    if not all(isinstance(text, str) and 0 < len(text) <= 100 and "\0" not in text for text in texts[1:]):
        raise WebhookError("malformed", "the message is not an event")
    if not isinstance(event_id, str) or not 0 < len(event_id) <= _ID_MAX or "\0" in event_id:
        raise WebhookError("malformed", "the message has no id")
    return event_id, event_type, reference
