"""The port through which e-mail leaves, with two ways out: SMTP, and nowhere (the row itself is the record).

    smtp://user:secret@host:587      STARTTLS: required where a secret is sent, else used where it is offered
    smtp://host:25?starttls=never    also `required` and `auto`
    smtps://user:secret@host:465     TLS from the beginning
    …?ca=/path/ca.pem                a certificate authority of one's own

Certificates are always checked.
"""

import time
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Literal, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from subgraphs.notifications.errors import DeliveryError, UndeliverableError

#: of each step
SMTP_TIMEOUT_S = 10.0
#: a connection unused for so long may be closed at the other end by now
IDLE_S = 5.0
StartTls = Literal["auto", "required", "never"]


@dataclass(frozen=True, slots=True)
class Mail:
    #: the same for every try of one message, so that a provider can drop a copy
    message_id: str
    to: str
    subject: str
    text: str
    html: str


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Raises DeliveryError (try again) or UndeliverableError (do not)."""

    async def close(self) -> None: ...


class RecordOnlyMailer:
    """Without a mail server: the row in `notification` is all there is."""

    async def send(self, mail: Mail) -> None:
        return None

    async def close(self) -> None:
        return None


@dataclass(frozen=True, slots=True)
class SmtpServer:
    host: str
    port: int
    is_tls: bool
    start_tls: StartTls
    user: str
    password: str
    ca_file: str | None

    @classmethod
    def parse(cls, url: str) -> "SmtpServer":
        """Raises ValueError without repeating a secret."""
        parts, query = urlsplit(url), parse_qs(urlsplit(url).query)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError(
                "PUNNET_SMTP_URL must begin with smtp:// or smtps:// and name a host; starttls, ca follow ?"
            )
        if query.keys() - {"starttls", "ca"}:
            raise ValueError("PUNNET_SMTP_URL: behind ? stand starttls and ca only")
        is_tls = parts.scheme == "smtps"
        wanted = query.get("starttls", ["required" if parts.password else "auto"])[0]
        for known in ("auto", "required", "never"):
            if known == wanted:
                return cls(
                    host=parts.hostname,
                    port=parts.port or (465 if is_tls else 587),
                    is_tls=is_tls,
                    start_tls="never" if is_tls else known,
                    user=unquote(parts.username or ""),
                    password=unquote(parts.password or ""),
                    ca_file=query.get("ca", [None])[0],
                )
        raise ValueError("PUNNET_SMTP_URL: starttls is auto, required or never")


class SmtpMailer:
    """Hands mail to an SMTP server (RFC 5321); connections are kept for a few seconds and used again."""

    def __init__(self, url: str, sender: str) -> None:
        self._server = SmtpServer.parse(url)
        self._sender = sender
        #: idle connections, and until when they are worth trying
        self._idle: list[tuple[aiosmtplib.SMTP, float]] = []

    async def send(self, mail: Mail) -> None:
        client = await self._connected()
        try:
            await client.send_message(self._message(mail))
        except aiosmtplib.SMTPRecipientsRefused as exc:
            client.close()
            # 4xx is said for the moment (RFC 5321 section 4.2.1)
            if all(400 <= recipient.code < 500 for recipient in exc.recipients):
                raise DeliveryError("the mail server does not take the recipient at the moment") from exc
            raise UndeliverableError("the mail server refused the recipient") from exc
        except (OSError, aiosmtplib.SMTPException) as exc:
            client.close()
            # the server's own words may repeat the address
            raise DeliveryError(f"the mail server did not take the message: {type(exc).__name__}") from exc
        except BaseException:
            client.close()
            raise
        self._idle.append((client, time.monotonic() + IDLE_S))

    async def close(self) -> None:
        while self._idle:
            client, _ = self._idle.pop()
            client.close()

    def _message(self, mail: Mail) -> EmailMessage:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.to, mail.subject
        message["Message-ID"] = f"<{mail.message_id}@punnet>"
        message["Date"] = formatdate()
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: out-of-office notes do not answer
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message

    async def _connected(self) -> aiosmtplib.SMTP:
        while self._idle:
            client, until = self._idle.pop()
            if client.is_connected and time.monotonic() < until:
                return client
            client.close()
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=SMTP_TIMEOUT_S,
            use_tls=server.is_tls,
            # None: where it is offered
            start_tls={"auto": None, "required": True, "never": False}[server.start_tls],
            username=server.user or None,
            password=server.password or None,
            cert_bundle=server.ca_file,
        )
        try:
            await client.connect()
        except (OSError, aiosmtplib.SMTPException, ValueError) as exc:
            client.close()
            raise DeliveryError(f"the mail server cannot be reached: {type(exc).__name__}") from exc
        return client
