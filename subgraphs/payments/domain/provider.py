"""The port to a payment provider, and what it answers. Every call carries a key and may be repeated with it.

Rule of the unknown outcome: where a call raises `ProviderUnavailable`, ask `find` for the key before anything else.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class ChargeState(StrEnum):
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    DECLINED = "DECLINED"


@dataclass(frozen=True, slots=True)
class Card:
    """What may be known of a card outside the vault."""

    brand: str
    last4: str


@dataclass(frozen=True, slots=True)
class Charge:
    """The provider's view of one attempt. `reference` is its own id; `decline_code` is set when DECLINED."""

    reference: str
    state: ChargeState
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    currency: str
    card: Card | None
    decline_code: str | None


class PaymentProvider(Protocol):
    """What the shop needs of a provider. All methods raise ProviderUnavailable when there is no answer."""

    async def card_of(self, token: str) -> Card | None:
        """What may be known of the card behind a token; None: there is no such token."""

    async def authorize(self, key: str, token: str, amount_minor: int, currency: str) -> Charge:
        """Hold the amount. A decline is an answer, not an error. Same key: same charge, whatever the rest says."""

    async def capture(self, reference: str, amount_minor: int) -> Charge:
        """Take what was held; repeating it takes nothing more."""

    async def void(self, reference: str) -> Charge:
        """Give up what was held; a captured charge stays captured."""

    async def refund(self, key: str, reference: str, amount_minor: int) -> Charge:
        """Give back a part of what was taken; same key: once."""

    async def find(self, key: str) -> Charge | None:
        """The charge made under a key of `authorize`, or None: then no money was touched."""
