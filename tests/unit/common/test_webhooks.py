"""Messages between servers are believed when they are signed, whole, and of just now; in two formats."""

import base64
import hashlib
import hmac

import pytest

from common.luhn import passes_luhn
from common.webhooks import (
    TOLERANCE_S,
    WebhookError,
    parse_secrets,
    stripe_header,
    verify_webhook,
    webhook_headers,
)

#: the example of the Standard Webhooks specification
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID, TIME, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = f"whsec_{base64.b64encode(b'another secret that is long enough').decode()}"


def test_a_message_is_signed_as_the_specification_shows() -> None:
    assert webhook_headers([SECRET], ID, TIME, BODY) == {
        "webhook-id": ID,
        "webhook-timestamp": str(TIME),
        "webhook-signature": SIGNATURE,
    }


@pytest.mark.parametrize("signing", [[SECRET], [OTHER, SECRET], [SECRET, OTHER]])
@pytest.mark.parametrize("known", [[SECRET], [OTHER, SECRET]])
def test_while_secrets_change_any_common_one_will_do(signing: list[str], known: list[str]) -> None:
    assert verify_webhook(webhook_headers(signing, ID, TIME, BODY), BODY, known, TIME) == ID


@pytest.mark.parametrize(
    ("change", "now_s", "reason"),
    [
        ({"webhook-signature": SIGNATURE.replace("v1,g", "v1,h")}, TIME, "forged"),
        ({"webhook-signature": SIGNATURE.replace("v1,", "v2,")}, TIME, "forged"),
        ({"webhook-signature": ""}, TIME, "forged"),
        ({"webhook-id": "msg_another"}, TIME, "forged"),
        ({"webhook-id": ""}, TIME, "malformed"),
        ({"webhook-id": "x" * 256}, TIME, "malformed"),
        ({"webhook-timestamp": "soon"}, TIME, "malformed"),
        ({"webhook-timestamp": "١٢٣"}, TIME, "malformed"),
        ({"webhook-timestamp": str(TIME + 1)}, TIME, "forged"),
        ({}, TIME + TOLERANCE_S + 1, "stale"),
        ({}, TIME - TOLERANCE_S - 1, "stale"),
    ],
)
def test_what_was_changed_or_is_not_of_now_is_refused(change: dict[str, str], now_s: float, reason: str) -> None:
    with pytest.raises(WebhookError) as refused:
        verify_webhook({**webhook_headers([SECRET], ID, TIME, BODY), **change}, BODY, [SECRET], now_s)
    assert refused.value.reason == reason


def test_every_byte_of_the_body_counts() -> None:
    headers = webhook_headers([SECRET], ID, TIME, BODY)
    with pytest.raises(WebhookError):
        verify_webhook(headers, BODY.replace(b" ", b""), [SECRET], TIME)


def test_without_a_secret_nobody_is_believed() -> None:
    with pytest.raises(WebhookError):
        verify_webhook(webhook_headers([SECRET], ID, TIME, BODY), BODY, [], TIME)


def test_stripes_format_is_accepted_too() -> None:
    signed = hmac.new(SECRET.encode(), f"{TIME}.".encode() + BODY, hashlib.sha256).hexdigest()
    assert stripe_header([SECRET], TIME, BODY) == f"t={TIME},v1={signed}"
    header = {"stripe-signature": f"t={TIME},v0=old,v1={signed}"}
    assert verify_webhook(header, BODY, [OTHER, SECRET], TIME + 10) is None
    for wrong in (f"t={TIME},v1={signed[:-1]}", f"t={TIME + 1},v1={signed}", f"v1={signed}", ""):
        with pytest.raises(WebhookError):
            verify_webhook({"stripe-signature": wrong}, BODY, [SECRET], TIME)


def test_secrets_are_a_list_the_first_of_which_signs() -> None:
    assert parse_secrets(f" {SECRET}, {OTHER} ,") == (SECRET, OTHER)


@pytest.mark.parametrize(("digits", "is_one"), [("4242424242424242", True), ("4242424242424241", False), ("0", True)])
def test_card_numbers_have_a_check_digit(digits: str, is_one: bool) -> None:
    assert passes_luhn(digits) is is_one
