"""Routing URLs: text -> where a subgraph is.

http://host[:port]/path    https://…    ws and wss are not routing URLs: subscriptions use the http address
unix:///run/products.sock?path=/graphql      HTTP over a unix socket, as in Apollo Router
asgi://package.module:factory[?path=/graphql]  an ASGI application in this process, made by calling `factory`
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class HttpAddress:
    host: str
    port: int
    target: str  #: path and query of the request line
    is_tls: bool = False

    @property
    def authority(self) -> str:
        """The Host header: the port is left out where it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixAddress:
    socket_path: str
    target: str

    @property
    def authority(self) -> str:
        return "localhost"


@dataclass(frozen=True, slots=True)
class AsgiAddress:
    module: str
    factory: str
    target: str


Address: TypeAlias = HttpAddress | UnixAddress | AsgiAddress


class BadAddressError(ValueError):
    """A routing URL that names no place we can send to."""


def parse_address(url: str) -> Address:
    """Raises `BadAddressError` with the reason."""
    if url.startswith("asgi:"):
        return _parse_asgi(url)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as exc:
        raise BadAddressError(f"{url!r} is not a URL: {exc}") from exc
    match parts.scheme:
        case "http" | "https" if parts.hostname:
            is_tls = parts.scheme == "https"
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            return HttpAddress(parts.hostname, port or (443 if is_tls else 80), _clean(target, url), is_tls)
        case "unix" if parts.path:
            return UnixAddress(parts.path, _clean(parse_qs(parts.query).get("path", ["/"])[0], url))
        case _:
            raise BadAddressError(
                f"{url!r}: expected http://, https://, unix:///socket?path=/… or asgi://module:factory"
            )


def _parse_asgi(url: str) -> AsgiAddress:
    # not urlsplit: "module:factory" looks like host and port to it, and hosts lose their case
    place, _, query = url.removeprefix("asgi:").removeprefix("//").partition("?")
    module, _, factory = place.partition(":")
    names = [*module.split("."), *factory.split(".")]
    if not all(name.isidentifier() for name in names):
        raise BadAddressError(f"{url!r}: expected asgi://package.module:factory")
    return AsgiAddress(module, factory, _clean(parse_qs(query).get("path", ["/graphql"])[0], url))


def _clean(target: str, url: str) -> str:
    # the target is written into the request line as it is
    if not target.isascii() or any(char.isspace() or not char.isprintable() for char in target):
        raise BadAddressError(f"{url!r}: the path must be percent-encoded")
    return target
