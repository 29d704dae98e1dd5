"""A key set behind an address: read with care."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from common.auth import generate_private_key, key_set, key_source, load_private_key, parse_key_set

pytestmark = pytest.mark.anyio
KEYS = key_set(load_private_key(generate_private_key())).encode()
(KID,) = parse_key_set(KEYS)


class _Issuer(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: _Issuer

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        match self.path:
            case "/keys":
                self._send(200, KEYS)
            case "/redirect":
                self._send(302, b"", location="/keys")
            case "/huge":
                self._send(200, KEYS[:-1] + b" " * 300_000 + b"}")
            case _:
                self._send(500, KEYS)

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            # the client has read enough
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named so by the library
        pass


@pytest.fixture
def issuer() -> Iterator[_Issuer]:
    server = _Issuer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


async def test_keys_are_read_once_from_their_address(issuer: _Issuer) -> None:
    keys = key_source(f"{issuer.url}/keys")
    assert [(await keys.key(kid)) is not None for kid in (KID, KID, "unknown")] == [True, True, False]
    assert issuer.paths == ["/keys"]


@pytest.mark.parametrize("path", ["/redirect", "/huge", "/broken"])
async def test_redirects_endless_answers_and_errors_yield_no_keys(issuer: _Issuer, path: str) -> None:
    keys = key_source(f"{issuer.url}{path}")
    assert await keys.key(KID) is None
    assert issuer.paths == [path]


async def test_an_address_nobody_answers_at_yields_no_keys() -> None:
    keys = key_source("http://127.0.0.1:9/keys")
    assert await keys.key(KID) is None
