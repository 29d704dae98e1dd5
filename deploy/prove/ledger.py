"""The payment provider's own ledger, as the oracle of law L4: what was really charged, whatever we believe."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.prove.outside import Outside

_HELD = "requires_capture"
#: a dispute that is won has given everything back
_WITHHOLDING = frozenset({"needs_response", "lost"})


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge at the provider, amounts in minor units. `key` is the idempotency key it was asked for with."""

    reference: str
    key: str
    #: authorised, and neither captured nor given up
    is_held: bool
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    currency: str
    #: kept back while a bank decides about a dispute, or given back by it
    withheld_minor: int = 0

    @property
    def net_minor(self) -> int:
        return self.captured_minor - self.refunded_minor - self.withheld_minor


ProviderLedger = tuple[Charge, ...]
ReadLedger = Callable[[], Awaitable[ProviderLedger]]


def ledger_of(outside: Outside) -> ReadLedger:
    async def read() -> ProviderLedger:
        return tuple(_charge(given) for given in await outside.charges())

    return read


def _charge(given: Mapping[str, Any]) -> Charge:
    return Charge(
        reference=given["id"],
        key=given["key"],
        is_held=given["status"] == _HELD,
        amount_minor=given["amount_minor"],
        captured_minor=given["captured_minor"],
        refunded_minor=given["refunded_minor"],
        currency=given["currency"],
        withheld_minor=given["disputed_minor"] if given["dispute_status"] in _WITHHOLDING else 0,
    )
