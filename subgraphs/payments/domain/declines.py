"""Why a means of payment was declined: what to tell the customer, and whether the same one may work later."""

from collections.abc import Mapping

#: the provider holds, or has taken, something else than it was asked for
NOT_AS_ASKED = "not_as_asked"

#: the same card may work later
RETRYABLE_DECLINES = frozenset(
    {
        "insufficient_funds",
        "processing_error",
        "authentication_failed",
        "authentication_expired",
        "bank_refused",
        NOT_AS_ASKED,
    }
)

#: of codes that are not here, the customer is told what the first says; a thief need not know that a card is stolen
DECLINE_MESSAGES: Mapping[str, str] = {
    "generic_decline": "The card was declined.",
    "insufficient_funds": "The card has insufficient funds.",
    "expired_card": "The card has expired.",
    "incorrect_cvc": "The security code is incorrect.",
    "processing_error": "The card could not be processed; try again in a moment.",
    NOT_AS_ASKED: "The payment could not be processed; nothing was charged.",
    "authentication_failed": "The payment was not confirmed.",
    "authentication_expired": "The payment was not confirmed in time.",
    "bank_refused": "The bank did not transfer the money.",
    "unknown_method": "There is no such payment method any more.",
}


def decline_message(code: str) -> str:
    return DECLINE_MESSAGES.get(code, DECLINE_MESSAGES["generic_decline"])
