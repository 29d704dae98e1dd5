"""Law L10: card numbers and codes are nowhere. A search of everything the shop leaves behind.

Tables as text, files as bytes (PostgreSQL's data and log, streams, our logs), spans as they were exported, metrics.
"""

from __future__ import annotations

import asyncio
import os
import re
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from common.settings import database_url_for
from deploy.local.postgres import reachable_folder
from deploy.prove.shop import ProvenShop

_TABLES = """
SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
"""
_DATABASES = "SELECT datname FROM pg_database WHERE datname LIKE $1 AND NOT datistemplate"
_CHUNK_BYTES = 1 << 20
_OVERLAP_BYTES = 256


@dataclass(frozen=True, slots=True)
class Canary:
    """A made-up card that is put into the shop to be looked for: its number passes Luhn's check."""

    number: str
    code: str

    def pattern(self) -> re.Pattern[bytes]:
        """The number in the forms it could be kept in; the code where it is called one, or stands in quotes."""
        called = rf"(?i:cv[vc]2?|security[_ ]?code)[^\n]{{0,40}}?(?<![0-9]){self.code}(?![0-9])"
        return re.compile(pattern_of(self.number) + rf'|{called}|"{self.code}"'.encode())


def pattern_of(number: str) -> bytes:
    """The source of a pattern: digits, digits in groups of four, digits as hexadecimal bytes."""
    grouped = r"[ -]".join(number[at : at + 4] for at in range(0, len(number), 4))
    return f"{number}|{grouped}|{number.encode().hex()}".encode()


@dataclass(frozen=True, slots=True)
class Sighting:
    where: str
    #: some text around it
    text: str

    def __str__(self) -> str:
        return f"{self.where}: …{self.text}…"


def search(where: str, data: bytes, pattern: re.Pattern[bytes]) -> Iterator[Sighting]:
    for match in pattern.finditer(data):
        around = data[max(0, match.start() - 60) : match.end() + 30]
        yield Sighting(where, around.decode(errors="replace").replace("\n", " "))


async def search_tables(
    server_url: str, pattern: re.Pattern[bytes], *, like: str = "punnet%"
) -> AsyncIterator[Sighting]:
    """Every row of every table of every database of ours, the provider's included."""
    connection = await asyncpg.connect(server_url)
    try:
        names = [row["datname"] for row in await connection.fetch(_DATABASES, like)]
    finally:
        await connection.close()
    for name in names:
        connection = await asyncpg.connect(database_url_for(server_url, name))
        try:
            for table in await connection.fetch(_TABLES):
                rows = await connection.fetch(f"SELECT t::text AS text FROM {table['name']} t")  # noqa: S608
                for row in rows:
                    for sighting in search(f"{name} {table['name']}", row["text"].encode(), pattern):
                        yield sighting
        finally:
            await connection.close()


def search_files(
    folder: Path, pattern: re.Pattern[bytes], *, skip: Callable[[Path], bool] = lambda _: False
) -> Iterator[Sighting]:
    """`skip` is asked of each folder inside."""
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not skip(Path(place, name)))
        for path in (Path(place, name) for name in sorted(files)):
            if path.is_file() and not path.is_symlink():
                yield from _search_file(path, pattern)


def _search_file(path: Path, pattern: re.Pattern[bytes]) -> Iterator[Sighting]:
    try:
        with path.open("rb") as file:
            before = b""
            while chunk := file.read(_CHUNK_BYTES):
                yield from search(str(path), before + chunk, pattern)
                before = chunk[-_OVERLAP_BYTES:]
    except FileNotFoundError:
        return  # PostgreSQL and NATS remove files of theirs at any time


def search_metrics(shop: ProvenShop, pattern: re.Pattern[bytes]) -> Iterator[Sighting]:
    for name in shop.children:
        with urllib.request.urlopen(f"{shop.address(name)}/metrics", timeout=10) as answer:  # noqa: S310 - loopback
            yield from search(f"metrics of {name}", answer.read(), pattern)


async def search_shop(shop: ProvenShop, canaries: list[Canary]) -> list[Sighting]:
    """All there is of a running shop, but for its spans, which went to a collector."""
    found: list[Sighting] = []
    for canary in canaries:
        pattern = canary.pattern()
        found += [sighting async for sighting in search_tables(shop.servers.database_url, pattern)]
        for folder in (shop.folder.path, reachable_folder(shop.folder.postgres)):
            found += await asyncio.to_thread(lambda: list(search_files(folder, pattern)))  # noqa: B023 - awaited here
        found += await asyncio.to_thread(lambda: list(search_metrics(shop, pattern)))  # noqa: B023 - awaited here
    return found
