"""After the suite, cards are nowhere: what tests leave in databases, streams, logs and homes is searched for the
numbers they pay with, and for their codes where one is called a code. A sighting fails the run.

Servers are searched before they stop, databases before they are dropped, folders before they are removed.
"""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from deploy.prove.cards import Sighting, pattern_of, search, search_files, search_tables
from deploy.prove.scenarios.l10_card_canary import CANARIES
from deploy.sandbox.psp.cards import BY_NUMBER

NUMBERS = frozenset({*BY_NUMBER, *(canary.number for canary in CANARIES)})
#: what tests write as security codes: too short to be looked for by themselves
CODES = ("123", "987", "1234")
_CALLED = rf"""(?i:(?<![a-z0-9])(?:cv[vc]2?|security[_ ]?code))[\\"'\s]*[:=][\\"'\s]*(?:{"|".join(CODES)})(?![0-9])"""
PATTERN = re.compile(b"|".join([*map(pattern_of, sorted(NUMBERS)), _CALLED.encode()]))


def require_no_cards_in_databases(url: str, *, like: str = "%") -> None:
    """Of this server, those whose name is like that."""

    async def all_of_it() -> list[Sighting]:
        return [sighting async for sighting in search_tables(url, PATTERN, like=like)]

    with ThreadPoolExecutor(1) as thread:  # a loop may be running in this one
        _require_none(thread.submit(asyncio.run, all_of_it()).result())


def require_no_cards_in_files(folder: Path) -> None:
    """But for PostgreSQL's own, which are searched as tables."""
    _require_none(search_files(folder, PATTERN, skip=lambda path: (path / "PG_VERSION").exists()))


def require_no_cards_on_pages(url: str) -> None:
    """Of a running shop: what the router counts, and every span of the traces it shows."""
    traces = json.loads(_get(f"{url}/traces?limit=500"))["traces"]
    pages = ["/metrics", *(f"/traces/{trace['trace_id']}" for trace in traces)]
    with ThreadPoolExecutor(8) as threads:
        bodies = threads.map(lambda page: _get(url + page), pages)
        _require_none(s for page, body in zip(pages, bodies, strict=True) for s in search(page, body, PATTERN))


def _require_none(sightings: Iterable[Sighting]) -> None:
    seen = [str(sighting) for sighting in sightings]
    assert not seen, "card data was kept:\n" + "\n".join(seen[:20])


def _get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as answer:
        body: bytes = answer.read()
    return body
