"""Cash on delivery: a promise costs no provider, and the courier's money is booked when staff or the delivery say so.

Nothing is remembered here: the payment's own row is the record, so every call says yes.
"""

from subgraphs.payments.domain.provider import Attempt, Charge, ChargeState, Means, PaymentMethodKind

CASH_TOKEN = "tok_cash_on_delivery"  # noqa: S105 - anybody may use it
CASH = Means(PaymentMethodKind.CASH_ON_DELIVERY, "", "")
_PREFIX = "cash_"


def is_cash(token_or_reference: str) -> bool:
    return token_or_reference == CASH_TOKEN or token_or_reference.startswith(_PREFIX)


class CashProvider:
    """A `PaymentProvider`."""

    async def means_of(self, token: str) -> Means | None:
        return CASH

    async def authorize(self, attempt: Attempt) -> Charge:
        return Charge(
            reference=f"{_PREFIX}{attempt.id.hex}",
            state=ChargeState.AUTHORIZED,
            amount_minor=attempt.amount_minor,
            captured_minor=0,
            refunded_minor=0,
            means=CASH,
            payment_id=attempt.payment_id,
            attempt_id=attempt.id,
        )

    async def find(self, attempt: Attempt) -> Charge | None:
        return await self.authorize(attempt)

    async def charge(self, reference: str) -> Charge:
        return _charge(reference, ChargeState.AUTHORIZED, 0)

    async def capture(self, reference: str, amount_minor: int) -> Charge:
        return _charge(reference, ChargeState.CAPTURED, amount_minor)

    async def void(self, reference: str) -> Charge:
        return _charge(reference, ChargeState.VOIDED, 0)

    async def refund(self, key: str, reference: str, amount_minor: int) -> None:
        return

    async def keep(self, token: str, key: str) -> str:
        return CASH_TOKEN

    async def forget(self, token: str) -> None:
        return


def _charge(reference: str, state: ChargeState, captured_minor: int) -> Charge:
    return Charge(reference, state, captured_minor, captured_minor, 0, CASH)
