"""The payment provider does what its table of cards says, once per key, and tells its endpoints."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from common.ids import new_id
from common.settings import database_url_for
from common.webhooks import verify_webhook
from tests.kit.events import eventually
from tests.kit.postgres import run_sql
from tests.kit.sandbox import KEY, PUBLISHABLE_KEY, WEBHOOK_SECRET, Sandbox, running_sandbox

pytestmark = pytest.mark.anyio

CARD = {"number": "4242 4242 4242 4242", "exp_month": 12, "exp_year": 2025, "cvc": "987"}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def running(anyio_backend: str, postgres_url: str) -> AsyncIterator[Sandbox]:
    async with running_sandbox(postgres_url) as sandbox:
        yield sandbox


@pytest.fixture
async def psp(running: Sandbox) -> Sandbox:
    await running.reset()
    return running


async def pay(psp: Sandbox, token: str, amount: int = 1000, key: str = "", **more: Any) -> tuple[int, Any]:
    body = {"amount": amount, "currency": "USD", "payment_method": token, **more}
    return await psp.ask("POST", "/v1/payment_intents", body, key=key or new_id("key"))


async def has_status(psp: Sandbox, intent: str, status: str) -> bool:
    return bool((await psp.ask("GET", f"/v1/payment_intents/{intent}"))[1]["status"] == status)


async def tokenized(psp: Sandbox, **card: Any) -> tuple[int, Any]:
    return await psp.ask("POST", "/v1/tokens", {"card": {**CARD, **card}}, as_key=PUBLISHABLE_KEY)


@pytest.mark.parametrize(
    ("number", "token", "outcome"),
    [
        ("4242424242424242", "tok_visa", "requires_capture"),
        ("4111111111111111", "tok_visa_alt", "requires_capture"),
        ("5555555555554444", "tok_mastercard", "requires_capture"),
        ("4000000000000002", "tok_declined", "generic_decline"),
        ("4000000000009995", "tok_insufficient_funds", "insufficient_funds"),
        ("4000000000009987", "tok_lost", "lost_card"),
        ("4000000000009979", "tok_stolen", "stolen_card"),
        ("4000000000000069", "tok_expired", "expired_card"),
        ("4000000000000127", "tok_bad_cvc", "incorrect_cvc"),
        ("4000000000000119", "tok_processing_error", "processing_error"),
        ("4000002500003155", "tok_3ds", "requires_action"),
        ("4000000000000259", "tok_dispute", "requires_capture"),
    ],
)
async def test_a_card_behaves_as_its_number_says_and_so_does_its_token(
    psp: Sandbox, number: str, token: str, outcome: str
) -> None:
    status, made = await tokenized(psp, number=number)
    assert (status, made["card"]["last4"]) == (200, number[-4:])
    for each in (made["id"], token):
        status, answer = await pay(psp, each)
        if "error" in answer:
            assert (status, answer["error"]["code"], answer["error"]["decline_code"]) == (402, "card_declined", outcome)
            assert answer["error"]["payment_intent"]["status"] == "requires_payment_method"
        else:
            assert (status, answer["status"]) == (200, outcome)


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ({"number": "4242424242424241"}, "incorrect_number"),
        ({"number": "not a number"}, "incorrect_number"),
        ({"exp_month": 13}, "invalid_expiry"),
        ({"cvc": "12"}, "invalid_cvc"),
    ],
)
async def test_what_cannot_be_a_card_is_refused_without_repeating_it(
    psp: Sandbox, card: dict[str, Any], code: str
) -> None:
    status, answer = await tokenized(psp, **card)
    assert (status, answer["error"]["code"]) == (402, code)
    assert str(next(iter(card.values()))) not in answer["error"]["message"]


async def test_two_tokens_of_one_card_share_its_fingerprint_and_nothing_else(psp: Sandbox) -> None:
    (_, one), (_, two), (_, other) = [
        await tokenized(psp, number=n) for n in ("4242424242424242", "4242424242424242", "5555555555554444")
    ]
    assert one["id"] != two["id"]
    assert one["card"]["fingerprint"] == two["card"]["fingerprint"] != other["card"]["fingerprint"]


async def test_the_same_card_under_the_same_key_is_the_same_token(psp: Sandbox) -> None:
    key = new_id("key")
    answers = [await psp.ask("POST", "/v1/tokens", {"card": CARD}, key=key) for _ in range(2)]
    assert {answer["id"] for _, answer in answers} == {answers[0][1]["id"]}
    other = {"card": {**CARD, "number": "5555555555554444"}}
    status, refused = await psp.ask("POST", "/v1/tokens", other, key=key)
    assert (status, refused["error"]["code"]) == (400, "idempotency_key_in_use")


async def test_neither_number_nor_code_is_in_the_database(psp: Sandbox, postgres_url: str) -> None:
    _, token = await tokenized(psp)
    await pay(psp, token["id"])
    url = database_url_for(postgres_url, psp.database_name)
    for table in ("token", "intent", "event", "delivery", "movement"):
        text = run_sql(url, f"SELECT t::text FROM psp1.{table} t")  # noqa: S608 - names of our own
        assert "4242424242424242" not in text
        assert '"987"' not in text
    sealed = run_sql(url, f"SELECT length(sealed_number) FROM psp1.token WHERE id = '{token['id']}'")  # noqa: S608
    assert int(sealed) > 16


async def test_a_token_is_gone_after_a_day_and_a_saved_method_is_not(psp: Sandbox) -> None:
    _, token = await tokenized(psp)
    _, method = await psp.ask("POST", "/v1/payment_methods", {"token": token["id"]}, key=new_id("key"))
    await psp.advance(25 * 3600)
    assert (await pay(psp, token["id"]))[0] == 404
    assert (await pay(psp, method["id"]))[1]["status"] == "requires_capture"
    await psp.ask("DELETE", f"/v1/payment_methods/{method['id']}")
    assert (await pay(psp, method["id"]))[0] == 404


async def test_one_key_is_one_charge_whatever_is_sent_at_once(psp: Sandbox) -> None:
    key = new_id("key")
    answers = await asyncio.gather(*(pay(psp, "tok_visa", key=key) for _ in range(10)))
    assert {(status, answer["id"]) for status, answer in answers} == {(200, answers[0][1]["id"])}
    status, answer = await pay(psp, "tok_visa", 2000, key=key)
    assert (status, answer["error"]["type"]) == (400, "idempotency_error")
    found = (await psp.ask("GET", f"/v1/payment_intents?idempotency_key={key}"))[1]["data"]
    assert [intent["id"] for intent in found] == [answers[0][1]["id"]]


@pytest.mark.parametrize("amount", [1092, 1093])
async def test_an_amount_can_ask_for_a_lost_answer_and_its_key_finds_what_was_done(psp: Sandbox, amount: int) -> None:
    key = new_id("key")
    if amount == 1092:
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await pay(psp, "tok_visa", amount, key)
    else:
        assert (await pay(psp, "tok_visa", amount, key))[0] == 500
    status, again = await pay(psp, "tok_visa", amount, key)
    assert (status, again["amount_authorized"]) == (200, amount)
    assert [charge["id"] for charge in await psp.charges() if charge["key"] == key] == [again["id"]]


async def test_an_amount_can_ask_for_a_slow_answer(psp: Sandbox) -> None:
    await psp.faults(slow_s=0.5)
    started = asyncio.get_running_loop().time()
    assert (await pay(psp, "tok_visa", 1091))[0] == 200
    assert asyncio.get_running_loop().time() - started >= 0.5


async def test_money_moves_by_capture_and_goes_back_by_refunds_no_further_than_it_came(psp: Sandbox) -> None:
    intent = (await pay(psp, "tok_visa"))[1]["id"]
    assert (await psp.ask("POST", f"/v1/payment_intents/{intent}/capture", {"amount": 1001}))[0] == 400
    for _ in range(2):
        captured = (await psp.ask("POST", f"/v1/payment_intents/{intent}/capture", {"amount": 800}))[1]
        assert (captured["status"], captured["amount_received"]) == ("succeeded", 800)
    answers = await asyncio.gather(
        *(psp.ask("POST", "/v1/refunds", {"payment_intent": intent, "amount": 300}, key=str(n)) for n in range(5))
    )
    assert sorted(status for status, _ in answers) == [200, 200, 400, 400, 400]
    (charge,) = [charge for charge in await psp.charges() if charge["id"] == intent]
    assert (charge["captured_minor"], charge["refunded_minor"]) == (800, 600)
    assert [(move["kind"], move["amount_minor"]) for move in charge["movements"]] == [
        ("AUTHORIZATION", 1000),
        ("CAPTURE", 800),
        ("REFUND", 300),
        ("REFUND", 300),
    ]


@pytest.mark.parametrize(("answer", "status"), [("approve", "requires_capture"), ("deny", "requires_payment_method")])
async def test_a_customer_answers_on_the_page(psp: Sandbox, answer: str, status: str) -> None:
    intent = (await pay(psp, "tok_3ds"))[1]
    url = intent["next_action"]["url"]
    async with psp.http.get(url) as page:
        assert page.status == 200
        assert "USD" in await page.text()
    path, _, secret = url.partition("?secret=")
    async with psp.http.post(path, json={"answer": answer, "secret": "guessed"}) as refused:
        assert refused.status == 404
    async with psp.http.post(path, data={"answer": answer, "secret": secret}) as answered:
        assert answered.status == 200
    assert (await psp.ask("GET", f"/v1/payment_intents/{intent['id']}"))[1]["status"] == status


async def test_time_ends_actions_and_authorisations(psp: Sandbox) -> None:
    waiting, held = (await pay(psp, "tok_3ds"))[1]["id"], (await pay(psp, "tok_visa"))[1]["id"]
    await psp.advance(8 * 86400)
    for intent, expected in ((waiting, "requires_payment_method"), (held, "canceled")):
        await eventually(partial(has_status, psp, intent, expected))


async def test_keys_open_what_they_are_for(psp: Sandbox) -> None:
    assert (await psp.ask("GET", "/__admin/ledger", as_key="guessed"))[0] == 401
    assert (await psp.ask("GET", "/__admin/ledger", as_key=PUBLISHABLE_KEY))[0] == 401
    assert (await psp.ask("GET", "/v1/tokens/tok_visa", as_key=PUBLISHABLE_KEY))[0] == 401
    assert (await psp.ask("GET", "/v1/tokens/tok_visa", as_key=KEY))[0] == 200


async def test_endpoints_are_told_signed_and_again_until_they_say_yes(psp: Sandbox) -> None:
    told: list[str] = []
    seen: list[str | None] = []

    async def endpoint(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        seen.append(verify_webhook(headers, body, ["whsec_b2xk", WEBHOOK_SECRET], time.time()))
        told.append((await request.json())["type"])
        return web.Response(status=500 if len(told) == 1 else 204)

    app = web.Application()
    app.router.add_post("/hook", endpoint)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    url = f"http://127.0.0.1:{port}/hook"
    registered = {"url": url, "secrets": [WEBHOOK_SECRET], "only_unanswered": True}
    _, made = await psp.ask("POST", "/v1/webhook_endpoints", registered)
    try:
        await pay(psp, "tok_visa")  # answered: nothing to tell
        await pay(psp, "tok_bank_transfer")
        await eventually(lambda: len(told) >= 2)
        assert told == ["payment_intent.succeeded"] * 2
        assert len(set(seen)) == 1
    finally:
        await psp.ask("DELETE", f"/v1/webhook_endpoints/{made['id']}")
        await runner.cleanup()
