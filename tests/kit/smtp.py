"""A mail server somebody else wrote (aiosmtpd), on loopback, with TLS and passwords as a test wants them."""

import asyncio
import datetime as dt
import socket
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = "shop", "pa:ss/word"


@dataclass(slots=True)
class Mailbox:
    """What was taken, and what the server answers to some recipients."""

    url: str = ""
    taken: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    #: answers by recipient, used up one by one
    refusals: dict[str, list[str]] = field(default_factory=dict)
    connections: int = 0

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's own name
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        if not session.host_name:
            self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if refusals := self.refusals.get(address):
            return refusals.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        return "250 taken"


@dataclass(frozen=True, slots=True)
class Certificate:
    """For localhost, signed by itself."""

    path: Path

    @classmethod
    def create(cls, folder: Path) -> "Certificate":
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        path = folder / "localhost.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        return cls(path)

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.path)
        return context


@asynccontextmanager
async def smtp_server(
    certificate: Certificate | None = None, *, is_tls: bool = False, with_password: bool = False
) -> AsyncIterator[Mailbox]:
    """With a certificate it offers STARTTLS, or speaks TLS from the beginning. `url` has neither user nor secret."""
    mailbox = Mailbox()

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False)

    options: dict[str, Any] = {"hostname": "localhost"}
    if with_password:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": not is_tls}
    if certificate is not None and not is_tls:
        options |= {"tls_context": certificate.context(), "require_starttls": with_password}
    loop = asyncio.get_running_loop()
    conversations: list[SMTP] = []

    def converse() -> SMTP:
        with warnings.catch_warnings():
            # it does not see that TLS was there from the beginning
            warnings.filterwarnings("ignore", message="Requiring AUTH while not requiring TLS")
            conversations.append(SMTP(mailbox, **options))
        return conversations[-1]

    server = await loop.create_server(
        converse,
        "localhost",
        0,
        family=socket.AF_INET,
        ssl=certificate.context() if certificate and is_tls else None,
    )
    async with server:
        port = server.sockets[0].getsockname()[1]
        mailbox.url = f"{'smtps' if is_tls else 'smtp'}://localhost:{port}"
        yield mailbox
        for conversation in conversations:
            if conversation.transport is not None:
                conversation.transport.close()
