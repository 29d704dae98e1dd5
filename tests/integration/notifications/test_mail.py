"""The SMTP client against a real server on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest

from subgraphs.notifications.errors import DeliveryError, UndeliverableError
from subgraphs.notifications.service.mail import Mail, SmtpMailer
from tests.kit.smtp import PASSWORD, USER, Certificate, smtp_server

pytestmark = pytest.mark.anyio

ALICE = "alice@example.org"
MAIL = Mail(message_id="0199-1", to=ALICE, subject="Grüße", text="Dear Alice\n", html="<p>Dear Alice</p>\n")


@asynccontextmanager
async def mailer(url: str) -> AsyncIterator[SmtpMailer]:
    client = SmtpMailer(url, "Punnet <shop@punnet.example>")
    try:
        yield client
    finally:
        await client.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.create(tmp_path_factory.mktemp("tls"))


def with_secret(url: str, secret: str = PASSWORD) -> str:
    return url.replace("://", f"://{USER}:{quote(secret, safe='')}@")


async def test_a_mail_arrives_as_text_and_html_with_its_message_id() -> None:
    async with smtp_server() as mailbox, mailer(mailbox.url) as client:
        await client.send(MAIL)

    (taken,) = mailbox.taken
    text, html = taken.get_body(("plain",)), taken.get_body(("html",))
    assert text is not None
    assert html is not None
    assert (taken["To"], taken["Subject"], taken["Message-ID"]) == (ALICE, "Grüße", "<0199-1@punnet>")
    assert (text.get_content().split(), html.get_content().strip()) == (["Dear", "Alice"], "<p>Dear Alice</p>")
    assert (taken["From"], taken["Auto-Submitted"]) == ("Punnet <shop@punnet.example>", "auto-generated")
    assert mailbox.recipients == [[ALICE]]


async def test_mails_at_once_use_connections_again() -> None:
    async with smtp_server() as mailbox, mailer(mailbox.url) as client:
        for _ in range(3):
            await asyncio.gather(*(client.send(MAIL) for _ in range(4)))

    assert len(mailbox.taken) == 12
    assert mailbox.connections <= 4


@pytest.mark.parametrize("is_tls", [False, True])
async def test_a_secret_travels_under_tls_only(certificate: Certificate, is_tls: bool) -> None:
    async with smtp_server(certificate, is_tls=is_tls, with_password=True) as mailbox:
        async with mailer(f"{with_secret(mailbox.url)}?ca={certificate.path}") as client:
            await client.send(MAIL)
        async with mailer(f"{with_secret(mailbox.url, 'wrong')}?ca={certificate.path}") as client:
            with pytest.raises(DeliveryError) as refused:
                await client.send(MAIL)

    assert len(mailbox.taken) == 1
    assert "wrong" not in str(refused.value)


async def test_a_secret_is_kept_from_a_server_without_tls() -> None:
    async with smtp_server() as mailbox, mailer(with_secret(mailbox.url)) as client:
        with pytest.raises(DeliveryError):
            await client.send(MAIL)

    assert mailbox.taken == []


@pytest.mark.parametrize("is_tls", [False, True])
async def test_a_certificate_of_nobody_known_is_refused(certificate: Certificate, is_tls: bool) -> None:
    async with smtp_server(certificate, is_tls=is_tls) as mailbox, mailer(mailbox.url) as client:
        with pytest.raises(DeliveryError):
            await client.send(MAIL)

    assert mailbox.taken == []


@pytest.mark.parametrize(("answer", "is_final"), [("550 no such user alice@example.org", True), ("451 busy", False)])
async def test_a_refused_recipient_is_undeliverable_one_put_off_is_not_and_no_address_is_repeated(
    answer: str, is_final: bool
) -> None:
    async with smtp_server() as mailbox:
        mailbox.refusals[ALICE] = [answer]
        async with mailer(mailbox.url) as client:
            with pytest.raises(DeliveryError) as refused:
                await client.send(MAIL)
            await client.send(MAIL)

    assert isinstance(refused.value, UndeliverableError) is is_final
    assert "alice" not in str(refused.value)
    assert len(mailbox.taken) == 1


async def test_a_server_that_went_away_is_worth_another_try_and_found_again() -> None:
    async with smtp_server() as mailbox:
        client = SmtpMailer(mailbox.url, "shop@punnet.example")
        await client.send(MAIL)
    with pytest.raises(DeliveryError) as failed:
        await client.send(MAIL)
    await client.close()

    assert not isinstance(failed.value, UndeliverableError)


async def test_a_name_cannot_add_headers() -> None:
    async with smtp_server() as mailbox, mailer(mailbox.url) as client:
        with pytest.raises(ValueError, match=r"linefeed|newline|Header"):
            await client.send(Mail("1", "a@example.org\r\nBcc: all@example.org", "subject", "text", "<p>html</p>"))

    assert mailbox.taken == []


@pytest.mark.parametrize(
    "url", ["", "http://mail", "smtp://", "mail.example.org:25", "smtp://mail?starttls=perhaps", "smtp://mail?tls=no"]
)
def test_an_unusable_address_of_the_mail_server_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="PUNNET_SMTP_URL"):
        SmtpMailer(url, "shop@punnet.example")
