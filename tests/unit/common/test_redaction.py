"""What must not get into logs and spans does not, and what looks similar stays readable."""

import time
from typing import Any

import pytest

from common.telemetry import redact, redact_text


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        ("paid with 4242424242424242 today", "paid with [card] today"),
        ("4242 4242 4242 4242", "[card]"),
        ("card=5555-5555-5555-4444;", "card=[card];"),
        ("378282246310005 is Amex", "[card] is Amex"),
        ('{"pan":"4000000000000002"}', '{"pan":"[card]"}'),
        ("mail ada.lovelace+shop@example.co.uk now", "mail [e-mail] now"),
        ("postgresql://shop:hunter2@db:5432/x", "postgresql://[redacted]@db:5432/x"),
        ("nats://sEcr3t@127.0.0.1:4222", "nats://[redacted]@127.0.0.1:4222"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer [token]"),
        ("basic dXNlcjpwYXNz", "basic [token]"),
        ("token eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2ln!", "token [token]!"),
    ],
)
def test_sensitive_text_is_replaced(text: str, redacted: str) -> None:
    assert redact_text(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "4242424242424241 fails the checksum",
        "ord_01h455vb4pex5vsknk084sn02q",
        "1777636800000 ms, 1777636800000000000 ns",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "0190a5d0-ac96-774b-bcce-b302099a8057",
        "a@b, 50% @ noon",
        "GET /graphql 200",
        "+49 30 1234567",
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "newPassword",
        "user_password",
        "Authorization",
        "set-cookie",
        "cvv",
        "cardNumber",
        "card_cvc",
        "api_key",
        "accessToken",
        "refresh_token",
        "privateKey",
        "context_secret",
        "email",
    ],
)
def test_values_under_telling_keys_are_replaced_whatever_they_are(key: str) -> None:
    assert redact({key: "harmless"}) == {key: "[redacted]"}
    assert redact({"variables": [{key: {"nested": 1}}]}) == {"variables": [{key: "[redacted]"}]}


@pytest.mark.parametrize("key", ["event", "company", "expanded", "tokenizer", "order_id", "span_id", "discard"])
def test_keys_that_only_sound_alike_are_not_telling(key: str) -> None:
    assert redact({key: "harmless"}) == {key: "harmless"}


def test_other_values_keep_their_kind() -> None:
    value: dict[str, Any] = {
        "count": 3,
        "ratio": 0.5,
        "ok": True,
        "none": None,
        "pan_like": 4242424242424242,
        "n": 10**30,
    }
    assert redact(value) == value | {"pan_like": "[redacted]"}


def test_depth_is_bounded() -> None:
    endless: dict[str, Any] = {}
    endless["again"] = endless
    assert "…" in str(redact(endless))


def test_long_hostile_text_takes_no_long_time() -> None:
    pieces = ["4 ", "42", "a@", "a.", "://", "://a", "eyJ", "eyJaaaaa.", "Bearer ", "a@b.", "%"]
    started_at = time.process_time()
    for piece in pieces:
        redact_text(piece * 50_000 + "@")
    assert time.process_time() - started_at < 20  # what goes back and forth takes hours
