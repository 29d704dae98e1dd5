"""The sandbox provider as an adapter in this process, with a ledger of its own: the witness of what was really charged.

Every statement commits by itself, as a provider's would: a rollback of ours does not undo a charge.
"""

from dataclasses import dataclass

from common.clock import Clock
from common.ids import new_id
from common.subgraph.database import Database, Row
from subgraphs.payments.domain.provider import Card, Charge, ChargeState
from subgraphs.payments.domain.sandbox import SANDBOX_CARDS

_COLUMNS = (
    """reference, state, amount_minor, captured_minor, refunded_minor, currency, card_brand, card_last4, decline_code"""
)
# the update of nothing makes RETURNING give back the row that is there already
_AUTHORIZE = f"""
INSERT INTO sandbox_charge AS c (reference, request_key, state, amount_minor, currency, card_brand, card_last4,
    decline_code, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (request_key) DO UPDATE SET request_key = c.request_key RETURNING {_COLUMNS}
"""
_CAPTURE = f"""
UPDATE sandbox_charge SET state = 'CAPTURED', captured_minor = least($2, amount_minor)
WHERE reference = $1 AND state = 'AUTHORIZED' RETURNING {_COLUMNS}
"""
_VOID = f"""
UPDATE sandbox_charge SET state = 'VOIDED' WHERE reference = $1 AND state = 'AUTHORIZED' RETURNING {_COLUMNS}
"""
_REFUND = """
WITH made AS (
    INSERT INTO sandbox_refund (request_key, charge_id, amount_minor, created_at)
    SELECT $1, reference, $3, $4 FROM sandbox_charge
    WHERE reference = $2 AND refunded_minor + $3 <= captured_minor
    ON CONFLICT (request_key) DO NOTHING RETURNING amount_minor
)
UPDATE sandbox_charge SET refunded_minor = refunded_minor + made.amount_minor FROM made WHERE reference = $2
"""


@dataclass(frozen=True, slots=True)
class SandboxProvider:
    """A `PaymentProvider`."""

    database: Database
    clock: Clock

    async def card_of(self, token: str) -> Card | None:
        known = SANDBOX_CARDS.get(token)
        return known.card if known else None

    async def authorize(self, key: str, token: str, amount_minor: int, currency: str) -> Charge:
        known = SANDBOX_CARDS[token]
        state = ChargeState.DECLINED if known.decline_code else ChargeState.AUTHORIZED
        parameters = [new_id("ch"), key, state.value, amount_minor, currency, known.card.brand, known.card.last4]
        rows = await self.database.fetch(_AUTHORIZE, [*parameters, known.decline_code, self.clock.now()])
        return _charge(rows[0])

    async def capture(self, reference: str, amount_minor: int) -> Charge:
        rows = await self.database.fetch(_CAPTURE, [reference, amount_minor])
        return _charge(rows[0]) if rows else await self._by_reference(reference)

    async def void(self, reference: str) -> Charge:
        rows = await self.database.fetch(_VOID, [reference])
        return _charge(rows[0]) if rows else await self._by_reference(reference)

    async def refund(self, key: str, reference: str, amount_minor: int) -> Charge:
        await self.database.fetch(_REFUND, [key, reference, amount_minor, self.clock.now()])
        return await self._by_reference(reference)

    async def find(self, key: str) -> Charge | None:
        rows = await self.database.fetch(f"SELECT {_COLUMNS} FROM sandbox_charge WHERE request_key = $1", [key])
        return _charge(rows[0]) if rows else None

    async def _by_reference(self, reference: str) -> Charge:
        rows = await self.database.fetch(f"SELECT {_COLUMNS} FROM sandbox_charge WHERE reference = $1", [reference])
        return _charge(rows[0])


def _charge(row: Row) -> Charge:
    return Charge(
        reference=row["reference"],
        state=ChargeState(row["state"]),
        amount_minor=row["amount_minor"],
        captured_minor=row["captured_minor"],
        refunded_minor=row["refunded_minor"],
        currency=row["currency"],
        card=Card(row["card_brand"], row["card_last4"]),
        decline_code=row["decline_code"],
    )
