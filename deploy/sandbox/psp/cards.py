"""Which means of payment the sandbox knows, and how each behaves: by card number, or by a token anybody may use.

Numbers and their meaning are Stripe's published test cards, so that they mean what people expect. Any other number that
passes Luhn's check is approved. Expiry dates are not looked at: an old example must work for ever.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Means:
    """What may be known of a means of payment outside the vault, and how it behaves.

    `behaviour` is approve, decline, action (the customer is asked first), bank (the money comes later), dispute or
    dispute_won.
    """

    #: card, wallet or bank_transfer
    kind: str
    brand: str
    last4: str
    behaviour: str = "approve"
    decline_code: str | None = None
    exp_month: int = 12
    exp_year: int = 2034
    funding: str = "credit"
    fingerprint: str = ""


def _card(brand: str, last4: str, behaviour: str = "approve", decline_code: str | None = None) -> Means:
    return Means("card", brand, last4, behaviour, decline_code)


#: by number; the token of the same card stands behind it
BY_NUMBER: Mapping[str, tuple[str, Means]] = {
    "4242424242424242": ("tok_visa", _card("visa", "4242")),
    "4111111111111111": ("tok_visa_alt", _card("visa", "1111")),
    "5555555555554444": ("tok_mastercard", _card("mastercard", "4444")),
    "4000000000000002": ("tok_declined", _card("visa", "0002", "decline", "generic_decline")),
    "4000000000009995": ("tok_insufficient_funds", _card("visa", "9995", "decline", "insufficient_funds")),
    "4000000000009987": ("tok_lost", _card("visa", "9987", "decline", "lost_card")),
    "4000000000009979": ("tok_stolen", _card("visa", "9979", "decline", "stolen_card")),
    "4000000000000069": ("tok_expired", _card("visa", "0069", "decline", "expired_card")),
    "4000000000000127": ("tok_bad_cvc", _card("visa", "0127", "decline", "incorrect_cvc")),
    "4000000000000119": ("tok_processing_error", _card("visa", "0119", "decline", "processing_error")),
    "4000002500003155": ("tok_3ds", _card("visa", "3155", "action")),
    "4000000000000259": ("tok_dispute", _card("visa", "0259", "dispute")),
}

MAGIC_TOKENS: Mapping[str, Means] = {
    **dict(BY_NUMBER.values()),
    "tok_dispute_won": _card("visa", "0259", "dispute_won"),
    "tok_wallet_ok": Means("wallet", "wallet", "0000", "approve", None, 0, 0, "wallet"),
    "tok_wallet_redirect": Means("wallet", "wallet", "0000", "action", None, 0, 0, "wallet"),
    "tok_bank_transfer": Means("bank_transfer", "sepa", "3000", "bank", None, 0, 0, "bank"),
    "tok_bank_transfer_fails": Means("bank_transfer", "sepa", "3001", "bank", "bank_refused", 0, 0, "bank"),
}

DECLINE_MESSAGES: Mapping[str, str] = {
    "generic_decline": "The card was declined.",
    "insufficient_funds": "The card has insufficient funds.",
    "lost_card": "The card was declined.",
    "stolen_card": "The card was declined.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The security code is incorrect.",
    "processing_error": "The card could not be processed; try again in a moment.",
    "authentication_failed": "The customer did not confirm the payment.",
    "authentication_expired": "The customer did not confirm the payment in time.",
    "bank_refused": "The bank did not transfer the money.",
}

_BRANDS = (("4", "visa"), ("5", "mastercard"), ("2", "mastercard"), ("34", "amex"), ("37", "amex"), ("6", "discover"))
#: the bank transfer from an account that ends so never arrives
_FAILING_ACCOUNT = "3001"


def card_of_number(number: str, exp_month: int, exp_year: int, fingerprint: str) -> Means:
    known = BY_NUMBER.get(number)
    means = known[1] if known else _card(_brand(number), number[-4:])
    return replace(means, exp_month=exp_month, exp_year=exp_year, fingerprint=fingerprint)


def bank_account_of(iban: str, fingerprint: str) -> Means:
    last4 = iban[-4:]
    refusal = "bank_refused" if last4 == _FAILING_ACCOUNT else None
    return Means("bank_transfer", "sepa", last4, "bank", refusal, 0, 0, "bank", fingerprint)


def _brand(number: str) -> str:
    matching = [brand for prefix, brand in _BRANDS if number.startswith(prefix)]
    return matching[-1] if matching else "unknown"
