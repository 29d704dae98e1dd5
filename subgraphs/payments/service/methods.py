"""Means of payment that customers keep: tokens of the provider and what people recognise them by, nothing else.

Deleting one hides it at once; the provider is told by a worker, for as long as it takes, and then the row goes.
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from common.clock import Clock
from common.errors import UnavailableError
from common.events import Event, after_commit
from common.events.sql import SqlConnection
from common.failpoints import failpoint
from common.ids import uuid7
from common.subgraph.database import Database, fetch
from common.subgraph.due import Signal
from common.subgraph.idempotency import IdempotentRequest, store_answer
from common.subgraph.phased import Finished, begin, give_up, refuse
from subgraphs.payments.domain.provider import PaymentMethodKind, PaymentProvider
from subgraphs.payments.domain.status import SavedMethod
from subgraphs.payments.domain.tokens import holds_card_number, is_token
from subgraphs.payments.errors import InvalidInput, NotFound, PaymentError, ProviderRefused, ProviderUnavailable
from subgraphs.payments.events import user_id_of
from subgraphs.payments.service.rows import METHOD_COLUMNS, method_of
from subgraphs.payments.service.store import PaymentStore, save_statement, save_values

BATCH = 20
#: what one customer may keep
METHODS_MAX = 20
#: banks take days: afterwards no payment of an erased customer is under way any more
ERASED_KEPT = timedelta(days=30)

_SAME = f"""
SELECT {METHOD_COLUMNS} FROM payment_method
WHERE customer_id = $1 AND deleted_at IS NULL AND (token = $2 OR (fingerprint = $3 AND fingerprint <> ''))
"""
_HIDE = f"""
UPDATE payment_method SET deleted_at = $3, is_default = false
WHERE id = $1 AND customer_id = $2 AND deleted_at IS NULL RETURNING {METHOD_COLUMNS}
"""
# Two statements: a unique index allows one default, and one statement would set the second before it unsets the first.
_UNSET = "UPDATE payment_method SET is_default = false WHERE customer_id = $1 AND is_default AND deleted_at IS NULL"
_SET = f"""
UPDATE payment_method SET is_default = true WHERE id = $1 AND customer_id = $2 AND deleted_at IS NULL
RETURNING {METHOD_COLUMNS}
"""
_ERASED = "INSERT INTO erased_customer (id, erased_at) VALUES ($1, $2) ON CONFLICT DO NOTHING"
# Rows somebody is at work with wait for the next time, and nobody waits for these.
_FORGET_METHODS = """
UPDATE payment_method SET deleted_at = $1, is_default = false, brand = '', last4 = '', exp_month = 0, exp_year = 0,
    fingerprint = '' WHERE id IN (
    SELECT m.id FROM payment_method m JOIN erased_customer e ON e.id = m.customer_id
    WHERE m.deleted_at IS NULL OR (m.brand, m.last4, m.fingerprint) <> ('', '', '') FOR UPDATE OF m SKIP LOCKED)
"""
_FORGET_CARDS = """
UPDATE payment SET card_brand = NULL, card_last4 = NULL, exp_month = NULL, exp_year = NULL, action_url = NULL
WHERE id IN (SELECT p.id FROM payment p JOIN erased_customer e ON e.id = p.customer_id
    WHERE p.card_brand IS NOT NULL OR p.action_url IS NOT NULL FOR UPDATE OF p SKIP LOCKED)
"""
_SETTLED = "DELETE FROM erased_customer WHERE erased_at < $1"
_TAKE = """
UPDATE payment_method SET deleted_at = $1::timestamptz + interval '15 seconds' WHERE id IN (
    SELECT id FROM payment_method WHERE deleted_at <= $1 ORDER BY deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING id, token
"""
_COUNT = "SELECT count(*) AS count FROM payment_method WHERE customer_id = $1 AND deleted_at IS NULL"


@dataclass(frozen=True, slots=True)
class Methods:
    database: Database
    clock: Clock
    provider: PaymentProvider
    store: PaymentStore
    signal: Signal

    async def save(self, actor: str, customer_id: UUID, token: str, key: str, *, is_default: bool) -> SavedMethod:
        """The method kept; of a card that is kept already, that one.

        Raises InvalidInput, UnavailableError (the provider is away), IdempotencyConflictedError,
        IdempotencyInFlightError.
        """
        if not is_token(token) or holds_card_number(key):
            raise InvalidInput("There is no such payment method.", ["paymentMethodToken"])
        body = {"token": token, "is_default": is_default}
        request = IdempotentRequest(actor, "paymentMethodSave", key, body)
        begun = await begin(self.database, self.clock, request, {"method_id": str(uuid7())})
        if isinstance(begun, Finished):
            PaymentError.raise_if_refused(begun.answer)
            return await self._known(UUID(begun.answer["id"]))
        try:
            wanted = await self._kept(customer_id, token, UUID(begun.point["method_id"]))
            async with self.database.transaction() as connection:
                saved = await self._insert(connection, wanted)
                if is_default:
                    saved = await self._make_default(connection, customer_id, saved.id)
                failpoint("payments.method.before_commit")
                await store_answer(connection, request, {"id": str(saved.id)})
        except PaymentError as exc:
            await refuse(self.database, request, exc.to_answer())
            raise
        except BaseException:
            await give_up(self.database, request)
            raise
        return saved

    async def delete(self, customer_id: UUID, method_id: UUID) -> SavedMethod:
        """Raises NotFound."""
        rows = await self.database.fetch(_HIDE, [method_id, customer_id, self.clock.now()])
        if not rows:
            raise NotFound("There is no such payment method.", ["id"])
        self.signal.wake()
        return method_of(rows[0])

    async def set_default(self, customer_id: UUID, method_id: UUID) -> SavedMethod:
        """Raises NotFound."""
        async with self.database.transaction() as connection:
            return await self._make_default(connection, customer_id, method_id)

    async def erased(self, connection: SqlConnection, event: Event) -> None:
        """Handler of `users.user.erased`: what is left in the end says how much was paid, not with what."""
        await fetch(connection, _ERASED, [user_id_of(event), self.clock.now()])
        after_commit(self.signal.wake)

    async def clear_up(self) -> None:
        """What is to be forgotten, here and at the provider; again and again, since payments that were under way write
        down what they were paid with after their customer was erased: a bank was asked, or a request was later."""
        now = self.clock.now()
        await self.database.fetch(_FORGET_METHODS, [now])
        await self.database.fetch(_FORGET_CARDS)
        await self.database.fetch(_SETTLED, [now - ERASED_KEPT])
        await self.tell_provider()

    async def tell_provider(self) -> int:
        """One batch of deleted methods; how many the provider was told of."""
        rows = await self.database.fetch(_TAKE, [self.clock.now(), BATCH])
        for row in rows:
            try:
                await self.provider.forget(row["token"])
            except ProviderUnavailable:
                continue
            except ProviderRefused:
                pass  # it knows of no such method: the better
            await self.database.fetch("DELETE FROM payment_method WHERE id = $1", [row["id"]])
        return len(rows)

    async def _kept(self, customer_id: UUID, token: str, method_id: UUID) -> SavedMethod:
        count = await self.database.fetch(_COUNT, [customer_id])
        if count[0]["count"] >= METHODS_MAX:
            raise InvalidInput(f"At most {METHODS_MAX} payment methods are kept.", ["paymentMethodToken"])
        try:
            means = await self.provider.means_of(token)
            if means is None or means.kind is PaymentMethodKind.CASH_ON_DELIVERY:
                raise InvalidInput("There is no such payment method.", ["paymentMethodToken"])
            failpoint("payments.method.before_call")
            kept = await self.provider.keep(token, str(method_id))
            failpoint("payments.method.after_call")
        except ProviderUnavailable as exc:
            raise UnavailableError("the payment provider does not answer; nothing was kept") from exc
        except ProviderRefused as exc:
            raise InvalidInput("There is no such payment method.", ["paymentMethodToken"]) from exc
        return SavedMethod(method_id, customer_id, kept, means, False, self.clock.now())

    async def _insert(self, connection: SqlConnection, wanted: SavedMethod) -> SavedMethod:
        await fetch(connection, save_statement(1, ""), save_values(wanted))
        values = [wanted.customer_id, wanted.token, wanted.means.fingerprint]
        rows = await fetch(connection, _SAME, values)
        return method_of(rows[0])

    async def _make_default(self, connection: SqlConnection, customer_id: UUID, method_id: UUID) -> SavedMethod:
        await fetch(connection, _UNSET, [customer_id])
        rows = await fetch(connection, _SET, [method_id, customer_id])
        if not rows:
            raise NotFound("There is no such payment method.", ["id"])
        return method_of(rows[0])

    async def _known(self, method_id: UUID) -> SavedMethod:
        method = await self.store.method(method_id)
        if method is None:
            raise NotFound("The payment method was deleted meanwhile.", ["idempotencyKey"])
        return method
