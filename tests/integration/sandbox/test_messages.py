"""The sandbox's mail server and providers, used as the shop uses them."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from deploy.sandbox.messages.part import message_providers
from deploy.sandbox.messages.smtp import MAX_MESSAGE_BYTES
from deploy.sandbox.messages.store import MAX_KEPT, MessageStore
from deploy.sandbox.settings import SandboxSettings
from subgraphs.notifications.errors import DeliveryError, UndeliverableError
from subgraphs.notifications.service.mail import Mail, SmtpMailer
from tests.kit.clock import FrozenClock
from tests.kit.ports import free_port

pytestmark = pytest.mark.anyio

KEY = "mk_of_the_tests"
MAIL = Mail("0199-1", "alice@example.org", "Set a <new> password", "Open\nhttp://x.example/a?b=1#token=t\n", "<p>x</p>")


class World:
    """The part in an application of its own."""

    def __init__(self) -> None:
        self.smtp_port = free_port()
        settings = SandboxSettings(
            payment_provider_key=SecretStr("sk"),
            payment_publishable_key=SecretStr("pk"),
            sandbox_vault_keys=SecretStr(f"k1:{'0' * 64}"),
            sandbox_smtp_listen=f"127.0.0.1:{self.smtp_port}",
            sandbox_message_key=SecretStr(KEY),
        )
        self.part = message_providers(settings, clock=FrozenClock())
        app = Starlette(routes=self.part.routes)
        self.http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://sandbox")
        self.mailer = SmtpMailer(f"smtp://127.0.0.1:{self.smtp_port}?starttls=never", "shop@punnet.example")

    async def post(self, path: str, message: object, *, key: str = "e-1", secret: str = KEY) -> int:
        headers = {"authorization": f"Bearer {secret}", "idempotency-key": key}
        return (await self.http.post(path, json=message, headers=headers)).status_code


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World()
    async with world.part.lifespan(), world.http:
        yield world
        await world.mailer.close()


async def test_mail_is_kept_for_a_developer_to_read_once_however_often_it_is_sent(world: World) -> None:
    for _ in range(2):
        await world.mailer.send(MAIL)
    await world.mailer.send(replace(MAIL, message_id="0199-2", to="bob@example.org", text=".\n..dots\n"))

    listed = (await world.http.get("/mail")).json()["mail"]
    alices = (await world.http.get("/mail", params={"to": MAIL.to})).json()["mail"]

    assert [mail["to"] for mail in listed] == ["bob@example.org", "alice@example.org"]
    assert listed[0]["text"] == ".\n..dots\n"
    assert alices == [
        {
            "key": "<0199-1@punnet> alice@example.org",
            "at": "2026-05-01T12:00:00.000+00:00",
            "to": "alice@example.org",
            "from": "shop@punnet.example",
            "subject": MAIL.subject,
            "message_id": "<0199-1@punnet>",
            "text": MAIL.text,
            "html": "<p>x</p>\n",
        }
    ]


async def test_the_page_of_mail_has_links_to_follow_and_shows_everything_else_as_text(world: World) -> None:
    await world.mailer.send(MAIL)

    page = (await world.http.get("/mail", headers={"accept": "text/html"})).text

    assert '<a href="http://x.example/a?b=1#token=t">' in page
    assert "Set a &lt;new&gt; password" in page
    assert (await world.http.get("/account/password-reset")).status_code == 200
    assert (await world.http.get("/account/%3Cscript%3E")).status_code == 404


async def test_some_mailboxes_refuse_and_some_are_busy_at_first(world: World) -> None:
    with pytest.raises(UndeliverableError):
        await world.mailer.send(replace(MAIL, to="bounce@example.org"))
    with pytest.raises(DeliveryError):
        await world.mailer.send(replace(MAIL, to="busy@example.org"))
    await world.mailer.send(replace(MAIL, to="busy@example.org"))
    with pytest.raises(DeliveryError):
        await world.mailer.send(replace(MAIL, text="x" * 70 + "\n" + "y" * MAX_MESSAGE_BYTES))

    assert [mail["to"] for mail in (await world.http.get("/mail")).json()["mail"]] == ["busy@example.org"]


@pytest.mark.parametrize("kind", ["sms", "push"])
async def test_messages_are_taken_from_who_knows_the_key_once_per_idempotency_key(world: World, kind: str) -> None:
    path, message = f"/v1/{kind}", {"to": "+4915112345678", "text": "Order 1 is confirmed"}

    answers = [
        await world.post(path, message),
        await world.post(path, message),
        await world.post(path, message, key="e-2"),
        await world.post(path, message, secret="guessed"),
        await world.post(path, message, key=""),
        await world.post(path, {"to": "+49"}, key="e-3"),
        await world.post(path, [1], key="e-4"),
        await world.post(path, message | {"to": "gone" if kind == "push" else "+49 0000"}, key="e-5"),
    ]

    assert answers == [202, 202, 202, 401, 400, 400, 400, 410 if kind == "push" else 422]
    kept = (await world.http.get(f"/{kind}")).json()[kind]
    assert [(one["key"], one["text"]) for one in kept] == [("e-2", message["text"]), ("e-1", message["text"])]


def test_what_is_kept_is_bounded() -> None:
    store = MessageStore()
    for number in range(MAX_KEPT + 10):
        store.add("sms", {"to": "x"}, key=str(number))

    assert len(store.newest("sms")) == MAX_KEPT
    assert store.newest("sms")[0]["key"] == str(MAX_KEPT + 9)
