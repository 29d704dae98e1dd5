"""How the sandbox provider answers, by token: deterministic, as Stripe's test cards are. No card number exists here."""

from collections.abc import Mapping
from dataclasses import dataclass

from subgraphs.payments.domain.provider import Card


@dataclass(frozen=True, slots=True)
class SandboxCard:
    """A card of the sandbox; `decline_code` None means approved."""

    card: Card
    decline_code: str | None = None


SANDBOX_CARDS: Mapping[str, SandboxCard] = {
    "tok_visa": SandboxCard(Card("visa", "4242")),
    "tok_visa_alt": SandboxCard(Card("visa", "1111")),
    "tok_mastercard": SandboxCard(Card("mastercard", "4444")),
    "tok_declined": SandboxCard(Card("visa", "0002"), "generic_decline"),
    "tok_insufficient_funds": SandboxCard(Card("visa", "9995"), "insufficient_funds"),
    "tok_lost": SandboxCard(Card("visa", "9987"), "lost_card"),
    "tok_stolen": SandboxCard(Card("visa", "9979"), "stolen_card"),
    "tok_expired": SandboxCard(Card("visa", "0069"), "expired_card"),
    "tok_bad_cvc": SandboxCard(Card("visa", "0127"), "incorrect_cvc"),
    "tok_processing_error": SandboxCard(Card("visa", "0119"), "processing_error"),
}

#: the same card may work later
RETRYABLE_DECLINES = frozenset({"insufficient_funds", "processing_error"})

DECLINE_MESSAGES: Mapping[str, str] = {
    "generic_decline": "The card was declined.",
    "insufficient_funds": "The card has insufficient funds.",
    "lost_card": "The card was declined.",
    "stolen_card": "The card was declined.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The security code is incorrect.",
    "processing_error": "The card could not be processed; try again in a moment.",
}
