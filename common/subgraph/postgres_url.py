"""DATABASE_URL -> arguments of asyncpg. One URL names the server; each subgraph has its own database on it.

TCP: `postgresql://user:secret@host:5432/postgres`. Unix socket: `postgresql:///postgres?host=/run/pg&user=postgres`.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

#: query parameters understood, as libpq names them -> as asyncpg names them
PARAMETERS = {"host": "host", "port": "port", "user": "user", "password": "password", "sslmode": "ssl"}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """Where a server listens and who logs in; `maintenance_database` is the one to connect to for CREATE DATABASE."""

    host: str
    port: int
    user: str
    password: str | None
    ssl: str | None
    maintenance_database: str

    def connect_arguments(self) -> dict[str, Any]:
        """Keyword arguments for `asyncpg.connect`, without the database."""
        arguments: dict[str, Any] = {"host": self.host, "port": self.port, "user": self.user}
        if self.password is not None:
            arguments["password"] = self.password
        if self.ssl is not None:
            arguments["ssl"] = self.ssl
        return arguments


def parse_database_url(url: str) -> PostgresServer:
    """Raises ValueError for another scheme or an unknown parameter, never repeating the URL: it holds a secret."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres"):
        raise ValueError("DATABASE_URL must begin with postgresql://")
    given: dict[str, str] = {}
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in PARAMETERS:
            raise ValueError(f"DATABASE_URL: unknown parameter {name!r}; known are {', '.join(PARAMETERS)}")
        given[PARAMETERS[name]] = value
    password = given.get("password") or (unquote(parts.password) if parts.password else None)
    return PostgresServer(
        host=given.get("host") or unquote(parts.hostname or "localhost"),
        port=int(given.get("port") or parts.port or 5432),
        user=given.get("user") or unquote(parts.username or "postgres"),
        password=password,
        ssl=given.get("ssl"),
        maintenance_database=parts.path.lstrip("/") or "postgres",
    )
