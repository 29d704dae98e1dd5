"""TLS to a subgraph: the certificate is checked, and a private authority can be trusted."""

import asyncio
import datetime
import ipaddress
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from router.transport.addresses import HttpAddress
from router.transport.errors import ConnectFailedError
from router.transport.http.client import HttpClient
from router.transport.model import SubgraphRequest

pytestmark = pytest.mark.anyio

REQUEST = SubgraphRequest("a", b"{}")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and self-signed certificate for 127.0.0.1 in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "subgraph")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "subgraph.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


async def ask(certificate: Path, host: str, tls: ssl.SSLContext | None) -> bytes:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()

    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate)
    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=own)
    async with server:
        address = HttpAddress(host, server.sockets[0].getsockname()[1], "/", is_tls=True)
        async with HttpClient(address, tls=tls) as client:
            return (await client.send(REQUEST)).body


async def test_a_trusted_certificate_of_the_right_host_is_enough(certificate: Path) -> None:
    assert await ask(certificate, "127.0.0.1", ssl.create_default_context(cafile=str(certificate))) == b"{}"


@pytest.mark.parametrize("is_trusted", [False, True], ids=["unknown authority", "another host"])
async def test_any_other_certificate_is_refused(certificate: Path, is_trusted: bool) -> None:
    tls = ssl.create_default_context(cafile=str(certificate)) if is_trusted else None
    with pytest.raises(ConnectFailedError, match="certificate"):
        await ask(certificate, "localhost" if is_trusted else "127.0.0.1", tls)
