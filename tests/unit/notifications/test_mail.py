"""SMTP against a server of a few lines on loopback."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from subgraphs.notifications.errors import DeliveryError, UndeliverableError
from subgraphs.notifications.service.mail import Mail, SmtpMailer

pytestmark = pytest.mark.anyio

MAIL = Mail(message_id="ntf_1", to="alice@example.org", subject="Grüße", text="Dear Alice\n")


@asynccontextmanager
async def smtp_server(answer_to_rcpt: str = "250 ok") -> AsyncIterator[tuple[str, list[str]]]:
    """URL of a server that takes everything, and the lines of the messages it took."""
    taken: list[str] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := (await reader.readline()).decode().rstrip("\r\n"):
            verb = line[:4].upper()
            if verb == "DATA":
                writer.write(b"354 go on\r\n")
                while (text := (await reader.readline()).decode().rstrip("\r\n")) != ".":
                    taken.append(text)
            answer = answer_to_rcpt if verb == "RCPT" else "221 bye" if verb == "QUIT" else "250 ok"
            writer.write(f"{answer}\r\n".encode())
            if verb == "QUIT":
                break
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    async with server:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}", taken


async def test_a_mail_arrives_with_its_message_id() -> None:
    async with smtp_server() as (url, taken):
        await SmtpMailer(url, "Punnet <shop@punnet.example>").send(MAIL)

    assert "To: alice@example.org" in taken
    assert "Message-ID: <ntf_1@punnet>" in taken
    assert taken[-1] == "Dear Alice"


async def test_a_refused_recipient_is_undeliverable_and_its_address_is_not_repeated() -> None:
    async with smtp_server("550 no such user alice@example.org") as (url, _):
        with pytest.raises(UndeliverableError) as refused:
            await SmtpMailer(url, "shop@punnet.example").send(MAIL)

    assert "alice" not in str(refused.value)


async def test_a_server_that_is_away_is_worth_another_try() -> None:
    async with smtp_server() as (url, _):
        pass

    with pytest.raises(DeliveryError) as failed:
        await SmtpMailer(url, "shop@punnet.example").send(MAIL)
    assert not isinstance(failed.value, UndeliverableError)


@pytest.mark.parametrize("url", ["", "http://mail", "smtp://", "mail.example.org:25"])
def test_an_unusable_address_of_the_mail_server_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(ValueError, match="PUNNET_SMTP_URL"):
        SmtpMailer(url, "shop@punnet.example")
