"""Signed messages between servers over HTTP: made and checked over the raw bytes of the body.

Two formats. Standard Webhooks (standardwebhooks.com): headers `webhook-id`, `webhook-timestamp` and
`webhook-signature: v1,<base64 of HMAC-SHA256 over id.timestamp.body>`, several signatures separated by blanks while one
secret replaces another. Stripe's: `stripe-signature: t=<timestamp>,v1=<hex of HMAC-SHA256 over timestamp.body>`, the id
inside the body. Secrets are written `whsec_<base64>`; anything else is taken as it is.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

#: a message older or newer than this is refused: whoever recorded it cannot send it again tomorrow
TOLERANCE_S = 300
ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"
STRIPE_HEADER = "stripe-signature"
_SECRET_PREFIX = "whsec_"  # noqa: S105 - says what follows it
_MAX_ID_CHARACTERS = 255


class WebhookError(Exception):
    """The message is not to be believed. `reason` is a word for a metric: malformed, stale or forged."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def parse_secrets(text: str) -> tuple[str, ...]:
    """Secrets separated by commas, the one to sign with first."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def webhook_headers(secrets: Sequence[str], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Headers of a Standard Webhooks message, signed with every secret."""
    signatures = (_standard_signature(secret, message_id, str(timestamp_s), body) for secret in secrets)
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(timestamp_s),
        SIGNATURE_HEADER: " ".join(f"v1,{signature}" for signature in signatures),
    }


def stripe_header(secrets: Sequence[str], timestamp_s: int, body: bytes) -> str:
    """Value of `stripe-signature`."""
    signatures = (_stripe_signature(secret, str(timestamp_s), body) for secret in secrets)
    return ",".join([f"t={timestamp_s}", *(f"v1={signature}" for signature in signatures)])


def verify_webhook(headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now_s: float) -> str | None:
    """Id of the message, None in Stripe's format where it stands in the body. Names of headers are lower case.

    Raises WebhookError.
    """
    if STRIPE_HEADER in headers:
        _verify_stripe(headers[STRIPE_HEADER], body, secrets, now_s)
        return None
    message_id, timestamp = headers.get(ID_HEADER, ""), headers.get(TIMESTAMP_HEADER, "")
    if not 1 <= len(message_id) <= _MAX_ID_CHARACTERS:
        raise WebhookError("malformed", "the message has no id")
    _check_time(timestamp, now_s)
    given = [part.removeprefix("v1,") for part in headers.get(SIGNATURE_HEADER, "").split(" ") if part[:3] == "v1,"]
    _check(given, [_standard_signature(secret, message_id, timestamp, body) for secret in secrets])
    return message_id


def _verify_stripe(header: str, body: bytes, secrets: Sequence[str], now_s: float) -> None:
    parts = [part.partition("=") for part in header.split(",")]
    timestamp = next((value for name, _, value in parts if name == "t"), "")
    _check_time(timestamp, now_s)
    given = [value for name, _, value in parts if name == "v1"]
    _check(given, [_stripe_signature(secret, timestamp, body) for secret in secrets])


def _check_time(timestamp: str, now_s: float) -> None:
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise WebhookError("malformed", "the message has no time")
    if abs(now_s - int(timestamp)) > TOLERANCE_S:
        raise WebhookError("stale", "the message was not signed just now")


def _check(given: Sequence[str], expected: Sequence[str]) -> None:
    """Every pair is compared, each in constant time."""
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one in given for other in expected]
    if not any(matches):
        raise WebhookError("forged", "no signature fits")


def _standard_signature(secret: str, message_id: str, timestamp: str, body: bytes) -> str:
    signed = f"{message_id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def _stripe_signature(secret: str, timestamp: str, body: bytes) -> str:
    # Stripe's keys are the text of the secret, prefix and all
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def _key(secret: str) -> bytes:
    if not secret.startswith(_SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(_SECRET_PREFIX), validate=True)
    except binascii.Error as exc:
        raise ValueError("a webhook secret must be whsec_ and base64") from exc
