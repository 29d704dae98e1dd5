"""The port through which e-mail leaves, with two ways out: SMTP, and nowhere (the row itself is the record)."""

import asyncio
import smtplib
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol
from urllib.parse import unquote, urlsplit

from subgraphs.notifications.errors import DeliveryError, UndeliverableError

SMTP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Mail:
    #: the same for every try of one message, so that a provider can drop a copy
    message_id: str
    to: str
    subject: str
    text: str


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Raises DeliveryError (try again) or UndeliverableError (do not)."""


class RecordOnlyMailer:
    """For one machine and for tests: the row in `notification` is all there is."""

    async def send(self, mail: Mail) -> None:
        return None


class SmtpMailer:
    """Hands mail to an SMTP server, one connection per message. `smtp://` upgrades with STARTTLS where offered."""

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError("PUNNET_SMTP_URL must begin with smtp:// or smtps:// and name a host")
        self._host = parts.hostname
        self._is_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._is_tls else 587)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._sender = sender

    async def send(self, mail: Mail) -> None:
        await asyncio.to_thread(self._send, mail)

    def _send(self, mail: Mail) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.to, mail.subject
        message["Message-ID"] = f"<{mail.message_id}@punnet>"
        message.set_content(mail.text)
        connect = smtplib.SMTP_SSL if self._is_tls else smtplib.SMTP
        try:
            with connect(self._host, self._port, timeout=SMTP_TIMEOUT_S) as server:
                server.ehlo()
                if not self._is_tls and server.has_extn("starttls"):
                    server.starttls()
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as exc:
            raise UndeliverableError("the mail server refused the recipient") from exc
        except (OSError, smtplib.SMTPException) as exc:
            # the server's own words may repeat the address
            raise DeliveryError(f"the mail server did not take the message: {type(exc).__name__}") from exc
