"""The payment provider over HTTP, in Stripe's terms: an attempt is a payment intent, created under the attempt's id.

An answer that got lost is looked for by that key before anything is sent again, and sent again under it: so a call that
was carried out is never carried out twice.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

from common.failpoints import failpoint
from common.ids import InvalidIdError, format_id, parse_id
from common.lru import LruMap
from subgraphs.payments.domain.provider import (
    Action,
    Attempt,
    Charge,
    ChargeState,
    Dispute,
    DisputeStatus,
    Means,
    PaymentMethodKind,
)
from subgraphs.payments.domain.words import ATTEMPT_PREFIX, ORDER_PREFIX, PAYMENT_PREFIX
from subgraphs.payments.errors import ProviderRefused, ProviderUnavailable
from subgraphs.payments.service.provider.client import ProviderClient

_INTENTS = "/v1/payment_intents"
_STATES: Mapping[str, ChargeState] = {
    "requires_payment_method": ChargeState.DECLINED,
    "requires_action": ChargeState.ACTION_REQUIRED,
    "processing": ChargeState.PROCESSING,
    "requires_capture": ChargeState.AUTHORIZED,
    "succeeded": ChargeState.CAPTURED,
    "canceled": ChargeState.VOIDED,
}
_KINDS: Mapping[str, PaymentMethodKind] = {
    "card": PaymentMethodKind.CARD,
    "wallet": PaymentMethodKind.WALLET,
    "bank_transfer": PaymentMethodKind.BANK_TRANSFER,
}
_DISPUTES: Mapping[str, DisputeStatus] = {
    "needs_response": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
}


class IntentProvider:
    """A `PaymentProvider`."""

    def __init__(self, client: ProviderClient) -> None:
        self._client = client
        #: what a token stands for never changes; that it is gone is found out by charging it
        self._known: LruMap[str, Means] = LruMap(10_000)

    async def means_of(self, token: str) -> Means | None:
        known = self._known.get(token)
        if known is not None:
            return known
        try:
            answer = await self._client.get(f"/v1/tokens/{quote(token, safe='')}", "/v1/tokens/{id}")
        except ProviderRefused as exc:
            if exc.code == "resource_missing":
                return None
            raise
        means = _means(answer)
        self._known.put(token, means)
        return means

    async def authorize(self, attempt: Attempt) -> Charge:
        try:
            return await self._create(attempt)
        except ProviderUnavailable:
            return await self.find(attempt) or await self._create(attempt)

    async def _create(self, attempt: Attempt) -> Charge:
        body = {
            "amount": attempt.amount_minor,
            "currency": attempt.currency,
            "payment_method": attempt.token,
            "capture_method": "manual",
            "confirm": True,
            "save_payment_method": attempt.saves_method,
            "metadata": {
                "payment_id": format_id(PAYMENT_PREFIX, attempt.payment_id),
                "order_id": format_id(ORDER_PREFIX, attempt.order_id),
                "attempt_id": format_id(ATTEMPT_PREFIX, attempt.id),
                "saves_method": attempt.saves_method,
            },
        }
        failpoint("payments.authorize.before_call")
        try:
            answer = await self._client.post(_INTENTS, _INTENTS, body, attempt.key)
        except ProviderRefused as exc:
            # it cannot be done: either it has been done before, or no money was touched
            code = "unknown_method" if exc.code == "resource_missing" else "processing_error"
            return await self.find(attempt) or _declined(attempt, code)
        failpoint("payments.authorize.after_call")
        return _charge(answer)

    async def find(self, attempt: Attempt) -> Charge | None:
        answer = await self._client.get(f"{_INTENTS}?idempotency_key={quote(attempt.key, safe='')}", _INTENTS)
        found = answer.get("data") or []
        return _charge(found[0]) if found else None

    async def charge(self, reference: str) -> Charge:
        return _charge(await self._client.get(f"{_INTENTS}/{quote(reference, safe='')}", f"{_INTENTS}/{{id}}"))

    async def capture(self, reference: str, amount_minor: int) -> Charge:
        failpoint("payments.capture.before_call")
        path = f"{_INTENTS}/{quote(reference, safe='')}/capture"
        captured = _charge(await self._client.post(path, f"{_INTENTS}/{{id}}/capture", {"amount": amount_minor}))
        failpoint("payments.capture.after_call")
        return captured

    async def void(self, reference: str) -> Charge:
        failpoint("payments.void.before_call")
        path = f"{_INTENTS}/{quote(reference, safe='')}/cancel"
        voided = _charge(await self._client.post(path, f"{_INTENTS}/{{id}}/cancel", {}))
        failpoint("payments.void.after_call")
        return voided

    async def refund(self, key: str, reference: str, amount_minor: int) -> None:
        failpoint("payments.refund.before_call")
        body = {"payment_intent": reference, "amount": amount_minor}
        await self._client.post("/v1/refunds", "/v1/refunds", body, key)
        failpoint("payments.refund.after_call")

    async def keep(self, token: str, key: str) -> str:
        kept: str = (await self._client.post("/v1/payment_methods", "/v1/payment_methods", {"token": token}, key))["id"]
        return kept

    async def forget(self, token: str) -> None:
        self._known.pop(token)
        await self._client.delete(f"/v1/payment_methods/{quote(token, safe='')}", "/v1/payment_methods/{id}")


def _charge(intent: Mapping[str, Any]) -> Charge:
    error, action, metadata = intent.get("last_payment_error"), intent.get("next_action"), intent.get("metadata") or {}
    return Charge(
        reference=intent["id"],
        state=_STATES[intent["status"]],
        amount_minor=intent["amount"],
        captured_minor=intent["amount_received"],
        refunded_minor=intent["amount_refunded"],
        means=_means(intent["payment_method_details"]),
        currency=intent["currency"].upper(),
        decline_code=(error or {}).get("decline_code"),
        action=Action(action["url"], datetime.fromisoformat(action["expires_at"])) if action else None,
        saved_token=intent.get("payment_method") if metadata.get("saves_method") is True else None,
        dispute=_dispute(intent.get("dispute")),
        payment_id=_id(PAYMENT_PREFIX, metadata.get("payment_id")),
        attempt_id=_id(ATTEMPT_PREFIX, metadata.get("attempt_id")),
    )


def _dispute(given: Mapping[str, Any] | None) -> Dispute | None:
    return Dispute(_DISPUTES[given["status"]], given["amount"]) if given else None


def _declined(attempt: Attempt, code: str) -> Charge:
    return Charge(
        reference=f"none_{attempt.id.hex}",
        state=ChargeState.DECLINED,
        amount_minor=attempt.amount_minor,
        captured_minor=0,
        refunded_minor=0,
        means=None,
        decline_code=code,
        payment_id=attempt.payment_id,
        attempt_id=attempt.id,
    )


def _means(shown: Mapping[str, Any]) -> Means:
    kind = _KINDS[shown["type"]]
    known = shown[shown["type"]]
    return Means(
        kind=kind,
        brand=known.get("brand") or known.get("provider") or "",
        last4=known.get("last4") or known.get("iban_last4") or "",
        exp_month=known.get("exp_month") or 0,
        exp_year=known.get("exp_year") or 0,
        funding=known.get("funding") or "",
        fingerprint=known.get("fingerprint") or "",
    )


def _id(prefix: str, text: object) -> UUID | None:
    try:
        return parse_id(prefix, text) if isinstance(text, str) else None
    except InvalidIdError:
        return None
