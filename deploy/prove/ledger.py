"""The payment provider's own ledger, as the oracle of law L4: what was really charged, whatever we believe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge at the provider, amounts in minor units. `key` is the idempotency key it was asked for with."""

    reference: str
    key: str
    #: as the provider calls it, upper case: AUTHORIZED, CAPTURED, VOIDED, DECLINED, …
    state: str
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    currency: str

    @property
    def net_minor(self) -> int:
        return self.captured_minor - self.refunded_minor

    @property
    def is_held(self) -> bool:
        """Authorised, and neither captured nor given up."""
        return self.state in {"AUTHORIZED", "REQUIRES_CAPTURE"}


ProviderLedger = tuple[Charge, ...]
ReadLedger = Callable[[], Awaitable[ProviderLedger]]


class _Asks(Protocol):
    async def ask(self, sql: str, *parameters: Any) -> Any: ...


def ledger_in_tables(payments: _Asks) -> ReadLedger:
    """Of the provider that lives in the payments subgraph's own database."""

    async def read() -> ProviderLedger:
        rows = await payments.ask(
            """SELECT reference, request_key AS key, state, amount_minor, captured_minor, refunded_minor, currency
               FROM sandbox_charge"""
        )
        return tuple(Charge(**row) for row in rows)

    return read
