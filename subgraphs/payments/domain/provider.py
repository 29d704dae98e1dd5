"""The port to a payment provider, and what it answers. Every call carries a key and may be repeated with it.

Rule of the unknown outcome: where a call raises `ProviderUnavailable`, ask `find` for the key before anything else.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID


class PaymentMethodKind(StrEnum):
    CARD = "CARD"
    WALLET = "WALLET"
    BANK_TRANSFER = "BANK_TRANSFER"
    CASH_ON_DELIVERY = "CASH_ON_DELIVERY"


class ChargeState(StrEnum):
    #: the customer has to confirm it, at `Charge.action`
    ACTION_REQUIRED = "ACTION_REQUIRED"
    #: a bank has to transfer the money
    PROCESSING = "PROCESSING"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    VOIDED = "VOIDED"
    DECLINED = "DECLINED"


class DisputeStatus(StrEnum):
    """Of a charge whose customer says at the bank that it was not theirs."""

    #: the bank decides; until then the provider keeps the money back
    OPEN = "OPEN"
    #: the bank believed us: we have the money again
    WON = "WON"
    #: the bank has given the money to its customer
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class Dispute:
    status: DisputeStatus
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Means:
    """What may be known of a means of payment outside the vault. What a kind does not have is empty or 0."""

    kind: PaymentMethodKind
    #: of a card; of a wallet the name of its provider
    brand: str
    #: digits of a card or an account
    last4: str
    exp_month: int = 0
    exp_year: int = 0
    funding: str = ""
    #: the same for all tokens of one card; made by the vault under a key of its own
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """Where the customer confirms, and until when."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Charge:
    """The provider's view of one attempt. `reference` is its own id; `decline_code` is set when DECLINED."""

    reference: str
    state: ChargeState
    amount_minor: int
    captured_minor: int
    refunded_minor: int
    means: Means | None
    #: empty: that of the payment
    currency: str = ""
    decline_code: str | None = None
    action: Action | None = None
    #: names the means of payment from now on, where that was wanted
    saved_token: str | None = None
    dispute: Dispute | None = None
    #: what we told the provider the charge is about
    payment_id: UUID | None = None
    attempt_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to authorise; its id is the key under which the provider knows it."""

    id: UUID
    payment_id: UUID
    order_id: UUID
    #: names a means of payment, never card data
    token: str
    amount_minor: int
    currency: str
    #: the means of payment is kept for the customer if the try succeeds
    saves_method: bool

    @property
    def key(self) -> str:
        return str(self.id)


class PaymentProvider(Protocol):
    """What the shop needs of a provider.

    All methods raise ProviderUnavailable when there is no answer, and ProviderRefused when the answer is that it cannot
    be done.
    """

    async def means_of(self, token: str) -> Means | None:
        """What may be known of the means behind a token; None: there is no such token."""

    async def authorize(self, attempt: Attempt) -> Charge:
        """Hold the amount. A decline is an answer, not an error. Same key: same charge."""

    async def capture(self, reference: str, amount_minor: int) -> Charge:
        """Take what was held, or a part, and let go of the rest; repeating it takes nothing more."""

    async def void(self, reference: str) -> Charge:
        """Give up what was held; a captured charge is refused."""

    async def refund(self, key: str, reference: str, amount_minor: int) -> None:
        """Give back a part of what was taken; same key: once."""

    async def find(self, attempt: Attempt) -> Charge | None:
        """The charge of an attempt, or None: then no money was touched."""

    async def charge(self, reference: str) -> Charge:
        """As it is now."""

    async def keep(self, token: str, key: str) -> str:
        """A token that lasts, for the means behind one that may not; same key: the same."""

    async def forget(self, token: str) -> None:
        """A token that lasted names nothing any more."""
